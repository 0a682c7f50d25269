package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// meter counts what happens in the measured window.
type meter struct {
	from, until time.Duration // the window, since the run's start

	push    *hdrhistogram.Histogram // sent until the partner has it, µs
	accept  *hdrhistogram.Histogram // sent until answered 201, µs
	counted [sides + 1]int64        // pushes in the window; last: 201
}

// answered is the kind, beside the sides, of an answer 201.
const answered = sides

// longest is the greatest latency told apart, in µs: a minute.
const longest = 60_000_000

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest, 3) }

func newMeter(from, until time.Duration) *meter {
	return &meter{from: from, until: until, push: newHistogram(), accept: newHistogram()}
}

// record notes what happened at now to a message that was sent at sent.
func (m *meter) record(kind int, sent, now time.Duration) {
	if now >= m.from && now < m.until {
		m.counted[kind]++
	}
	if sent < m.from || sent >= m.until {
		return
	}
	switch kind {
	case partner:
		put(m.push, now-sent)
	case answered:
		put(m.accept, now-sent)
	}
}

// put records one latency.
func put(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(int64(took/time.Microsecond), 1), longest)) // cannot fail: it is within the bounds
}

// complete is how many messages were accepted and came to both sides
// in the window.
func (m *meter) complete() int64 {
	return min(m.counted[sender], m.counted[partner], m.counted[answered])
}

// Latency is a distribution in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

func latency(h *hdrhistogram.Histogram) Latency {
	ms := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return Latency{h.TotalCount(), ms(50), ms(90), ms(99), ms(99.9), float64(h.Max()) / 1000}
}
