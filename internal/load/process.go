package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Process is a process whose cost is measured.
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// usage is what a process has used so far.
type usage struct {
	cpu time.Duration // user and system
	rss int64         // bytes
}

// clockTick is what /proc counts CPU time in on every Linux: USER_HZ is 100.
const clockTick = 10 * time.Millisecond

func (p Process) usage() (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return usage{}, fmt.Errorf("process %s: %w", p.Name, err)
	}
	// The name in parentheses may hold anything; what follows is numbers.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const user, system, pages = 11, 12, 21
	if len(fields) <= pages {
		return usage{}, fmt.Errorf("process %s: what is in /proc is not understood", p.Name)
	}
	var n [3]int64
	for i, at := range [...]int{user, system, pages} {
		if n[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return usage{}, fmt.Errorf("process %s: %w", p.Name, err)
		}
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * clockTick, rss: n[2] * int64(os.Getpagesize())}, nil
}

// usagesOf looks at all of them.
func usagesOf(processes []Process) ([]usage, error) {
	all := make([]usage, len(processes))
	for i, p := range processes {
		var err error
		if all[i], err = p.usage(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // cannot fail for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
