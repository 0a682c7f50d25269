package notify

import (
	"bufio"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// sse is a reading EventSource.
type sse struct {
	mu     sync.Mutex
	events []sseEvent
	lines  []string
	lastID string
	over   bool
	cancel func() error
}

type sseEvent struct{ id, kind, data string }

func (n *node) sse(t testing.TB, token, query string, header ...string) *sse {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, n.http.URL+routeStream+query, nil)
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := n.http.Client().Do(req) //nolint:bodyclose // closed below
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v", resp)
	}
	s := &sse{cancel: resp.Body.Close}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(bufio.NewScanner(resp.Body))
	}()
	t.Cleanup(func() { resp.Body.Close(); <-done })
	return s
}

func (s *sse) read(in *bufio.Scanner) {
	var e sseEvent
	for in.Scan() {
		line := in.Text()
		s.mu.Lock()
		s.lines = append(s.lines, line)
		switch key, value, _ := strings.Cut(line, ": "); key {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			if e.id != "" {
				s.lastID = e.id
			}
			if e.data != "" {
				s.events = append(s.events, e)
			}
			e = sseEvent{}
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
}

func (s *sse) wait(t testing.TB, cond func(*sse) bool) {
	t.Helper()
	testkit.Eventually(t, patience, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return cond(s)
	})
}

func (s *sse) expect(t testing.TB, c *testCluster, user id.ID, first, last uint64) {
	t.Helper()
	s.wait(t, func(s *sse) bool { return len(s.events) >= int(last-first+1) })
	for i, e := range s.events {
		if want := c.log.cursor(user, first+uint64(i)); e.id != want || !strings.Contains(e.data, `"cursor":"`+want+`"`) {
			t.Fatalf("event %d is %v, want %s", i, e, want)
		}
	}
}

func TestStreamDeliversResumesAndHeals(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t, fastHeal), c.node(t, fastHeal)
	user := id.New()
	c.log.post(t, user, 5)
	first := a.sse(t, c.tokens.For(user, "ada"), "?after="+c.log.cursor(user, 2))
	first.expect(t, c, user, 3, 5)
	c.log.post(t, user, 3)
	c.log.write(user, 2, 10) // not pushed
	first.expect(t, c, user, 3, 10)
	if first.events[0].kind != "message.created" {
		t.Fatalf("%v", first.events[0])
	}
	_ = first.cancel()
	c.log.post(t, user, 5)
	// A reconnecting EventSource sends the address it was given once.
	second := b.sse(t, c.tokens.For(user, "ada"), "?payload=id&after="+c.log.cursor(user, 2), "Last-Event-ID", first.lastID)
	second.expect(t, c, user, 11, 15)
	if strings.Contains(second.events[0].data, "body") {
		t.Fatalf("%v", second.events[0])
	}
	now := b.sse(t, c.tokens.For(user, "ada"), "")
	now.wait(t, func(s *sse) bool { return s.lastID == c.log.cursor(user, 15) }) // known before any event
	c.log.post(t, user, 1)
	now.expect(t, c, user, 16, 16)
}

func TestStreamPacesALargeBacklog(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.write(user, 200, 20<<10)
	s := n.sse(t, c.tokens.For(user, "ada"), "?after="+c.log.cursor(user, 0))
	s.expect(t, c, user, 1, 200)
}

func TestStreamResyncs(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.post(t, user, 5)
	s := n.sse(t, c.tokens.For(user, "ada"), "?after="+cursor{1, 1}.String())
	s.wait(t, func(s *sse) bool { return len(s.events) == 1 })
	if e := s.events[0]; e.kind != "resync" || e.id != c.log.cursor(user, 5) || !strings.Contains(e.data, `"reason":"cursor-ahead"`) {
		t.Fatalf("%v", e)
	}
}

func TestStreamBeatsAndEnds(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.tick = 10 * time.Millisecond; t.ping = 50 * time.Millisecond })
	user := id.New()
	expiring := n.sse(t, c.tokens.Sign(identity(user, 1500*time.Millisecond)), "")
	revoked := identity(user, time.Hour)
	ended := n.sse(t, c.tokens.Sign(revoked), "")
	restarted := n.sse(t, c.tokens.For(user, "ada"), "")
	restarted.wait(t, func(s *sse) bool { return strings.Count(strings.Join(s.lines, "\n"), ": heartbeat") >= 3 })
	c.revoke(t, revoked)
	for _, s := range []*sse{expiring, ended} {
		s.wait(t, func(s *sse) bool { return s.over })
	}
	n.stop()
	restarted.wait(t, func(s *sse) bool { return s.over })
	if !strings.Contains(strings.Join(restarted.lines, "\n"), "retry: ") {
		t.Fatal("no retry on restart")
	}
}

func TestStreamRefusals(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	token := c.tokens.For(id.New(), "ada")
	h := n.svc.Handler()
	testkit.Call(t, h, "GET", routeStream, "", nil).WantProblem(errs.Unauthenticated)
	testkit.Call(t, h, "GET", routeStream+"?after=17", token, nil).WantProblem(errs.InvalidCursor)
	testkit.Call(t, h, "GET", routeStream+"?payload=some", token, nil).WantProblem(errs.InvalidParameter)
	testkit.Call(t, h, "GET", routeStream+"?token=x", token, nil).WantProblem(errs.TokenInURL)
	testkit.Call(t, h, "POST", routeStream, token, nil).WantProblem(errs.MethodNotAllowed)
	req := testkit.NewRequest(t, "GET", routeStream, token, nil)
	req.Header.Set("Origin", "https://evil.example")
	testkit.Do(t, h, req).WantProblem(errs.OriginNotAllowed)
}
