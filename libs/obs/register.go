package obs

import "github.com/prometheus/client_golang/prometheus"

// Register adds collectors to r; without an r their numbers are kept by nobody.
// It panics when two of one name contradict each other, which is a bug.
func Register(r prometheus.Registerer, cs ...prometheus.Collector) {
	if r != nil {
		r.MustRegister(cs...)
	}
}
