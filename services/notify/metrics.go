package notify

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/errs"
)

// metrics counts what an operator needs to see. Labels are transports, slugs
// and close codes: a few dozen values, never a user or an address.
type metrics struct {
	connections *prometheus.GaugeVec
	sent        prometheus.Counter
	lag         prometheus.Histogram
	logSeconds  prometheus.Histogram
	logReads    prometheus.Counter
	gaps        prometheus.Counter
	resumes     prometheus.Counter
	acks        prometheus.Counter
	resyncs     *prometheus.CounterVec
	closed      *prometheus.CounterVec
	refused     *prometheus.CounterVec
}

// newMetrics registers with r; nil keeps the numbers to itself.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "chat", Subsystem: "notify", Name: name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "chat", Subsystem: "notify", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "chat", Subsystem: "notify", Name: "connections", Help: "Open connections by transport.",
		}, []string{"transport"}),
		sent: counter("events_sent_total", "Events put on connections."),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_notify_push_lag_seconds", Buckets: prometheus.ExponentialBuckets(.001, 2, 16),
			Help: "From the beginning of a message's transaction until it was written to a connection, for entries that were pushed. Compares the clocks of two nodes.",
		}),
		logSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_notify_log_read_seconds", Buckets: prometheus.ExponentialBuckets(.001, 2, 13),
			Help: "Time to read a page of an event log, waiting for a turn included.",
		}),
		logReads: counter("log_reads_total", "Questions to the log of a user."),
		gaps:     counter("gaps_filled_total", "Log reads that brought events the bus did not."),
		resumes:  counter("resumes_total", "Connections that continued from a cursor."),
		acks:     counter("acks_total", "Acknowledgements of clients."),
		resyncs:  vector("resyncs_total", "Connections sent to a snapshot, by reason.", "reason"),
		closed:   vector("closed_total", "Connections closed by this side, by close code (4408: slow readers).", "code"),
		refused:  vector("refused_total", "Handshakes refused, by reason.", "reason"),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.connections, m.sent, m.lag, m.logSeconds, m.logReads, m.gaps, m.resumes, m.acks, m.resyncs, m.closed, m.refused} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) opened(f format, by float64) {
	transport := "websocket"
	if f.stream() {
		transport = "sse"
	}
	m.connections.WithLabelValues(transport).Add(by)
}

// written notes that frames have left, and when.
func (m *metrics) written(batch []frame) {
	now := time.Now()
	for _, f := range batch {
		if f.pushed != 0 {
			m.lag.Observe(max(0, time.Duration(now.UnixNano()-f.pushed).Seconds()))
		}
		f.span.EndAt(now)
	}
}

func (m *metrics) timeLogRead(began time.Time) { m.logSeconds.Observe(time.Since(began).Seconds()) }

func (m *metrics) close(code int) { m.closed.WithLabelValues(strconv.Itoa(code)).Inc() }

func (m *metrics) refuse(err error) { m.refused.WithLabelValues(string(errs.Of(err).Slug)).Inc() }
