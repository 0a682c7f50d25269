package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"chatapp/libs/events"
	"chatapp/libs/testkit"
)

// wsClient is a device: it reads everything and judges nothing.
type wsClient struct {
	conn *websocket.Conn

	mu      sync.Mutex
	welcome string
	cursors []string
	seqs    []uint64
	entries []json.RawMessage
	other   []map[string]any // typing, resync, error
	order   []string         // types of all frames
	closed  *websocket.CloseError
	over    bool
}

func newClient(t testing.TB, conn *websocket.Conn) *wsClient {
	c := &wsClient{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); c.read() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return c
}

func (c *wsClient) read() {
	for {
		_, data, err := c.conn.ReadMessage()
		c.mu.Lock()
		if err != nil {
			c.over = true
			c.closed, _ = errors.AsType[*websocket.CloseError](err)
			c.mu.Unlock()
			c.conn.Close()
			return
		}
		c.note(data)
		c.mu.Unlock()
	}
}

func (c *wsClient) note(data []byte) {
	var f struct {
		Type   string          `json:"type"`
		Cursor string          `json:"cursor"`
		Event  json.RawMessage `json:"event"`
	}
	var e events.Entry
	if json.Unmarshal(data, &f) != nil || (f.Type == "event" && json.Unmarshal(f.Event, &e) != nil) {
		f.Type = "garbage"
	}
	c.order = append(c.order, f.Type)
	switch f.Type {
	case "welcome":
		c.welcome = f.Cursor
	case "event":
		c.seqs = append(c.seqs, e.Seq)
		c.cursors = append(c.cursors, e.Cursor)
		c.entries = append(c.entries, f.Event)
	default:
		m := map[string]any{}
		_ = json.Unmarshal(data, &m)
		c.other = append(c.other, m)
	}
}

func (c *wsClient) send(t testing.TB, frame any) {
	t.Helper()
	if err := c.conn.WriteJSON(frame); err != nil {
		t.Fatal(err)
	}
}

func (c *wsClient) wait(t testing.TB, what string, cond func(*wsClient) bool) {
	t.Helper()
	state := ""
	t.Cleanup(func() {
		if t.Failed() && state != "" {
			t.Logf("waited for %s: %s", what, state)
		}
	})
	testkit.Eventually(t, patience, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		state = fmt.Sprintf("welcome %q, %d events, last %v, others %v, closed %v", c.welcome, len(c.seqs), c.seqs[max(0, len(c.seqs)-5):], c.other, c.closed)
		return cond(c)
	})
	state = ""
}

// expect waits until the device has exactly first..last, each once, in order.
func (c *wsClient) expect(t testing.TB, first, last uint64) {
	t.Helper()
	c.wait(t, fmt.Sprintf("event %d", last), func(c *wsClient) bool { return len(c.seqs) > 0 && c.seqs[len(c.seqs)-1] >= last })
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, seq := range c.seqs {
		if seq != first+uint64(i) {
			t.Fatalf("event %d of the connection is number %d, want %d (of %d..%d)", i, seq, first+uint64(i), first, last)
		}
	}
	if n := uint64(len(c.seqs)); n != last-first+1 {
		t.Fatalf("%d events, want %d..%d", n, first, last)
	}
}

// expectClose waits for the close frame.
func (c *wsClient) expectClose(t testing.TB, code int) *websocket.CloseError {
	t.Helper()
	c.wait(t, fmt.Sprintf("close %d", code), func(c *wsClient) bool { return c.over })
	if c.closed == nil || c.closed.Code != code {
		t.Fatalf("closed with %v, want %d", c.closed, code)
	}
	return c.closed
}

func (c *wsClient) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cursors) == 0 {
		return c.welcome
	}
	return c.cursors[len(c.cursors)-1]
}

func (c *wsClient) drop() {
	_ = c.conn.NetConn().(*net.TCPConn).SetLinger(0)
	c.conn.Close()
}
