package run

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How the garbage collector is paced. Its cost is per collection and grows with
// what is live; a process with a small heap and a lot to do collects many times
// a second. So while it is busy the heap may grow by gcRoom between two
// collections, and when it is calm again all that is free goes back to the system.
const (
	gcLook    = time.Second
	gcBusy    = 4         // collections per gcLook
	gcCalm    = 5         // looks in a row with hardly any
	gcRoom    = 128 << 20 // bytes
	gcPercent = 100       // Go's default
)

// paceGC runs until ctx ends, unless the operator decided with GOGC.
func paceGC(ctx context.Context) {
	if _, decided := os.LookupEnv("GOGC"); decided {
		return
	}
	defer debug.SetGCPercent(gcPercent)
	tick := time.NewTicker(gcLook)
	defer tick.Stop()
	pace := gcPace{percent: gcPercent}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		percent := pace.look(sample[0].Value.Uint64(), sample[1].Value.Uint64())
		if percent != pace.percent {
			pace.percent = percent
			debug.SetGCPercent(percent)
		}
		if pace.calmed() {
			debug.FreeOSMemory()
		}
	}
}

// gcPace decides from what it saw so far.
type gcPace struct {
	percent int
	cycles  uint64
	calm    int // looks in a row without a collection worth mentioning
}

// look takes the number of collections so far and the live bytes, and returns
// the percentage that suits.
func (p *gcPace) look(cycles, live uint64) int {
	since := cycles - p.cycles
	p.cycles = cycles
	if since > 1 { // one a look is that of calmed, or Go's own every two minutes
		p.calm = 0
	} else if p.calm++; p.calm >= gcCalm {
		return gcPercent
	}
	if since < gcBusy && p.percent == gcPercent {
		return gcPercent
	}
	return max(gcPercent, int(gcRoom*100/max(live, 1<<20)))
}

// calmed reports once that it has become calm.
func (p *gcPace) calmed() bool { return p.calm == gcCalm }
