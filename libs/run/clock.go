package run

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/db"
)

// clockLook is how often the clock is compared with the database's.
const clockLook = time.Minute

// clockWatch compares this machine's clock with that of the database server,
// which all replicas share. Between machines whose clocks differ by more than
// authn.Leeway tokens are refused, and nothing else would say why.
type clockWatch struct {
	db     *db.DB
	log    *slog.Logger
	now    func() time.Time
	offset prometheus.Gauge
}

func newClockWatch(d *db.DB, log *slog.Logger, metrics prometheus.Registerer) *clockWatch {
	w := &clockWatch{db: d, log: log, now: time.Now, offset: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "chat_clock_offset_seconds", Help: "How far the database server's clock is ahead of this machine's; 0 with SQLite.",
	})}
	metrics.MustRegister(w.offset)
	return w
}

// run looks at once and then every so often, until ctx ends.
func (w *clockWatch) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for odd := false; ; {
		odd = w.look(ctx, odd)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look says when the clocks differ, each time, and when they do no longer. While
// the database does not answer it says nothing new.
func (w *clockWatch) look(ctx context.Context, odd bool) bool {
	within, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	off, err := w.db.ClockOffset(within, w.now)
	if err != nil {
		return odd
	}
	w.offset.Set(off.Seconds())
	switch differ := off.Abs() > db.ClocksDiffer; {
	case differ:
		w.log.Warn("the clocks of this machine and of the database differ: synchronise both (chrony, systemd-timesyncd), or valid tokens are refused", "database_ahead", off)
		return true
	case odd:
		w.log.Info("the clocks of this machine and of the database agree again", "database_ahead", off)
	}
	return false
}
