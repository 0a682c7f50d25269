package testkit

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"chatapp/libs/bus"
	"chatapp/libs/platform/embedded"
)

// Bus is a connection to a private NATS server inside the process, with
// JetStream and all streams; both end with the test.
func Bus(t testing.TB) *bus.Bus {
	t.Helper()
	return Join(t, NATS(t))
}

// NATS is a private NATS server inside the process, with JetStream and without
// a port; it ends with the test.
func NATS(t testing.TB) *server.Server {
	t.Helper()
	s, err := embedded.StartNATS(t.TempDir(), Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// Join makes one more connection to s, as another process would have.
func Join(t testing.TB, s *server.Server) *bus.Bus {
	t.Helper()
	b := connect(t, "", Log(t), nats.InProcessServer(s))
	EnsureStreams(t, b)
	return b
}

// Recorder notes every event on the bus.
type Recorder struct {
	mu   sync.Mutex
	seen []bus.Message
	ids  map[string]bool
}

// Record starts noting every event (also the core ones such as typing) that
// passes b from now on, or those on the given subjects only. An event published
// twice with one id counts once.
func Record(t testing.TB, b *bus.Bus, subjects ...string) *Recorder {
	t.Helper()
	r := &Recorder{ids: map[string]bool{}}
	w := b.Watch(r.note)
	if len(subjects) == 0 {
		subjects = []string{"chat.*.v1.>"}
	}
	for _, subject := range subjects {
		if err := w.Add(subject); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return r
}

func (r *Recorder) note(m bus.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.ID != "" && r.ids[m.ID] {
		return
	}
	r.ids[m.ID] = true
	r.seen = append(r.seen, m)
}

// quiet is how long nothing more may come before Expect believes that nothing
// will: publishing follows a commit within a few milliseconds.
const quiet = 75 * time.Millisecond

// Expect waits until exactly these subjects were published since the last
// Expect, in any order, a subject as often as it is named, and no others. It
// returns the events in the order of subjects. Without subjects it checks that
// there was none.
func (r *Recorder) Expect(t testing.TB, subjects ...string) []bus.Message {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for r.count() < len(subjects) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for last := -1; last != r.count(); {
		last = r.count()
		time.Sleep(quiet)
	}
	r.mu.Lock()
	seen := r.seen
	r.seen = nil
	r.mu.Unlock()
	var got []bus.Message
	rest := slices.Clone(seen)
	for _, s := range subjects {
		i := slices.IndexFunc(rest, func(m bus.Message) bool { return m.Subject == s })
		if i < 0 {
			t.Fatalf("no event on %s; seen: %v", s, subjectsOf(seen))
		}
		got = append(got, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	if len(rest) > 0 {
		t.Fatalf("unexpected events: %v", subjectsOf(rest))
	}
	return got
}

// All returns what was seen since the last Expect, oldest first.
func (r *Recorder) All() []bus.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func (r *Recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

func subjectsOf(list []bus.Message) []string {
	out := make([]string, 0, len(list))
	for _, m := range list {
		out = append(out, m.Subject)
	}
	return out
}
