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
	service string
}

func newMetrics(r prometheus.Registerer, service string) *metrics {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "chat_http_request_seconds",
		Help:    "Time to answer a request, by service, route, method and status.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"service", "route", "method", "status"})
	if r == nil {
		return &metrics{took: h, service: service}
	}
	if err := r.Register(h); err != nil {
		// Several services in one process share the vector.
		var already prometheus.AlreadyRegisteredError
		if errors.As(err, &already) {
			h = already.ExistingCollector.(*prometheus.HistogramVec)
		}
	}
	return &metrics{took: h, service: service}
}

func (m *metrics) observe(route, method string, status int, took time.Duration) {
	if route == "" {
		route, method = "none", "any" // unknown addresses share one series
	}
	m.took.WithLabelValues(m.service, route, method, strconv.Itoa(status)).Observe(took.Seconds())
}
