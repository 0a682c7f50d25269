// Package faultproxy is a TCP proxy that breaks what passes through it, as a
// network does: delay with jitter, silence in one direction or both, resets,
// and everything cut at once.
//
// A Link is one edge of the system (these clients to the gateway, this replica
// to the database) and may lead to several addresses. Its faults can be
// changed at any time and hold for open and new connections alike. Silence
// keeps what was sent and delivers it when it ends, which is what TCP makes of
// lost packets; the end of a connection is kept back just the same.
package faultproxy

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Faults is how a Link behaves. The zero value forwards at once.
type Faults struct {
	// Latency delays everything in both directions; Jitter adds up to itself.
	Latency, Jitter time.Duration
	// SilentUp keeps back what goes to the target, SilentDown what comes from it.
	SilentUp, SilentDown bool
	// Refuse resets every new connection.
	Refuse bool
}

// state is one setting and what says that there is a newer one.
type state struct {
	Faults
	changed chan struct{}
}

// Link is one breakable edge. Safe for concurrent use.
type Link struct {
	now atomic.Pointer[state]

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*Conn]struct{}
	closed    bool
}

// New makes a link that forwards at once and leads nowhere yet.
func New() *Link {
	l := &Link{conns: map[*Conn]struct{}{}}
	l.now.Store(&state{changed: make(chan struct{})})
	return l
}

// Forward opens a door to target on a port of the loopback interface and
// returns its address.
func (l *Link) Forward(target string) (string, error) {
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	l.listeners = append(l.listeners, door)
	l.mu.Unlock()
	go func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return // closed
			}
			go l.serve(client.(*net.TCPConn), target)
		}
	}()
	return door.Addr().String(), nil
}

// Set replaces the link's faults.
func (l *Link) Set(f Faults) {
	old := l.now.Swap(&state{Faults: f, changed: make(chan struct{})})
	close(old.changed)
}

// Cut resets every open connection at both ends and returns how many.
func (l *Link) Cut() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Reset()
	}
	return len(l.conns)
}

// Conns are the open connections.
func (l *Link) Conns() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Conn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	return all
}

// Close closes the doors and resets all connections.
func (l *Link) Close() {
	l.mu.Lock()
	l.closed = true
	for _, door := range l.listeners {
		_ = door.Close()
	}
	l.mu.Unlock()
	l.Cut()
}

// Conn is one connection through a link.
type Conn struct {
	client, target         *net.TCPConn
	clientGone, targetGone chan struct{}
	done                   chan struct{}
	once                   sync.Once
}

// TargetGone is closed when the target has ended its half, even while the
// link keeps that from the client.
func (c *Conn) TargetGone() <-chan struct{} { return c.targetGone }

// ClientGone is closed when the client has ended its half.
func (c *Conn) ClientGone() <-chan struct{} { return c.clientGone }

// Reset ends both halves without a goodbye.
func (c *Conn) Reset() {
	_ = c.client.SetLinger(0)
	_ = c.target.SetLinger(0)
	c.close()
}

func (c *Conn) close() {
	c.once.Do(func() {
		close(c.done)
		_ = c.client.Close()
		_ = c.target.Close()
	})
}

func (l *Link) serve(client *net.TCPConn, target string) {
	if l.now.Load().Refuse {
		_ = client.SetLinger(0)
		_ = client.Close()
		return
	}
	up, err := net.Dial("tcp", target)
	if err != nil {
		// The nearest to a refused connection that a proxy can give.
		_ = client.SetLinger(0)
		_ = client.Close()
		return
	}
	c := &Conn{client: client, target: up.(*net.TCPConn), clientGone: make(chan struct{}), targetGone: make(chan struct{}), done: make(chan struct{})}
	l.mu.Lock()
	l.conns[c] = struct{}{}
	closed := l.closed
	l.mu.Unlock()
	if closed {
		c.Reset()
	}
	var halves sync.WaitGroup
	halves.Go(func() { l.pipe(c, c.client, c.target, c.clientGone, func(f Faults) bool { return f.SilentUp }) })
	halves.Go(func() { l.pipe(c, c.target, c.client, c.targetGone, func(f Faults) bool { return f.SilentDown }) })
	halves.Wait()
	c.close()
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
}

// chunk is what one read brought, and when.
type chunk struct {
	data []byte
	at   time.Time
}

// inFlight is how many reads one direction holds back before the sender feels
// it: about a megabyte, as a network's and a kernel's buffers do.
const inFlight = 64

// pipe carries one direction until its source ends or its sink fails.
func (l *Link) pipe(c *Conn, from, to *net.TCPConn, gone chan struct{}, silent func(Faults) bool) {
	chunks := make(chan chunk, inFlight)
	go func() {
		defer close(gone)
		defer close(chunks)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if n > 0 {
				select {
				case chunks <- chunk{buf[:n], time.Now()}:
				case <-c.done:
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) && !silent(l.now.Load().Faults) {
					c.Reset() // a reset on one side is one on the other
				}
				return
			}
		}
	}()
	for k := range chunks {
		if !l.hold(c, k.at, silent) {
			return
		}
		if _, err := to.Write(k.data); err != nil {
			c.close()
			return
		}
	}
	if l.hold(c, time.Now(), silent) {
		_ = to.CloseWrite()
	}
}

// hold waits until what was read at that moment may go on; false when the
// connection is over.
func (l *Link) hold(c *Conn, at time.Time, silent func(Faults) bool) bool {
	jitter := rand.Float64()
	for {
		s := l.now.Load()
		var due <-chan time.Time
		if !silent(s.Faults) {
			wait := time.Until(at.Add(s.Latency + time.Duration(jitter*float64(s.Jitter))))
			if wait <= 0 {
				return true
			}
			due = time.After(wait)
		}
		select {
		case <-due:
			return true
		case <-s.changed:
		case <-c.done:
			return false
		}
	}
}
