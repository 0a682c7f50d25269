package db

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"
)

// poolMetrics shows the connection pools of a DB, by pool: write, read, batch.
type poolMetrics struct {
	d                                                *DB
	limit, inUse, idle, waits, waitSeconds, conflict *prometheus.Desc
}

// Collector is the metrics of the pools of the service's schema.
func (d *DB) Collector(service string) prometheus.Collector {
	labels := prometheus.Labels{"service": service}
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("chat_database_"+name, help, variable, labels)
	}
	return &poolMetrics{
		d:           d,
		limit:       desc("connections_limit", "The most connections a pool may open.", "pool"),
		inUse:       desc("connections_in_use", "Connections at work.", "pool"),
		idle:        desc("connections_idle", "Open connections that wait for work.", "pool"),
		waits:       desc("connection_waits_total", "Times somebody had to wait for a connection.", "pool"),
		waitSeconds: desc("connection_wait_seconds_total", "Time spent waiting for a connection.", "pool"),
		conflict:    desc("conflicts_total", "Transactions run again because another one was in the way (deadlock, lock wait)."),
	}
}

// Describe implements prometheus.Collector.
func (m *poolMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.limit, m.inUse, m.idle, m.waits, m.waitSeconds, m.conflict} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *poolMetrics) Collect(ch chan<- prometheus.Metric) {
	for name, pool := range m.d.pools() {
		s := pool.Stats()
		gauge := func(d *prometheus.Desc, v int) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), name)
		}
		gauge(m.limit, s.MaxOpenConnections)
		gauge(m.inUse, s.InUse)
		gauge(m.idle, s.Idle)
		ch <- prometheus.MustNewConstMetric(m.waits, prometheus.CounterValue, float64(s.WaitCount), name)
		ch <- prometheus.MustNewConstMetric(m.waitSeconds, prometheus.CounterValue, s.WaitDuration.Seconds(), name)
	}
	ch <- prometheus.MustNewConstMetric(m.conflict, prometheus.CounterValue, float64(m.d.conflicts.Load()))
}

// pools are the connection pools by what they are for.
func (d *DB) pools() map[string]*sql.DB {
	all := map[string]*sql.DB{}
	if pool, err := d.W.DB(); err == nil {
		all["write"] = pool
	}
	if pool, err := d.R.DB(); err == nil && d.R != d.W {
		all["read"] = pool
	}
	if d.scripts != nil {
		all["batch"] = d.scripts
	}
	return all
}
