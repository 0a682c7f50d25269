package httpx

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by route pattern, never by address: a route is one
// of a few dozen, an address one of billions.
type metrics struct {
	took    *prometheus.HistogramVec
	open    prometheus.Gauge
	service string
}

func newMetrics(r prometheus.Registerer, service string) *metrics {
	took := shared(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "chat_http_request_seconds",
		Help:    "Time to answer a request, by service, route, method and status. Event streams are not counted, a WebSocket's handshake is.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"service", "route", "method", "status"}))
	open := shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "chat_http_requests_open", Help: "Requests being answered, event streams included.",
	}, []string{"service"}))
	return &metrics{took: took, open: open.WithLabelValues(service), service: service}
}

// shared registers c, or returns the one that another service of this process
// registered.
func shared[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if r == nil {
		return c
	}
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](r.Register(c)); ok {
		if same, ok := already.ExistingCollector.(C); ok {
			return same
		}
	}
	return c
}

func (m *metrics) observe(route, method string, status int, took time.Duration) {
	if route == "" {
		route, method = "none", "any" // unknown addresses share one series
	}
	m.took.WithLabelValues(m.service, route, method, strconv.Itoa(status)).Observe(took.Seconds())
}
