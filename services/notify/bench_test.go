package notify

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

const window = 200 // events sent ahead of the slowest: many more would be a slow reader

// BenchmarkDeliver is one event from the bus to all sockets of its user, through
// real NATS and real TCP: the time per event at full throughput.
func BenchmarkDeliver(b *testing.B) {
	for _, sockets := range []int{1, 10} {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			c := newCluster(b)
			n := c.node(b)
			user := id.New()
			at := c.log.cursor(user, 0)
			entries := c.log.write(user, b.N, 200)
			c.log.set(func() { c.log.logs[user.String()] = nil }) // the heads come with the pushes
			done := make(chan error, sockets)
			for range sockets {
				conn := n.rawDial(b, c.tokens.For(user, "bench"))
				go readInWindows(conn, b.N, done)
				if err := conn.WriteJSON(map[string]string{"type": "hello", "cursor": at}); err != nil {
					b.Fatal(err)
				}
			}
			f := n.svc.hub.feed(user)
			testkit.Eventually(b, patience, func() bool { return greetedLanes(f) == sockets })
			c.log.set(func() { c.log.logs[user.String()] = entries })
			b.ReportAllocs()
			b.ResetTimer()
			for len(entries) > 0 {
				part := entries[:min(window, len(entries))]
				entries = entries[len(part):]
				c.log.publish(b, user, part...)
				for range sockets {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// readInWindows reports every window of events, and the rest.
func readInWindows(conn *websocket.Conn, n int, done chan<- error) {
	welcome := 1
	for left := n; left > 0; left -= window {
		done <- readEvents(conn, min(window, left)+welcome)
		welcome = 0
	}
}

func greetedLanes(f *feed) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, l := range f.seq.lanes {
		if l.greeted {
			n++
		}
	}
	return n
}

func readEvents(conn *websocket.Conn, n int) error {
	for seen := range n {
		if _, _, err := conn.NextReader(); err != nil {
			return fmt.Errorf("after %d events: %w", seen, err)
		}
	}
	return nil
}

// BenchmarkResume is a client that comes back 15 events behind: handshake,
// hello, welcome, and the 15.
func BenchmarkResume(b *testing.B) {
	c := newCluster(b)
	n := c.node(b)
	user := id.New()
	c.log.write(user, 100, 200)
	at := c.log.cursor(user, 85)
	token := c.tokens.For(user, "bench")
	header := http.Header{"Authorization": {"Bearer " + token}}
	d := websocket.Dialer{Subprotocols: []string{subprotocol}}
	b.ResetTimer()
	for b.Loop() {
		conn, _, err := d.Dial(n.url(), header) //nolint:bodyclose // a WebSocket
		if err != nil {
			b.Fatal(err)
		}
		if err := conn.WriteJSON(map[string]string{"type": "hello", "cursor": at}); err != nil {
			b.Fatal(err)
		}
		if err := readEvents(conn, 1+15); err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}

// BenchmarkSequencer is the decision alone: one live entry for ten lanes.
func BenchmarkSequencer(b *testing.B) {
	s := &sequencer{}
	head := cursor{1, 0}
	for range 10 {
		s.join(&lane{to: void{}, atHead: true})
	}
	s.page(head, nil, head)
	b.ReportAllocs()
	for b.Loop() {
		head.seq++
		s.offer(&entry{at: head})
	}
}

type void struct{ sink }

func (void) give(*entry, bool) bool { return true }
func (void) greet(cursor)           {}

// BenchmarkParseEntry is what every push costs before anything else.
func BenchmarkParseEntry(b *testing.B) {
	raw := json.RawMessage(`{"cursor":"0000000000000abc-42","seq":42,"type":"message.created","time":"2026-01-01T00:00:00Z","data":{"id":"01a2093d-7167-721d-b6f9-dd68adbcdc46","conversation_id":"01a2093d-7167-721d-b6f9-dd68adbcdc46","seq":7,"sender_id":"01a2093d-7167-721d-b6f9-dd68adbcdc46","client_id":"01a2093d-7167-721d-b6f9-dd68adbcdc46","body":"hello","created_at":"2026-01-01T00:00:00Z"}}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := parseEntry(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleConnection reports the memory of one idle connection of a user
// of its own, as B/conn: Go's heap and stacks, the bare client end included.
func BenchmarkIdleConnection(b *testing.B) {
	c := newCluster(b)
	n := c.node(b)
	address := strings.TrimPrefix(n.http.URL, "http://")
	const conns = 2000
	b.ReportMetric(0, "ns/op")
	for b.Loop() {
		before := memory()
		open := make([]net.Conn, 0, conns)
		for range conns {
			open = append(open, idle(b, address, c.tokens.For(id.New(), "bench")))
		}
		testkit.Eventually(b, patience, func() bool { return greetedClients(n) == conns })
		testkit.Eventually(b, patience, n.quiet)
		b.ReportMetric(float64(memory()-before)/conns, "B/conn")
		for _, conn := range open {
			conn.Close()
		}
		testkit.Eventually(b, patience, func() bool { return greetedClients(n) == 0 })
	}
}

func greetedClients(n *node) (count int) {
	n.svc.hub.eachFeed(func(f *feed) { count += greetedLanes(f) })
	return count
}

// quiet reports whether no connection has anything to write.
func (n *node) quiet() bool {
	active := false
	n.svc.hub.eachFeed(func(f *feed) {
		f.each(func(c *client) {
			c.queue.mu.Lock()
			active = active || c.queue.active
			c.queue.mu.Unlock()
		})
	})
	return !active
}

func memory() uint64 {
	runtime.GC()
	runtime.GC() // what the first only marked as unused
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// idle connects without a client library: what it costs is the server's.
func idle(b *testing.B, address, token string) net.Conn {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat.v1\r\nAuthorization: Bearer %s\r\n\r\n", routeSocket, address, token)
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	hello := []byte(`{"type":"hello"}`)
	if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)); err != nil {
		b.Fatal(err)
	}
	return conn
}
