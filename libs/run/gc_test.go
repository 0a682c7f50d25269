package run

import "testing"

// Busy: room. Calm for long enough: back. A big heap needs no extra room.
func TestGCPace(t *testing.T) {
	const live = 16 << 20
	p := gcPace{percent: gcPercent}
	cycles := uint64(0)
	look := func(collections, live uint64) int {
		cycles += collections
		p.percent = p.look(cycles, live)
		return p.percent
	}
	if got := look(1, live); got != gcPercent {
		t.Errorf("idle: %d", got)
	}
	if got := look(20, live); got != 800 {
		t.Errorf("busy: %d, want room for %d bytes", got, gcRoom)
	}
	if got := look(2, live); got != 800 {
		t.Errorf("busy with room: %d, must not fall back at once", got)
	}
	if got := look(20, 1<<30); got != gcPercent {
		t.Errorf("a large heap: %d", got)
	}
	look(20, live)
	for range gcCalm - 1 {
		if got := look(0, live); got != 800 || p.calmed() {
			t.Fatalf("calm for too short: %d", got)
		}
	}
	if got := look(0, live); got != gcPercent || !p.calmed() {
		t.Errorf("calm: %d", got)
	}
	if look(1, live); p.calmed() {
		t.Error("gives back what is free again and again")
	}
}
