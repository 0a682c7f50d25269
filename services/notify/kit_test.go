package notify

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/nats-io/nats-server/v2/server"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "20000"); err != nil { // a second; a longer search sets it on the command line
		panic(err)
	}
	testkit.Main(m)
}

// patience is how long a test waits for what must happen; never how long it takes.
const patience = 30 * time.Second

// logServer is the counterpart of notify in its own tests: it answers the
// requests of the messages service from dense logs in memory, on the real bus.
type logServer struct {
	bus *bus.Bus

	mu      sync.Mutex
	epoch   uint64
	logs    map[string][]json.RawMessage
	trimmed map[string]uint64
	members map[string][]string
	down    bool
	noBound bool   // answers may be too large to travel
	damaged string // position at which reading fails without a reason

	logReads, headReads atomic.Int64
}

func newLogServer(t testing.TB, b *bus.Bus) *logServer {
	l := &logServer{
		bus: b, epoch: 0xabc, logs: map[string][]json.RawMessage{}, trimmed: map[string]uint64{}, members: map[string][]string{},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for subject, handle := range map[string]func(context.Context, []byte) (any, error){
		events.RPCLog: l.readLog, events.RPCHeads: l.readHeads, events.RPCMembers: l.readMembers,
	} {
		work.Go(func() {
			if err := b.Serve(ctx, subject, "messages", handle); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); work.Wait() })
	probe := events.HeadsRequest{UserIDs: []string{}}
	testkit.Eventually(t, patience, func() bool {
		return b.Request(ctx, events.RPCHeads, probe, nil) == nil &&
			b.Request(ctx, events.RPCMembers, events.MembersRequest{}, nil) != nil &&
			!errs.Is(b.Request(ctx, events.RPCLog, events.LogRequest{}, nil), errs.Unavailable)
	})
	l.logReads.Store(0)
	l.headReads.Store(0)
	return l
}

var errDown = errs.New(errs.Unavailable, "down")

func (l *logServer) readLog(_ context.Context, data []byte) (any, error) {
	var r events.LogRequest
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	l.logReads.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errDown
	}
	log := l.logs[r.UserID]
	reply := events.LogReply{Cursor: cursor{l.epoch, uint64(len(log))}.String(), Events: []json.RawMessage{}}
	if r.After == "" {
		return reply, nil
	}
	at, err := parseCursor(r.After)
	switch {
	case r.After == l.damaged:
		return nil, errors.New("damaged")
	case err != nil:
		return nil, err
	case at.epoch != l.epoch || at.seq > uint64(len(log)):
		return nil, errs.New(errs.CursorAhead, "ahead")
	case at.seq < l.trimmed[r.UserID]:
		return nil, errs.New(errs.CursorExpired, "expired")
	}
	size := 0
	for _, e := range log[at.seq:] {
		if len(reply.Events) >= r.Limit || (size > 512<<10 && !l.noBound) {
			reply.HasMore = true
			break
		}
		reply.Events = append(reply.Events, e)
		size += len(e)
	}
	return reply, nil
}

func (l *logServer) readHeads(_ context.Context, data []byte) (any, error) {
	var r events.HeadsRequest
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	l.headReads.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errDown
	}
	reply := events.HeadsReply{Epoch: fmt.Sprintf("%016x", l.epoch), Heads: map[string]uint64{}}
	for _, u := range r.UserIDs {
		if n := len(l.logs[u]); n > 0 {
			reply.Heads[u] = uint64(n)
		}
	}
	return reply, nil
}

func (l *logServer) readMembers(_ context.Context, data []byte) (any, error) {
	var r events.MembersRequest
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.members[r.ConversationID] {
		if m == r.UserID {
			return events.MembersReply{UserIDs: l.members[r.ConversationID]}, nil
		}
	}
	return nil, errs.New(errs.NotFound, "no such conversation")
}

func (l *logServer) set(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

// write commits n entries without publishing them and returns them.
func (l *logServer) write(user id.ID, n, size int) []json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := user.String()
	for range n {
		seq := uint64(len(l.logs[u])) + 1
		l.logs[u] = append(l.logs[u], encode(events.Entry{
			Cursor: cursor{l.epoch, seq}.String(), Seq: seq, Type: events.TypeMessageCreated, Time: time.Unix(1, 0).UTC(),
			Data: encode(events.Message{ID: id.New().String(), ConversationID: id.New().String(), Seq: seq, Body: strings.Repeat("x", size)}),
		}))
	}
	return l.logs[u][len(l.logs[u])-n:]
}

// publish sends entries as the messages service's relay does.
func (l *logServer) publish(t testing.TB, user id.ID, entries ...json.RawMessage) {
	t.Helper()
	for _, e := range entries {
		if err := l.bus.Broadcast(loggedPrefix+user.String(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *logServer) post(t testing.TB, user id.ID, n int) {
	t.Helper()
	l.publish(t, user, l.write(user, n, 10)...)
}

func (l *logServer) cursor(user id.ID, seq uint64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cursor{l.epoch, seq}.String()
}

// testCluster is a NATS server, a log and the keys that all nodes share.
type testCluster struct {
	nats   *server.Server
	log    *logServer
	tokens *testkit.Tokens
	config config.Config
}

func newCluster(t testing.TB) *testCluster {
	t.Helper()
	s := testkit.NATS(t)
	settings := config.Default()
	settings.RateLimit = "off" // tests connect faster than people
	return &testCluster{nats: s, log: newLogServer(t, testkit.Join(t, s)), tokens: testkit.NewTokens(t), config: settings}
}

// node is one running notify process.
type node struct {
	t    testing.TB
	c    *testCluster
	svc  *Service
	http *httptest.Server
	stop context.CancelFunc
	done chan error
}

func (c *testCluster) node(t testing.TB, tweak ...func(*timing)) *node {
	t.Helper()
	times := realTiming()
	times.tick = 100 * time.Millisecond
	for _, fn := range tweak {
		fn(&times)
	}
	svc, err := build(run.Deps{Config: c.config, Log: testkit.Log(t), Bus: testkit.Join(t, c.nats), Verifier: c.tokens.Verifier}, times)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{t: t, c: c, svc: svc, http: httptest.NewServer(svc.Handler()), stop: cancel, done: make(chan error, 1)}
	go func() { n.done <- svc.Run(ctx) }()
	t.Cleanup(n.shutdown)
	testkit.Eventually(t, patience, func() bool { return svc.Ready(ctx) == nil })
	return n
}

// shutdown stops the node as run.Main does.
func (n *node) shutdown() {
	n.stop()
	select {
	case err := <-n.done:
		if err != nil {
			n.t.Errorf("Run: %v", err)
		}
		n.done <- nil
	case <-time.After(patience):
		n.t.Error("Run did not return")
	}
	n.http.Close()
}

func (n *node) url() string { return "ws" + strings.TrimPrefix(n.http.URL, "http") + routeSocket }

// dial opens a WebSocket with a token in the header, and says nothing yet.
func (n *node) dial(t testing.TB, token string) *wsClient {
	t.Helper()
	return newClient(t, n.rawDial(t, token))
}

func (n *node) rawDial(t testing.TB, token string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: patience}
	conn, resp, err := d.Dial(n.url(), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatalf("dial: %v (%v)", err, resp)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// connect is dial and hello; it returns after the welcome.
func (n *node) connect(t testing.TB, user id.ID, at string) *wsClient {
	t.Helper()
	c := n.dial(t, n.c.tokens.For(user, "someone"))
	c.send(t, map[string]string{"type": "hello", "cursor": at})
	c.wait(t, "welcome", func(c *wsClient) bool { return c.welcome != "" })
	return c
}
