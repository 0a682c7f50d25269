package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// S11: every one ends its own socket with its code, and no other.
func TestBadFramesEndTheirOwnSocketOnly(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.hello = 300 * time.Millisecond; t.message = 300 * time.Millisecond })
	user := id.New()
	witness := n.connect(t, user, "")
	const text, binary = websocket.TextMessage, websocket.BinaryMessage
	hello := `{"type":"hello"}`
	cases := map[string]struct {
		code   int
		kind   int
		frames []string
	}{
		"not JSON":             {4400, text, []string{hello, "garbage"}},
		"not an object":        {4400, text, []string{hello, "[]"}},
		"no type":              {4400, text, []string{hello, "{}"}},
		"null":                 {4400, text, []string{"null"}},
		"two objects":          {4400, text, []string{hello + hello}},
		"unknown type":         {4400, text, []string{hello, `{"type":"subscribe"}`}},
		"wrong kind of field":  {4400, text, []string{hello, `{"type":7}`}},
		"binary":               {4400, binary, []string{hello}},
		"hello twice":          {4400, text, []string{hello, hello}},
		"hello not first":      {4400, text, []string{`{"type":"ack","cursor":"0000000000000abc-1"}`}},
		"bad cursor":           {4400, text, []string{`{"type":"hello","cursor":"17"}`}},
		"bad payload":          {4400, text, []string{`{"type":"hello","payload":"some"}`}},
		"bad ack":              {4400, text, []string{hello, `{"type":"ack"}`}},
		"typing without where": {4400, text, []string{hello, `{"type":"typing"}`}},
		"deep nesting":         {4400, text, []string{hello, strings.Repeat("[", 60000)}},
		"no hello":             {4400, text, nil},
		"not UTF-8":            {1007, text, []string{"\"\xff\""}},
		"too large":            {1009, text, []string{hello, `{"type":"` + strings.Repeat("x", 64<<10) + `"}`}},
		"too many":             {4429, text, append([]string{hello}, many(`{"type":"presence"}`, 40)...)},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := n.dial(t, c.tokens.For(id.New(), "mallory"))
			for _, f := range test.frames {
				_ = d.conn.WriteMessage(test.kind, []byte(f)) // the server may have closed already
			}
			d.expectClose(t, test.code)
		})
	}
	for name, test := range map[string]struct {
		code int
		raw  []byte
	}{
		"reserved opcode":         {1002, []byte{0x83, 0x80, 1, 2, 3, 4}},
		"unmasked":                {1002, []byte{0x81, 0x02, '{', '}'}},
		"compressed":              {1002, []byte{0xc1, 0x80, 1, 2, 3, 4}},
		"announces 2^62 bytes":    {1009, []byte{0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}},
		"ping flood":              {4429, bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, 100)},
		"fragments without end":   {1009, append([]byte{0x01, 0x80, 0, 0, 0, 0}, bytes.Repeat(append([]byte{0x00, 0xfe, 0x40, 0x00, 0, 0, 0, 0}, make([]byte, 0x4000)...), 8)...)},
		"continuation of nothing": {1002, []byte{0x80, 0x80, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := n.dial(t, c.tokens.For(id.New(), "mallory"))
			_, _ = d.conn.NetConn().Write(test.raw)
			d.expectClose(t, test.code)
		})
	}
	t.Run("the others live", func(t *testing.T) {
		c.log.post(t, user, 1)
		witness.expect(t, 1, 1)
	})
}

func many(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestAnUnfinishedFrameDoesNotLiveOnPings(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.message = 200 * time.Millisecond })
	d := n.connect(t, id.New(), "")
	raw := d.conn.NetConn()
	_, _ = raw.Write([]byte{0x01, 0x80, 0, 0, 0, 0}) // a fragment
	for range 10 {
		_, _ = raw.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}) // pongs do not complete it
	}
	d.wait(t, "end", func(c *wsClient) bool { return c.over })
}

func TestAZombieIsClosedAndALiveOneIsNot(t *testing.T) { // I20
	c := newCluster(t)
	n := c.node(t, func(t *timing) {
		t.tick = 10 * time.Millisecond
		t.ping = 100 * time.Millisecond
		t.zombie = 500 * time.Millisecond
	})
	user := id.New()
	live := n.connect(t, user, "") // its library answers pings
	conn := n.rawDial(t, c.tokens.For(id.New(), "zombie"))
	conn.SetPingHandler(func(string) error { return nil })
	zombie := newClient(t, conn)
	zombie.send(t, map[string]string{"type": "hello"})
	start := time.Now()
	zombie.wait(t, "end", func(c *wsClient) bool { return c.over })
	testkit.Eventually(t, patience, func() bool { return time.Since(start) > 1500*time.Millisecond })
	c.log.post(t, user, 1)
	live.expect(t, 1, 1)
}

func TestASlowReaderIsCutAloneAndResumesWithoutLoss(t *testing.T) { // I14
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	fast := n.connect(t, user, "")
	conn := n.rawDial(t, c.tokens.For(user, "slow")) // nobody reads it
	_ = conn.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10)
	if err := conn.WriteJSON(map[string]string{"type": "hello"}); err != nil {
		t.Fatal(err)
	}
	f := n.svc.hub.feed(user)
	testkit.Eventually(t, patience, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.seq.lanes) == 2 && f.seq.lanes[1].greeted
	})
	slow := f.clients[1]
	total := uint64(0)
	for ended := false; !ended; { // what the kernels buffer first is megabytes
		c.log.publish(t, user, c.log.write(user, 10, 10<<10)...)
		total += 10
		fast.expect(t, 1, total)
		slow.queue.mu.Lock()
		bytes := slow.queue.bytes
		ended = slow.queue.ended
		slow.queue.mu.Unlock()
		if bytes > maxQueue+(12<<10) {
			t.Fatalf("%d bytes are queued", bytes)
		}
	}
	c.log.post(t, user, 10)
	total += 10
	fast.expect(t, 1, total)
	late := newClient(t, conn) // wakes up, reads what was on its way, and the code
	late.expectClose(t, closeSlow)
	seen := uint64(len(late.seqs))
	late.expect(t, 1, seen)
	again := n.connect(t, user, late.last())
	again.expect(t, seen+1, total)
}

func TestDrainClosesEverySocketWithAMomentToComeBackAt(t *testing.T) { // I16
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	var devices []*wsClient
	for range 5 {
		devices = append(devices, n.connect(t, user, ""), n.connect(t, id.New(), ""))
	}
	silent := n.dial(t, c.tokens.For(user, "no hello yet"))
	n.stop()
	for _, d := range append(devices, silent) {
		reason := d.expectClose(t, closeRestart).Text
		ms, err := strconv.Atoi(strings.TrimPrefix(reason, "retry_after_ms="))
		if err != nil || ms < 0 || ms > 3000 {
			t.Fatalf("reason %q", reason)
		}
	}
	_, resp, err := websocket.DefaultDialer.Dial(n.url(), http.Header{"Authorization": {"Bearer " + c.tokens.For(user, "ada")}})
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("%v %v", err, resp)
	}
	resp.Body.Close()
	if err := n.svc.Ready(context.Background()); err == nil {
		t.Fatal("ready after the end")
	}
}

// A node that lost the bus sends newcomers elsewhere and keeps those it has;
// it stays ready, because the process may have posts to take.
func TestWithoutTheBusNewConnectionsAreRefusedAndOldOnesStay(t *testing.T) { // I11
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	old := n.connect(t, user, "")
	c.nats.Shutdown()
	testkit.Eventually(t, patience, func() bool { return !n.svc.bus.Connected() })
	for _, path := range []string{routeSocket, routeStream} {
		req := testkit.NewRequest(t, "GET", path, c.tokens.For(user, "ada"), nil)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": subprotocol} {
			req.Header.Set(k, v)
		}
		if res := testkit.Do(t, n.svc.Handler(), req); res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		} else {
			res.WantProblem("unavailable")
		}
	}
	if err := n.svc.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	n.stop()
	old.expectClose(t, closeRestart) // it was open all the time
}

func TestTypingReachesTheOtherMembersOnly(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t), c.node(t, func(t *timing) { t.typing = time.Hour })
	ada, bob, eve := id.New(), id.New(), id.New()
	conversation, foreign := id.New().String(), id.New().String()
	c.log.set(func() {
		c.log.members[conversation] = []string{ada.String(), bob.String()}
		c.log.members[foreign] = []string{eve.String()}
	})
	from := b.connect(t, ada, "")
	second := a.connect(t, ada, "")
	to := a.connect(t, bob, "")
	outsider := a.connect(t, eve, "")
	for range 3 { // the second and third are too soon
		from.send(t, map[string]string{"type": "typing", "conversation_id": conversation})
	}
	from.send(t, map[string]string{"type": "typing", "conversation_id": foreign})
	from.wait(t, "error", func(c *wsClient) bool { return len(c.other) == 1 })
	if from.other[0]["type"] != "error" || from.other[0]["slug"] != "not-found" {
		t.Fatalf("%v", from.other)
	}
	to.wait(t, "typing", func(c *wsClient) bool { return len(c.other) > 0 })
	c.log.post(t, bob, 1) // behind any further hint
	to.expect(t, 1, 1)
	want := fmt.Sprint(map[string]any{"type": "typing", "conversation_id": conversation, "user_id": ada.String()})
	if len(to.other) != 1 || fmt.Sprint(to.other[0]) != want {
		t.Fatalf("%v, want one %s", to.other, want)
	}
	c.log.post(t, eve, 1)
	outsider.expect(t, 1, 1)
	c.log.post(t, ada, 1)
	second.expect(t, 1, 1)
	if len(outsider.other)+len(second.other) > 0 {
		t.Fatalf("typing went to %v, %v", outsider.other, second.other)
	}
}

func TestAChangedPersonIsToldToWhomItConcerns(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t), c.node(t)
	ada, bob, eve := id.New(), id.New(), id.New()
	devices := []*wsClient{a.connect(t, ada, ""), b.connect(t, ada, ""), b.connect(t, bob, "")}
	outsider := a.connect(t, eve, "")
	change := events.PersonChanged{UserID: ada.String(), Tell: []string{ada.String(), id.New().String(), bob.String()}}
	want := fmt.Sprint(map[string]any{"type": "person", "user_id": ada.String()})
	told := func(d *wsClient) bool { return len(d.other) > 0 }
	if err := c.log.bus.Broadcast(personSubject, encode(change)); err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		d.wait(t, "person", told)
		if len(d.other) != 1 || fmt.Sprint(d.other[0]) != want {
			t.Errorf("%v, want one %s", d.other, want)
		}
	}
	c.log.post(t, eve, 1) // behind any hint
	outsider.expect(t, 1, 1)
	if told(outsider) {
		t.Errorf("an outsider was told %v", outsider.other)
	}
}

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	doc, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	for _, route := range []string{routeSocket, routeStream} {
		if d.Paths[route]["get"] == nil {
			t.Fatalf("%s is not described", route)
		}
	}
}

func TestConnectionsLeaveNothingBehind(t *testing.T) { // I21
	c := newCluster(t)
	n := c.node(t)
	for range 20 {
		var devices []*wsClient
		for range 20 {
			devices = append(devices, n.connect(t, id.New(), ""))
		}
		for _, d := range devices {
			d.drop()
		}
	}
	testkit.Eventually(t, patience, func() bool {
		left := 0
		n.svc.hub.eachFeed(func(*feed) { left++ })
		for i := range n.svc.hub.shards {
			left += n.svc.hub.shards[i].watch.Len()
		}
		n.svc.hub.mu.Lock()
		defer n.svc.hub.mu.Unlock()
		return left == 0 && n.svc.hub.conns == 0
	})
}

func TestParseFrameNeverPanics(t *testing.T) {
	for _, s := range []string{`{"type":"hello"}`, ` {"type":"hello","x":{"y":[1]}} `} {
		if _, err := parseFrame([]byte(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte(`{"type":"hello","cursor":"0000000000000abc-1"}`))
	f.Add([]byte(`{"type":"typing","conversation_id":null}`))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parseFrame(data) })
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"cursor":"0000000000000abc-1","seq":1,"type":"message.created","time":"2026-01-01T00:00:00Z","data":{"id":"x"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEntry(data)
		if err != nil {
			return
		}
		for as := range formats {
			if out := e.as(as); as < formatStream && json.Valid(data) && !json.Valid(out) {
				t.Fatalf("format %d of %q is %q", as, data, out)
			}
		}
	})
}

func TestCursorsHaveOneSpelling(t *testing.T) {
	for _, bad := range []string{"", "-", "1", "abc-1", "0000000000000abc-", "0000000000000abc-01", "0000000000000abc-+1", "+000000000000abc-1", "0000000000000abc--1", "000000000000_abc-1", "0000000000000abc-9223372036854775808", " 0000000000000abc-1"} {
		if c, err := parseCursor(bad); !errs.Is(err, errs.InvalidCursor) {
			t.Errorf("%q is %v, %v", bad, c, err)
		}
	}
	for _, good := range []string{"0000000000000abc-0", "ffffffffffffffff-9223372036854775807"} {
		if c, err := parseCursor(good); err != nil || c.String() != good {
			t.Errorf("%q is %v, %v", good, c, err)
		}
	}
	if _, err := parseEntry([]byte(`{"seq":1,"cursor":"0000000000000abc-1","type":"x"}`)); err != nil {
		t.Errorf("cursor not first: %v", err)
	}
}

// FuzzCursor: one position has one name.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"0000000000000abc-1", "0000000000000ABC-1", "0000000000000abc-01", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		switch c, err := parseCursor(s); {
		case err != nil && !errs.Is(err, errs.InvalidCursor):
			t.Fatal(err)
		case err == nil && c.String() != strings.ToLower(s):
			t.Fatalf("%q is %q", s, c)
		}
	})
}
