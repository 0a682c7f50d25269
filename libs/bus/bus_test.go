package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
	"chatapp/libs/trace"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func event(n int) bus.Message {
	return bus.Message{
		Subject: fmt.Sprintf("chat.auth.v1.registered.u%d", n), ID: fmt.Sprintf("e%d", n), Type: "registered",
		Source: "chatapp/auth", Time: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC), Data: fmt.Appendf(nil, "%d", n),
	}
}

func publish(t testing.TB, b *bus.Bus, ms ...bus.Message) {
	t.Helper()
	for _, m := range ms {
		if err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// background runs fn until stop is called or the test ends.
func background(t testing.TB, fn func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fn(ctx); err != nil {
			t.Errorf("background: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func TestConsumeDeliversEverythingOnceInOrder(t *testing.T) {
	b := testkit.Bus(t)
	publish(t, b, event(1), event(2), event(2)) // the second e2 is a duplicate
	got := make(chan bus.Message, 10)
	c := bus.Consumer{Stream: "AUTH", Durable: "t", Subject: "chat.auth.v1.registered.*"}
	consume := func(ctx context.Context) error {
		return b.Consume(ctx, c, func(_ context.Context, m bus.Message) error { got <- m; return nil })
	}
	stop := background(t, consume)
	first, second := <-got, <-got
	want := event(1)
	want.Stream, want.Seq, want.Tries = "AUTH", 1, 1
	if fmt.Sprint(first) != fmt.Sprint(want) || second.ID != "e2" {
		t.Fatalf("got %+v\nwant %+v", first, want)
	}
	stop()
	publish(t, b, event(3))
	background(t, consume)
	if m := <-got; m.ID != "e3" {
		t.Fatalf("after a restart: %+v", m)
	}
}

func TestFailedEventComesAgainOthersGoOn(t *testing.T) {
	b := testkit.Bus(t)
	publish(t, b, event(1), event(2))
	var mu sync.Mutex
	var order []string
	background(t, func(ctx context.Context) error {
		return b.Consume(ctx, bus.Consumer{Stream: "AUTH", Durable: "t"}, func(_ context.Context, m bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, fmt.Sprintf("%s/%d", m.ID, m.Tries))
			switch {
			case m.ID == "e1" && m.Tries == 1:
				return errors.New("not now")
			case m.ID == "e1" && m.Tries == 2:
				panic("a bug")
			}
			return nil
		})
	})
	testkit.Eventually(t, 10*time.Second, func() bool { mu.Lock(); defer mu.Unlock(); return len(order) == 4 })
	if got := fmt.Sprint(order); got != "[e1/1 e2/1 e1/2 e1/3]" {
		t.Fatal(got)
	}
}

func TestPoisonGoesToTheDeadLetters(t *testing.T) {
	b := testkit.Bus(t)
	publish(t, b, event(1), event(2), event(3))
	type dead struct {
		id    string
		tries int
		err   string
	}
	buried := make(chan dead, 10)
	good := make(chan string, 10)
	refuse := atomic.Int32{}
	refuse.Store(1) // the table itself fails once
	c := bus.Consumer{Stream: "AUTH", Durable: "t", MaxTries: 3, Dead: func(_ context.Context, m bus.Message, err error) error {
		if m.ID == "e1" && refuse.Add(-1) >= 0 {
			return errors.New("database away")
		}
		buried <- dead{m.ID, m.Tries, err.Error()}
		return nil
	}}
	background(t, func(ctx context.Context) error {
		return b.Consume(ctx, c, func(_ context.Context, m bus.Message) error {
			switch m.ID {
			case "e1":
				return errors.New("always")
			case "e2":
				return errs.New(errs.InvalidBody, "no JSON")
			}
			good <- m.ID
			return nil
		})
	})
	if m := <-good; m != "e3" {
		t.Fatal(m)
	}
	if d := <-buried; d.id != "e2" || d.tries != 1 {
		t.Fatalf("an invalid body must be buried at once: %+v", d)
	}
	if d := <-buried; d.id != "e1" || d.tries < 3 {
		t.Fatalf("%+v", d)
	}
}

func TestFollowStartsAtATimeAndGoesOn(t *testing.T) {
	b := testkit.Bus(t)
	publish(t, b, event(1))
	got := make(chan bus.Message, 10)
	background(t, func(ctx context.Context) error {
		return b.Follow(ctx, "AUTH", "chat.auth.v1.>", time.Now().Add(-time.Hour), func(m bus.Message) { got <- m })
	})
	if m := <-got; m.ID != "e1" {
		t.Fatal(m)
	}
	publish(t, b, event(2))
	if m := <-got; m.ID != "e2" || m.Stream != "AUTH" || m.Seq != 2 {
		t.Fatalf("%+v", m)
	}
}

func TestRequestCarriesAnswersErrorsAndTrace(t *testing.T) {
	s := testkit.NATS(t)
	server, client := testkit.Join(t, s), testkit.Join(t, s)
	type q struct{ N int }
	background(t, func(ctx context.Context) error {
		return server.Serve(ctx, "chat.test.rpc.v1.x", "test", func(ctx context.Context, req []byte) (any, error) {
			switch string(req) {
			case `{"N":1}`:
				return map[string]string{"trace": trace.Traceparent(ctx)}, nil
			case `{"N":2}`:
				e := errs.Invalid("body.n", "must not be 2")
				e.RetryAfter = 1500 * time.Millisecond
				return nil, e
			case `{"N":3}`:
				return nil, errors.New("SQL error near password")
			case `{"N":4}`:
				<-ctx.Done() // the caller's deadline reaches us
				return nil, ctx.Err()
			}
			panic("bug")
		})
	})
	ctx := trace.WithTraceparent(t.Context(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	var res map[string]string
	testkit.Eventually(t, 5*time.Second, func() bool { return client.Request(ctx, "chat.test.rpc.v1.x", q{1}, &res) == nil })
	if res["trace"] != "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" {
		t.Fatalf("%v", res)
	}
	err := client.Request(ctx, "chat.test.rpc.v1.x", q{2}, &res)
	e := errs.Of(err)
	if e.Slug != errs.InvalidBody || len(e.Fields) != 1 || e.Fields[0].Location != "body.n" || e.RetryAfter != 1500*time.Millisecond {
		t.Fatalf("%+v", e)
	}
	for _, n := range []int{3, 5} {
		err = client.Request(ctx, "chat.test.rpc.v1.x", q{n}, &res)
		if !errs.Is(err, errs.Internal) || strings.Contains(err.Error(), "SQL") {
			t.Fatalf("%v", err)
		}
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := client.Request(short, "chat.test.rpc.v1.x", q{4}, nil); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("timeout: %v", err)
	}
	if err := client.Request(ctx, "chat.test.rpc.v1.nobody", q{1}, nil); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("nobody there: %v", err)
	}
}

func TestServeSharesTheWorkAndFinishesAtShutdown(t *testing.T) {
	b := testkit.Bus(t)
	var served [2]atomic.Int32
	var stops [2]func()
	entered, release := make(chan struct{}, 200), make(chan struct{})
	for i := range 2 {
		stops[i] = background(t, func(ctx context.Context) error {
			return b.Serve(ctx, "chat.test.rpc.v1.y", "g", func(context.Context, []byte) (any, error) {
				served[i].Add(1)
				entered <- struct{}{}
				<-release
				return "ok", nil
			})
		})
	}
	testkit.Eventually(t, 5*time.Second, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_ = b.Request(ctx, "chat.test.rpc.v1.y", 0, nil)
		return served[0].Load() > 0 && served[1].Load() > 0
	})
	var wg sync.WaitGroup
	results := make(chan error, 40)
	before := len(entered)
	for range 40 {
		wg.Go(func() { results <- b.Request(t.Context(), "chat.test.rpc.v1.y", 0, nil) })
	}
	testkit.Eventually(t, 5*time.Second, func() bool { return len(entered) == before+40 })
	stopped := make(chan struct{})
	go func() { stops[0](); stops[1](); close(stopped) }()
	close(release)
	wg.Wait()
	<-stopped
	close(results)
	for err := range results {
		if err != nil {
			t.Fatalf("a request in flight was lost at shutdown: %v", err)
		}
	}
}

func TestWatchDeliversIntoOneChannel(t *testing.T) {
	s := testkit.NATS(t)
	b, other := testkit.Join(t, s), testkit.Join(t, s)
	ch := make(chan bus.Message, 10)
	w := b.Watch(func(m bus.Message) { ch <- m })
	defer w.Close()
	for _, subject := range []string{event(1).Subject, event(1).Subject, event(2).Subject, "chat.notify.v1.typing.x"} {
		if err := w.Add(subject); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil || w.Len() != 3 {
		t.Fatal(err, w.Len())
	}
	publish(t, other, event(1), event(3))
	if err := other.Broadcast("chat.notify.v1.typing.x", []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if m := <-ch; m.ID != "e1" || m.Type != "registered" || string(m.Data) != "1" {
		t.Fatalf("%+v", m)
	}
	if m := <-ch; string(m.Data) != "hi" || m.ID != "" {
		t.Fatalf("%+v", m)
	}
	w.Remove(event(1).Subject)
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := event(1)
	again.ID = "e1b"
	publish(t, other, again, event(2))
	if m := <-ch; m.ID != "e2" {
		t.Fatalf("removed subject still delivers: %+v", m)
	}
}

func TestSlowWatcherIsADisturbance(t *testing.T) {
	s := testkit.NATS(t)
	b, other := testkit.Join(t, s), testkit.Join(t, s)
	var told atomic.Int32
	cancel := b.OnDisturbance(func() { told.Add(1) })
	defer cancel()
	stuck := make(chan struct{})
	w := b.Watch(func(bus.Message) { <-stuck })
	defer w.Close()
	defer close(stuck)
	if err := w.Add("chat.notify.v1.typing.slow"); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		if err := other.Broadcast("chat.notify.v1.typing.slow", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, 10*time.Second, func() bool { return told.Load() > 0 })
}

func TestPublishAsyncTellsEachOnce(t *testing.T) {
	b := testkit.Bus(t)
	const n = 5000
	var ok, bad atomic.Int32
	for i := range n {
		m := event(i)
		if i%10 == 0 {
			m.Subject = "chat.nowhere.v1.x" // no stream
		}
		err := b.PublishAsync(m, func(err error) {
			if err == nil {
				ok.Add(1)
			} else {
				bad.Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, 15*time.Second, func() bool { return ok.Load()+bad.Load() >= n })
	if ok.Load() != n*9/10 || bad.Load() != n/10 {
		t.Fatalf("ok %d bad %d", ok.Load(), bad.Load())
	}
}

func TestEnsureStreamNeverShortensRetention(t *testing.T) {
	b := testkit.Bus(t)
	s := bus.Stream{Name: "X", Subjects: []string{"x.>"}, MaxAge: 48 * time.Hour}
	for _, age := range []time.Duration{48 * time.Hour, time.Hour, 72 * time.Hour} {
		s.MaxAge = age
		if err := b.EnsureStream(t.Context(), s); err != nil {
			t.Fatalf("%v: %v", age, err)
		}
	}
	s.Subjects = append(s.Subjects, "y.>")
	if err := b.EnsureStream(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	publish(t, b, bus.Message{Subject: "y.1", ID: "1"})
}

// "All NATS state may be wiped": the broker comes back empty, and publishing,
// consuming, following and watching go on by themselves.
func TestBrokerComesBackWithoutItsStore(t *testing.T) {
	k := testkit.NewBroker(t)
	b := k.Connect(t)
	if err := b.EnsureStream(t.Context(), bus.Stream{Name: "AUTH", Subjects: []string{"chat.auth.v1.>"}, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	var consumed, followed, watched, disturbed atomic.Int32
	defer b.OnDisturbance(func() { disturbed.Add(1) })()
	background(t, func(ctx context.Context) error {
		return b.Consume(ctx, bus.Consumer{Stream: "AUTH", Durable: "d"}, func(context.Context, bus.Message) error { consumed.Add(1); return nil })
	})
	background(t, func(ctx context.Context) error {
		return b.Follow(ctx, "AUTH", "chat.auth.v1.>", time.Now().Add(-time.Hour), func(bus.Message) { followed.Add(1) })
	})
	w := b.Watch(func(bus.Message) { watched.Add(1) })
	defer w.Close()
	if err := w.Add("chat.auth.v1.>"); err != nil {
		t.Fatal(err)
	}
	publish(t, b, event(1))
	all := func(n int32) func() bool {
		return func() bool {
			return consumed.Load() >= n && followed.Load() >= n && watched.Load() >= n
		}
	}
	testkit.Eventually(t, 10*time.Second, all(1))
	k.Stop()
	testkit.Eventually(t, 10*time.Second, func() bool { return !b.Connected() })
	if err := b.Publish(t.Context(), event(2)); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("while away: %v", err)
	}
	k.Wipe(t)
	k.Start(t)
	testkit.Eventually(t, 20*time.Second, func() bool { return b.Publish(t.Context(), event(2)) == nil })
	testkit.Eventually(t, 30*time.Second, all(2))
	if disturbed.Load() == 0 {
		t.Fatal("nobody was told of the reconnect")
	}
}

// While somebody listens on its subjects, a stream that is gone never says so:
// publishes are just not acknowledged. It is made again all the same, whether
// the connection broke or the stream vanished under it.
func TestAMissingStreamBehindAListenerIsMadeAgain(t *testing.T) {
	k := testkit.NewBroker(t)
	b := k.Connect(t)
	testkit.EnsureStreams(t, b)
	w := b.Watch(func(bus.Message) {})
	defer w.Close()
	if err := w.Add(event(1).Subject); err != nil {
		t.Fatal(err)
	}
	acked := func() bool {
		done := make(chan error, 1)
		return b.PublishAsync(event(1), func(err error) { done <- err }) == nil && <-done == nil
	}
	if !acked() {
		t.Fatal("not acknowledged at the start")
	}
	k.DeleteStream(t, "AUTH")
	testkit.Eventually(t, time.Minute, acked)
	k.Stop()
	testkit.Eventually(t, 10*time.Second, func() bool { return !b.Connected() })
	k.Wipe(t)
	k.Start(t)
	testkit.Eventually(t, time.Minute, acked)
}
