package notify

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
)

// corkedConn is a connection that can gather several writes into one system
// call: many small frames in a row are the usual case while a client catches
// up. The buffer is borrowed while corked, so an idle connection has none.
type corkedConn struct {
	net.Conn

	mu  sync.Mutex
	buf *[]byte // nil: not corked
}

var corkBuffers = sync.Pool{New: func() any { b := make([]byte, 0, writeBatch); return &b }}

// cork gathers what is written until uncork.
func (c *corkedConn) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		c.buf, _ = corkBuffers.Get().(*[]byte)
	}
}

// uncork writes what was gathered.
func (c *corkedConn) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	corkBuffers.Put(c.buf)
	c.buf = nil
	return err
}

// Write implements net.Conn.
func (c *corkedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		return c.Conn.Write(p)
	}
	if len(*c.buf)+len(p) > cap(*c.buf) {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > cap(*c.buf) {
		return c.Conn.Write(p)
	}
	*c.buf = append(*c.buf, p...)
	return len(p), nil
}

func (c *corkedConn) flush() error {
	if len(*c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(*c.buf)
	*c.buf = (*c.buf)[:0]
	return err
}

// corking is a response that can be hijacked and then gives a corkedConn.
type corking struct {
	http.ResponseWriter
	conn *corkedConn
}

// Hijack implements http.Hijacker.
func (c *corking) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h, ok := c.ResponseWriter.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("notify: the response cannot be hijacked")
	}
	conn, rw, err := h.Hijack()
	if err != nil {
		return nil, nil, err
	}
	c.conn = &corkedConn{Conn: conn}
	return c.conn, rw, nil
}
