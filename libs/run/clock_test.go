package run_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/client_golang/prometheus/testutil"

	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

// A clock that is off is told while it is, with how far, and when it is no more.
func TestClockWatch(t *testing.T) {
	var log bytes.Buffer
	var skew atomic.Int64
	d := testkit.OpenMariaDB(t, nil)
	w := run.NewClockWatch(d, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
	w.SetNow(func() time.Time { return time.Now().Add(time.Duration(skew.Load())) })
	odd := false
	for _, step := range []struct {
		skew time.Duration
		odd  bool
		want string // in the log; "" = nothing
	}{
		{0, false, ""},
		{time.Hour, true, "level=WARN"},
		{time.Hour, true, "synchronise both"},
		{-90 * time.Second, true, "database_ahead=1m"},
		{0, false, "agree again"},
		{time.Second, false, ""},
	} {
		log.Reset()
		skew.Store(int64(step.skew))
		odd = run.Look(w, t.Context(), odd)
		if odd != step.odd || (step.want == "") != (log.Len() == 0) || !strings.Contains(log.String(), step.want) {
			t.Errorf("%v: %v, %q", step.skew, odd, log.String())
		}
		if off := prom.ToFloat64(w.Offset()) + step.skew.Seconds(); off < -1 || off > 1 {
			t.Errorf("%v: the metric is %v off", step.skew, off)
		}
	}
	_ = d.Close() // the database does not answer: nothing new is known
	log.Reset()
	if !run.Look(w, t.Context(), true) || run.Look(w, t.Context(), false) || log.Len() > 0 {
		t.Errorf("without the database: %q", log.String())
	}
}
