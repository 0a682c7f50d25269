package load

import (
	"syscall"
	"time"
)

// sleepUntil returns at the given time, to some 60 µs. The timers of the Go
// runtime may be a whole millisecond late, which would be counted as the
// server's; so this blocks the thread.
func sleepUntil(at time.Time) {
	for {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		// Pieces, so that a run that ends early is noticed by the caller.
		ts := syscall.NsecToTimespec(int64(left))
		if err := syscall.Nanosleep(&ts, nil); err == nil {
			return
		}
	}
}

// noDeadline takes a connection's deadline away.
var noDeadline time.Time
