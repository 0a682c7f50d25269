package authn

import "github.com/prometheus/client_golang/prometheus"

// metrics count how tokens were judged. The counters are resolved once: every
// request passes here.
type metrics struct {
	all                       *prometheus.CounterVec
	cached, verified, refused prometheus.Counter
}

func newMetrics() metrics {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_token_checks_total", Help: "Access tokens by outcome: cached (known good), verified (signature checked) or refused.",
	}, []string{"outcome"})
	return metrics{all, all.WithLabelValues("cached"), all.WithLabelValues("verified"), all.WithLabelValues("refused")}
}

// count notes one judgement; known says that the token had been verified before.
func (m metrics) count(known bool, err error) {
	switch {
	case err != nil:
		m.refused.Inc()
	case known:
		m.cached.Inc()
	default:
		m.verified.Inc()
	}
}

// Collectors are the verifier's metrics.
func (v *Verifier) Collectors() []prometheus.Collector {
	return []prometheus.Collector{
		v.metrics.all,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chat_token_cache_entries", Help: "Verified tokens remembered.",
		}, func() float64 { return float64(v.cache.Len()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chat_token_revoked_sessions", Help: "Sessions that ended early and whose tokens are refused.",
		}, func() float64 {
			v.mu.RLock()
			defer v.mu.RUnlock()
			return float64(len(v.revoked))
		}),
	}
}
