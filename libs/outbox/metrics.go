package outbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/db"
)

// Bounds of one look at a table at a scrape: a backlog of millions must not be
// counted again and again.
const (
	countLimit   = 100_000
	countTimeout = 2 * time.Second
)

// metrics count what the relay does.
type metrics struct{ published, failed, skipped prometheus.Counter }

func newMetrics(service string) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "chat", Subsystem: "outbox", Name: name, Help: help, ConstLabels: prometheus.Labels{"service": service},
		})
	}
	return metrics{
		published: counter("published_total", "Events that JetStream acknowledged."),
		failed:    counter("publish_failures_total", "Events that could not be published at the first try; a sweep publishes them."),
		skipped:   counter("overflow_total", "Rows left to the sweep because the relay's queue was full."),
	}
}

// Collectors are the relay's metrics and those of its table.
func (r *Relay) Collectors() []prometheus.Collector {
	labels := prometheus.Labels{"service": r.service}
	return []prometheus.Collector{
		r.metrics.published, r.metrics.failed, r.metrics.skipped,
		&depth{
			d: r.d, table: "outbox",
			rows:   prometheus.NewDesc("chat_outbox_rows", "Rows of the outbox that are not published yet, at most 100,000; also those under way.", nil, labels),
			oldest: prometheus.NewDesc("chat_outbox_oldest_seconds", "Age of the oldest of them; 0 when there is none.", nil, labels),
		},
	}
}

// DeadLetterDepth is the metric of a service's dead letters.
func DeadLetterDepth(d *db.DB, service string) prometheus.Collector {
	return &depth{d: d, table: "dead_letters", rows: prometheus.NewDesc(
		"chat_dead_letters", "Events set aside because they could not be processed, at most 100,000.", nil, prometheus.Labels{"service": service},
	)}
}

// depth looks at a table when it is asked. A database that does not answer
// gives no number, which chat_ready explains.
type depth struct {
	d            *db.DB
	table        string
	rows, oldest *prometheus.Desc // oldest may be nil
}

// Describe implements prometheus.Collector.
func (c *depth) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.rows
	if c.oldest != nil {
		ch <- c.oldest
	}
}

// Collect implements prometheus.Collector.
func (c *depth) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	read := c.d.R.WithContext(ctx)
	var rows int64
	if err := read.Raw("SELECT COUNT(*) FROM (SELECT 1 FROM "+c.table+" LIMIT ?) AS some", countLimit).Scan(&rows).Error; err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(c.rows, prometheus.GaugeValue, float64(rows))
	if c.oldest == nil {
		return
	}
	var first sql.NullTime
	err := read.Raw("SELECT created_at FROM " + c.table + " ORDER BY created_at LIMIT 1").Scan(&first).Error
	if err != nil {
		return
	}
	age := 0.0
	if first.Valid {
		age = max(0, time.Since(first.Time).Seconds())
	}
	ch <- prometheus.MustNewConstMetric(c.oldest, prometheus.GaugeValue, age)
}
