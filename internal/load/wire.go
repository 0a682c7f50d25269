package load

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// wire is one TCP connection with what has arrived on it. It begins blocking,
// for set-up; detach makes it one for the poller.
type wire struct {
	conn net.Conn // nil after detach
	fd   int      // valid after detach
	buf  []byte
	r, w int // buf[r:w] is unread
}

func dial(ctx context.Context, t Target, buffer int, from net.Addr) (*wire, error) {
	d := net.Dialer{LocalAddr: from, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return &wire{conn: conn, fd: -1, buf: make([]byte, buffer)}, nil
}

// detach takes the connection away from the Go runtime, whose own poller would
// otherwise be woken by everything that arrives.
func (w *wire) detach() error {
	c, ok := w.conn.(syscall.Conn)
	if !ok {
		return errors.New("not a system socket")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var dup error
	if err := raw.Control(func(fd uintptr) {
		w.fd, dup = syscall.Dup(int(fd))
	}); err != nil || dup != nil {
		return errors.Join(err, dup)
	}
	w.conn.Close()
	w.conn = nil
	return nil
}

// unread is what has arrived and was not taken.
func (w *wire) unread() []byte { return w.buf[w.r:w.w] }

// take marks the first n unread bytes as read. They stay valid until fill.
func (w *wire) take(n int) { w.r += n }

// maxUnit is the longest answer or frame that is understood, with much room.
const maxUnit = 4 << 20

// room makes room for more to arrive.
func (w *wire) room() error {
	switch {
	case w.r == w.w:
		w.r, w.w = 0, 0
	case w.r > 0 && w.w == len(w.buf):
		w.w = copy(w.buf, w.buf[w.r:w.w])
		w.r = 0
	case w.w == len(w.buf):
		if len(w.buf) >= maxUnit {
			return errors.New("an answer or frame without end")
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	return nil
}

// fill reads once what has arrived. On a detached wire it may return without
// anything new; io.EOF says that the other side has closed.
func (w *wire) fill() (err error) {
	if err := w.room(); err != nil {
		return err
	}
	var n int
	if w.conn != nil {
		n, err = w.conn.Read(w.buf[w.w:])
	} else {
		n, err = syscall.Read(w.fd, w.buf[w.w:])
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
			return nil
		}
		if n == 0 && err == nil {
			err = io.EOF
		}
	}
	if n > 0 {
		w.w += n
	}
	return err
}

// write sends p whole. A detached wire does not wait: what we send is short
// and is answered before the next, so there is always room for it.
func (w *wire) write(p []byte) error {
	if w.conn != nil {
		_, err := w.conn.Write(p)
		return err
	}
	n, err := syscall.Write(w.fd, p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
	} else if w.fd >= 0 {
		_ = syscall.Close(w.fd) // it was only used by us
		w.fd = -1
	}
}
