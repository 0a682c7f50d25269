package run_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

// A clock that is off is told while it is, with how far, and when it is no more.
func TestClockWatch(t *testing.T) {
	var log bytes.Buffer
	var skew atomic.Int64
	d, metrics := testkit.OpenMariaDB(t, nil), prometheus.NewRegistry()
	w := run.NewClockWatch(d, slog.New(slog.NewTextHandler(&log, nil)), metrics)
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
		families, err := metrics.Gather()
		if err != nil || len(families) != 1 {
			t.Fatal(families, err)
		}
		if off := families[0].GetMetric()[0].GetGauge().GetValue() + step.skew.Seconds(); off < -1 || off > 1 {
			t.Errorf("%v: the metric is %v off", step.skew, off)
		}
	}
	_ = d.Close() // the database does not answer: nothing new is known
	log.Reset()
	if !run.Look(w, t.Context(), true) || run.Look(w, t.Context(), false) || log.Len() > 0 {
		t.Errorf("without the database: %q", log.String())
	}
}
