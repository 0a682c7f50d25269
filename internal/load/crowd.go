package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// crowd is many devices, one of each person, that only listen.
type crowd struct {
	target  Target
	people  []Person
	sockets []*socket
	poll    *poller
}

// perSource is how many connections go out from one address: the kernel has
// some 28,000 ports for each.
const perSource = 20_000

// source is the address from which connection i goes out. Only loopback has
// more than one; nil = the kernel's choice.
func source(t Target, i int) net.Addr {
	host, _, err := net.SplitHostPort(t.host)
	if ip := net.ParseIP(host); err != nil || (host != "localhost" && !ip.IsLoopback()) || i < perSource || ip != nil && ip.To4() == nil {
		return nil
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i/perSource))}
}

// enoughFiles says early what would otherwise fail in the middle.
func enoughFiles(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if uint64(connections)+64 > limit.Cur { // the Go runtime has raised it to what is allowed
		return fmt.Errorf("%d connections need as many open files, and `ulimit -n` allows %d; the server needs them too", connections, limit.Cur)
	}
	return nil
}

// atOnceDialing is how many handshakes are under way at the same time. More
// would only wait in the kernel's queue of connections not accepted yet, and
// past its end lose a second each.
const atOnceDialing = 256

// newCrowd connects everybody.
func newCrowd(ctx context.Context, t Target, people []Person, step func(done, of int)) (*crowd, error) {
	if err := enoughFiles(len(people)); err != nil {
		return nil, err
	}
	c := &crowd{target: t, people: people, sockets: make([]*socket, len(people))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnceDialing)
	for i := range people {
		step(i, len(people))
		group.Go(func() (err error) {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			c.sockets[i], err = dialSocket(ctx, t, people[i].Token, "", 512, source(t, i))
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		err = c.attach()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *crowd) attach() (err error) {
	if c.poll, err = newPoller(); err != nil {
		return err
	}
	for i, s := range c.sockets {
		if err := s.detach(); err != nil {
			return err
		}
		if err := c.poll.add(s.fd, i); err != nil {
			return err
		}
	}
	return nil
}

// close cuts all connections at once.
func (c *crowd) close() {
	for _, s := range c.sockets {
		if s != nil {
			s.close()
		}
	}
	if c.poll != nil {
		c.poll.close()
		c.poll = nil
	}
}

// listen answers pings until the time comes. A connection that ends is an error.
func (c *crowd) listen(ctx context.Context, until time.Time) error {
	for time.Now().Before(until) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tokens, err := c.poll.wait(pause)
		if err != nil {
			return err
		}
		for _, i := range tokens {
			if err := c.sockets[i].drain(); err != nil {
				return fmt.Errorf("an idle connection: %w", err)
			}
		}
	}
	return nil
}

// drain takes in what has arrived.
func (s *socket) drain() error {
	if err := s.fill(); err != nil {
		return err
	}
	for {
		frame, err := s.text()
		if frame == nil || err != nil {
			return err
		}
		if seq, ok := eventSeq(frame); ok {
			s.log.see(seq)
		}
	}
}

// IdleResult is what connections cost that only listen.
type IdleResult struct {
	Connections int        `json:"connections"`
	Cost        []IdleCost `json:"cost"`
}

// IdleCost is the memory and CPU of one process.
type IdleCost struct {
	Name   string  `json:"name"`
	Before int64   `json:"rss_before_bytes"`
	After  int64   `json:"rss_after_bytes"`
	Each   int64   `json:"rss_bytes_per_connection"`
	Cores  float64 `json:"cores"` // used while nothing happened
}

// Idle connects everybody, waits for the given time and compares the memory of
// processes with what it was before.
func Idle(ctx context.Context, t Target, people []Person, processes []Process, wait time.Duration, step func(done, of int)) (IdleResult, error) {
	if len(processes) == 0 {
		return IdleResult{}, errors.New("whose memory? Give --pid")
	}
	before, err := usagesOf(processes)
	if err != nil {
		return IdleResult{}, err
	}
	c, err := newCrowd(ctx, t, people, step)
	if err != nil {
		return IdleResult{}, err
	}
	defer c.close()
	connected, err := usagesOf(processes)
	if err == nil {
		err = c.listen(ctx, time.Now().Add(wait))
	}
	if err != nil {
		return IdleResult{}, err
	}
	after, err := usagesOf(processes)
	if err != nil {
		return IdleResult{}, err
	}
	r := IdleResult{Connections: len(people)}
	for i, p := range processes {
		r.Cost = append(r.Cost, IdleCost{
			Name: p.Name, Before: before[i].rss, After: after[i].rss, Each: (after[i].rss - before[i].rss) / int64(len(people)),
			Cores: (after[i].cpu - connected[i].cpu).Seconds() / wait.Seconds(),
		})
	}
	return r, nil
}
