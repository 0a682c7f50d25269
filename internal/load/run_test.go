package load

import (
	"math"
	"os"
	"testing"
	"time"
)

// Only what happens in the window is measured, and what was sent in it.
func TestMeter(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	m := newMeter(1*s, 2*s)
	m.record(partner, 900*ms, 950*ms)   // before
	m.record(partner, 990*ms, 1010*ms)  // sent before, came within: counts for the throughput only
	m.record(partner, 1500*ms, 1502*ms) // within
	m.record(sender, 1500*ms, 1503*ms)
	m.record(answered, 1500*ms, 1501*ms)
	m.record(partner, 1990*ms, 2090*ms) // came after: counts for the latency only
	m.record(partner, 2010*ms, 2011*ms) // after
	if m.counted != [3]int64{1, 2, 1} || m.complete() != 1 {
		t.Errorf("counted %v, complete %d", m.counted, m.complete())
	}
	l := latency(m.push)
	if l.Count != 2 || math.Abs(l.P50-2) > 0.01 || math.Abs(l.Max-100) > 0.1 {
		t.Errorf("%+v", l)
	}
	if l := latency(m.accept); l.Count != 1 || math.Abs(l.P99-1) > 0.01 {
		t.Errorf("%+v", l)
	}
}

// In an open loop messages are due at constant intervals from the start.
func TestDue(t *testing.T) {
	r := run{plan: Plan{Rate: 4}}
	for n, want := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond} {
		if got := r.due(uint64(n)); got != want {
			t.Errorf("message %d is due at %v", n, got)
		}
	}
}

// The timer of the pacing must tick near its period: its error would be
// counted as the server's latency.
func TestTick(t *testing.T) {
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	const period, count = 2 * time.Millisecond, 50
	if err := p.tick(period); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for ticks := 0; ticks < count; {
		ready, err := p.wait(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range ready {
			if token != timerToken {
				t.Fatalf("token %d", token)
			}
			ticks++
		}
	}
	if took := time.Since(start); took < (count-1)*period {
		t.Errorf("%d ticks of %v in %v", count, period, took)
	}
}

func TestUsage(t *testing.T) {
	self := Process{Name: "self", PID: os.Getpid()}
	before, err := self.usage()
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ownCPU() < 50*time.Millisecond+before.cpu && time.Since(start) < 20*time.Second; {
		_ = text(8000)
	}
	after, err := self.usage()
	if err != nil {
		t.Fatal(err)
	}
	if used := after.cpu - before.cpu; used < 20*time.Millisecond || after.rss < 1<<20 {
		t.Errorf("used %v, %d bytes resident", used, after.rss)
	}
	if _, err := (Process{Name: "nobody", PID: 1 << 30}).usage(); err == nil {
		t.Error("a process that is not there was measured")
	}
}

func TestNewTarget(t *testing.T) {
	for base, host := range map[string]string{"http://localhost:8080/": "localhost:8080", "http://chat.example": "chat.example:80"} {
		if got, err := NewTarget(base); err != nil || got.host != host {
			t.Errorf("%s: %+v %v", base, got, err)
		}
	}
	for _, base := range []string{"", "localhost:8080", "https://chat.example", "http://"} {
		if got, err := NewTarget(base); err == nil {
			t.Errorf("%q: %+v", base, got)
		}
	}
}
