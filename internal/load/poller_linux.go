package load

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for many connections on one thread. That is a third cheaper than
// a goroutine for each: what the load uses, the server beside it does not get.
type poller struct {
	epoll, timer int
	events       [128]unix.EpollEvent
	ready        [128]int
}

// timerToken is what wait returns for a tick.
const timerToken = -1

func newPoller() (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &poller{epoll: epoll, timer: -1}, nil
}

// add watches a connection; token is what wait returns for it.
func (p *poller) add(fd, token int) error {
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(token)})
}

// tick makes wait return timerToken about every so often. A timeout of epoll counts in milliseconds, and timers of the Go runtime are as
// coarse: the difference would be counted as the server's.
func (p *poller) tick(every time.Duration) (err error) {
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	period := unix.NsecToTimespec(int64(max(every, 50*time.Microsecond)))
	if err := unix.TimerfdSettime(p.timer, 0, &unix.ItimerSpec{Interval: period, Value: period}, nil); err != nil {
		return err
	}
	return p.add(p.timer, timerToken)
}

// wait returns the tokens of what is ready, at most after the timeout.
func (p *poller) wait(timeout time.Duration) ([]int, error) {
	// Raw: the Go scheduler is not told that this thread blocks. When told, it
	// looks after it every 20 µs, which costs a fifth of all CPU time of the load.
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), uintptr(timeout/time.Millisecond), 0, 0) //nolint:gosec // the kernel writes events into the array
	if errno == unix.EINTR {
		return nil, nil // also how the garbage collector gets a word in
	}
	if errno != 0 {
		return nil, errno
	}
	for i := range int(n) {
		p.ready[i] = int(p.events[i].Fd)
		if p.ready[i] == timerToken {
			var ticks [8]byte
			_, _ = unix.Read(p.timer, ticks[:]) // how many does not matter: the clock is looked at
		}
	}
	return p.ready[:int(n)], nil
}

func (p *poller) close() {
	_ = unix.Close(p.epoll)
	if p.timer >= 0 {
		_ = unix.Close(p.timer)
	}
}
