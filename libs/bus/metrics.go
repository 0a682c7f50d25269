package bus

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/errs"
)

// metrics are what an operator asks of the bus. Labels are the streams, durable
// names and request subjects that the code names, never a user's subject.
type metrics struct {
	reconnects, slow, denied prometheus.Counter
	handled                  *prometheus.CounterVec
	asked                    *prometheus.HistogramVec
}

// The outcomes of a delivery to a durable consumer.
const (
	outcomeOK    = "ok"
	outcomeRetry = "retry"
	outcomeDead  = "dead"
)

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "chat", Subsystem: "bus", Name: name, Help: help})
	}
	return metrics{
		reconnects: counter("reconnects_total", "Times the connection to NATS was made again."),
		slow:       counter("slow_consumer_total", "Times NATS messages were dropped because this process read too slowly; what was missed is read from the log."),
		denied:     counter("denied_total", "Operations that NATS refused for lack of permission."),
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_bus_events_handled_total", Help: "Deliveries to durable consumers by outcome: ok, retry (failed, comes again) or dead (set aside).",
		}, []string{"stream", "durable", "outcome"}),
		asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_bus_request_seconds", Help: "Time until another service answered a question, by subject and outcome (ok, refused, unavailable).",
			Buckets: prometheus.ExponentialBuckets(.0005, 2, 14),
		}, []string{"subject", "outcome"}),
	}
}

// Collectors are the metrics of this connection.
func (b *Bus) Collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chat_bus_connected", Help: "1 while the connection to NATS is up."}, func() float64 {
			if b.Connected() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chat_bus_publish_pending", Help: "Events published and not yet acknowledged."}, func() float64 {
			b.mu.Lock()
			defer b.mu.Unlock()
			return float64(len(b.waiting))
		}),
		b.metrics.reconnects, b.metrics.slow, b.metrics.denied, b.metrics.handled, b.metrics.asked,
	}
}

// observe notes how a question to subject went.
func (m metrics) observe(subject string, began time.Time, err error) {
	outcome := outcomeOK
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Slug != errs.Unavailable {
		outcome = "refused"
	} else if err != nil {
		outcome = "unavailable"
	}
	m.asked.WithLabelValues(subject, outcome).Observe(time.Since(began).Seconds())
}
