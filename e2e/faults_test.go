package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// traffic is a constant stream of posts with retries between two people whose
// devices hang on every replica, while something is being broken.
type traffic struct {
	alice, bob *client.Client
	devices    []*client.Device
	owner      []*client.Client // of devices

	mu       sync.Mutex
	posted   map[string]client.Message
	perFrom  map[string]uint64 // last seq each writer got: they only grow
	failures []error           // of attempts that were retried
	slowest  time.Duration
	errs     []error

	stop context.CancelFunc
	done sync.WaitGroup
	more chan struct{} // one token per post, dropped when nobody waits
}

// startTraffic signs two people up, connects their devices and starts one
// writer each. The clients know all ways in and move on when one fails.
func startTraffic(t *testing.T, w *harness.World) *traffic {
	t.Helper()
	everywhere := w.Everywhere()
	f := &traffic{alice: person(t, "alice", everywhere...), bob: person(t, "bob", everywhere...), posted: byID(), perFrom: map[string]uint64{}, more: make(chan struct{}, 1)}
	for i := range everywhere {
		from := append(slices.Clone(everywhere[i:]), everywhere[:i]...)
		for _, c := range []*client.Client{f.alice, f.bob} {
			f.devices, f.owner = append(f.devices, device(t, c.At(from...), client.Options{})), append(f.owner, c)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	f.stop = stop
	t.Cleanup(stop)
	f.done.Go(func() { f.write(ctx, f.alice, f.bob.ID()) })
	f.done.Go(func() { f.write(ctx, f.bob, f.alice.ID()) })
	return f
}

// write posts one message every few milliseconds until ctx ends; the last one
// is still delivered.
func (f *traffic) write(ctx context.Context, from *client.Client, to string) {
	pace := time.NewTicker(15 * time.Millisecond)
	defer pace.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		m, failures, err := from.PostUntil(try, to, client.NewID(), text("%d", n))
		cancel()
		f.note(m, failures, time.Since(began), err)
		if err != nil {
			return
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
}

func (f *traffic) note(m client.Message, failures []error, took time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, failures...)
	f.slowest = max(f.slowest, took)
	switch {
	case err != nil:
		f.errs = append(f.errs, err)
	case m.Seq <= f.perFrom[m.SenderID]:
		f.errs = append(f.errs, fmt.Errorf("a later post got seq %d after %d", m.Seq, f.perFrom[m.SenderID]))
	default:
		f.perFrom[m.SenderID] = m.Seq
		f.posted[m.ID] = m
	}
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// flow waits until n more posts have been answered.
func (f *traffic) flow(t *testing.T, n int) {
	t.Helper()
	ctx := within(t, time.Minute)
	for target := f.count() + n; f.count() < target; {
		select {
		case <-f.more:
		case <-ctx.Done():
			t.Fatalf("the posts stalled at %d (want %d): %v", f.count(), target, f.errs)
		}
	}
}

func (f *traffic) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.posted) + len(f.errs)
}

// arrived waits until every device has everything posted so far.
func (f *traffic) arrived(t *testing.T, d time.Duration) {
	t.Helper()
	n, ctx := f.count(), within(t, d)
	for i, device := range f.devices {
		if err := device.WaitMessages(ctx, n); err != nil {
			t.Fatalf("device %d: %v", i, err)
		}
	}
}

// finish ends the traffic and judges everything: nothing lost, nothing twice,
// dense order, on every device, in the history and in the log.
func (f *traffic) finish(t *testing.T, w *harness.World) {
	t.Helper()
	f.stop()
	f.done.Wait()
	for _, err := range f.errs {
		t.Error(err)
	}
	f.arrived(t, time.Minute)
	var conversation string
	for _, m := range f.posted {
		conversation = m.ConversationID
	}
	for i, d := range f.devices {
		v := d.View()
		if err := v.Check(maps.Clone(f.posted)); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
		if err := f.owner[i].CheckLog(t.Context(), v); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
	for _, site := range w.Everywhere() {
		if err := f.bob.At(site).CheckHistory(t.Context(), conversation, f.posted); err != nil {
			t.Error(err)
		}
	}
	drained(t, w)
	for _, err := range f.failures {
		t.Logf("retried: %v", err)
	}
	t.Logf("%s: %d posts, %d attempts failed and were retried, slowest post %v, longest gap of a device %v, reconnects %d",
		w.Name, len(f.posted), len(f.failures), f.slowest.Round(time.Millisecond), f.longestGap().Round(time.Millisecond), f.reconnects())
}

// drained wants every event out of the outbox, and none given up.
func drained(t *testing.T, w *harness.World) {
	t.Helper()
	if w.DB == nil {
		return // SQLite files belong to the running process
	}
	eventually(t, "every outbox is empty and no event is given up", func() error {
		left, err := w.DB.Query(t.Context(), "SELECT GROUP_CONCAT(n) FROM (SELECT CONCAT('auth ', COUNT(*)) n FROM chat_auth.outbox UNION ALL SELECT CONCAT('users ', COUNT(*)) FROM chat_users.outbox "+
			"UNION ALL SELECT CONCAT('messages ', COUNT(*)) FROM chat_messages.outbox UNION ALL SELECT CONCAT('dead of users ', COUNT(*)) FROM chat_users.dead_letters "+
			"UNION ALL SELECT CONCAT('dead of messages ', COUNT(*)) FROM chat_messages.dead_letters) AS t")
		if err == nil && left != "auth 0,users 0,messages 0,dead of users 0,dead of messages 0" {
			err = errors.New(left)
		}
		return err
	})
}

func (f *traffic) reconnects() (n int) {
	for _, d := range f.devices {
		n += d.View().Welcomes - 1
	}
	return n
}

func (f *traffic) longestGap() (gap time.Duration) {
	for _, d := range f.devices {
		v := d.View()
		for i := 1; i < len(v.Arrived); i++ {
			gap = max(gap, v.Arrived[i].Sub(v.Arrived[i-1]))
		}
	}
	return gap
}

// killReplicas: kill -9 of one notify and one messages replica in the middle
// of the stream. Where there is only one process, it is started again.
func killReplicas(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 150)
	var killed []*harness.Process
	for i, service := range []string{harness.Notify, harness.Messages} {
		// Of an all-in-one, the second kill must leave one alive: the same dies.
		p := w.Replica(service, 0)
		if i > 0 && slices.Contains(killed, p) {
			break
		}
		p.Kill()
		killed = append(killed, p)
		if !w.Replicated() {
			must(t, p.Start(t.Context()))
		}
		f.flow(t, 200)
	}
	f.arrived(t, 30*time.Second)
	for _, p := range killed {
		if !p.Running() {
			must(t, p.Start(t.Context()))
		}
	}
	f.flow(t, 100)
	f.finish(t, w)
	if f.reconnects() == 0 {
		t.Error("no device had to reconnect: the kill killed nothing")
	}
}

// rollingRestart: SIGTERM and a new process, one after the other. Every socket
// is closed with 1012 and a hint, and resumes.
func rollingRestart(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 20)
	for _, p := range w.Apps() {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		must(t, p.Stop(ctx))
		cancel()
		must(t, p.Start(t.Context()))
		f.flow(t, 20)
	}
	f.finish(t, w)
	restarts := 0
	for i, d := range f.devices {
		for _, c := range d.View().Closes {
			if c.Code != 1012 || len(c.Reason) <= len("retry_after_ms=") {
				t.Errorf("device %d was closed with %+v, want 1012 retry_after_ms=n", i, c)
			}
			restarts++
		}
	}
	if restarts == 0 {
		t.Error("no socket was closed: the restart restarted nothing")
	}
}

// brokerNode: the broker node dies that leads the stream of messages. Posts
// and pushes go on meanwhile.
func brokerNode(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 50)
	node, err := w.NATS.Leader(t.Context(), "MESSAGES")
	must(t, err)
	node.Kill()
	f.flow(t, 300)
	f.arrived(t, 10*time.Second)
	must(t, node.Start(t.Context()))
	f.finish(t, w)
	if n := len(f.failures); n > 0 {
		t.Errorf("%d posts failed although two of three broker nodes were there", n)
	}
	if n := f.reconnects(); n > 0 {
		t.Errorf("%d sockets were closed although only a broker node was away", n)
	}
}

// killDatabase: kill -9 of the database server under load. Posts are refused
// meanwhile, never acknowledged falsely, and go on when it is back.
func killDatabase(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 50)
	w.DB.Kill()
	ctx := within(t, soon)
	for id := client.NewID(); ; {
		_, _, err := f.alice.Post(ctx, f.bob.ID(), id, text("while the database is away"))
		if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == 503 && p.Type == "/problems/unavailable" {
			break
		} else if err == nil {
			t.Fatal("a post was acknowledged without a database")
		} else if p == nil || p.Status != 0 || ctx.Err() != nil {
			t.Fatalf("without a database a post got %v, want 503 unavailable", err)
		}
	}
	must(t, w.DB.Start(t.Context()))
	f.flow(t, 100)
	f.finish(t, w)
	if n := f.reconnects(); n > 0 {
		t.Errorf("%d sockets were closed although only the database was away", n)
	}
}

// brokerOutage: with no NATS at all, posts and reads go on; when it is back,
// the events arrive without a reload.
func brokerOutage(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 20)
	failures := func() int { f.mu.Lock(); defer f.mu.Unlock(); return len(f.failures) }
	before := failures()
	w.NATS.Kill()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		f.flow(t, 10)
		_, err := f.bob.Conversations(t.Context())
		must(t, err)
	}
	if n := failures() - before; n > 0 {
		t.Errorf("%d posts failed without the broker", n)
	}
	must(t, w.NATS.Start(t.Context()))
	back := time.Now()
	f.flow(t, 20)
	f.arrived(t, 45*time.Second)
	t.Logf("everything had arrived %v after the broker was back", time.Since(back).Round(time.Millisecond))
	f.finish(t, w)
	if n := f.reconnects(); n > 0 {
		t.Errorf("%d sockets were closed although only the broker was away", n)
	}
}

// wipedBroker: all that NATS stored is gone; no accepted message is, and
// people who sign up afterwards can be written to.
func wipedBroker(t *testing.T, w *harness.World) {
	f := startTraffic(t, w)
	f.flow(t, 20)
	if w.NATS != nil {
		w.NATS.Kill()
		must(t, w.WipeBus())
		f.flow(t, 20)
		must(t, w.NATS.Start(t.Context()))
	} else {
		p := w.Replica(harness.Messages, 0)
		p.Kill()
		must(t, w.WipeBus())
		must(t, p.Start(t.Context()))
	}
	f.flow(t, 20)
	f.arrived(t, 45*time.Second)
	f.finish(t, w)
	carol := person(t, "carol", w.Everywhere()...)
	d := device(t, carol, client.Options{})
	m, _, err := f.alice.PostUntil(within(t, soon), carol.ID(), client.NewID(), text("after the wipe"))
	must(t, err)
	must(t, d.WaitMessages(within(t, soon), 1))
	must(t, d.View().Check(byID(m)))
	eventually(t, "carol is in the directory", func() error {
		found, err := f.alice.Find(t.Context(), carol.Session().User.Username)
		if err == nil && len(found.Items) != 1 {
			err = fmt.Errorf("found %v", usernames(found.Items))
		}
		return err
	})
}
