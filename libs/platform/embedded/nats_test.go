package embedded

import (
	"context"
	"testing"
	"time"
)

// A server that complains now and then is busy, not broken: only a complaint
// that lasts has it started again.
func TestOnlyALastingComplaintCounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		passes int // after so many complaints it is well; -1: never
		want   string
	}{
		{"well", 0, ""},
		{"once", 1, ""},
		{"for a while", 9, ""},
		{"for good", -1, "cannot store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			looks := 0
			got := lasting(context.Background(), 50*time.Millisecond, func() string {
				looks++
				if c.passes >= 0 && looks > c.passes {
					return ""
				}
				return "cannot store"
			})
			if got != c.want {
				t.Errorf("after %d looks: %q, want %q", looks, got, c.want)
			}
		})
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if got := lasting(ended, time.Hour, func() string { return "cannot store" }); got != "" {
		t.Errorf("with the context ended: %q, want none", got)
	}
}
