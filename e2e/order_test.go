package e2e

import (
	"context"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

var ordersFlag = flag.Int("orders", 1, "TestStartOrder: how many orders of starting everything, and three times as many pairs of parts that crash")

// part is one thing that starts.
type part struct {
	name  string
	start func(context.Context) error
	kill  func()
}

// TestStartOrder starts the whole in orders that nobody would choose. Each
// process says at /readyz what it waits for, and in the end all are ready and
// people can chat. Then two parts at a time crash and come back in either order.
func TestStartOrder(t *testing.T) {
	t.Parallel()
	w := harness.ServicesFrom(t, "")
	rng := rand.New(rand.NewPCG(*seedFlag, 23))
	for range *ordersFlag {
		parts := partsOf(w)
		for _, p := range parts {
			p.kill()
		}
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		startAll(t, w, parts)
		chatWorks(t, w)
	}
	for range 3 * *ordersFlag {
		parts := partsOf(w)
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		pair := parts[:2]
		for _, p := range pair {
			p.kill()
		}
		startAll(t, w, pair)
		chatWorks(t, w)
	}
}

// startAll starts parts one after the other, each when the one before is up or
// says what it waits for, and waits until all processes are ready.
func startAll(t *testing.T, w *harness.World, parts []part) {
	t.Helper()
	var order []string
	for _, p := range parts {
		order = append(order, p.name)
	}
	t.Logf("order: %s", strings.Join(order, ", "))
	for _, p := range parts {
		must(t, p.start(within(t, 3*soon)))
	}
	for _, p := range append([]*harness.Process{w.Caddy}, w.Apps()...) {
		must(t, p.WaitReady(t.Context()))
	}
}

// partsOf lists everything that starts.
func partsOf(w *harness.World) []part {
	parts := []part{
		{"database", w.DB.Start, w.DB.Kill},
		{"brokers", w.NATS.Start, w.NATS.Kill},
		{"gateway", w.Caddy.Start, w.Caddy.Kill},
	}
	for _, p := range w.Apps() {
		parts = append(parts, part{p.Name, func(ctx context.Context) error { return startAndAsk(ctx, w, p) }, p.Kill})
	}
	return parts
}

// startAndAsk starts a process of ours and waits until it is ready, or until it
// says that it waits for the very part that is missing.
func startAndAsk(ctx context.Context, w *harness.World, p *harness.Process) error {
	want := ""
	switch {
	case !w.NATS.Nodes[0].Running():
		want = "starting: waiting for NATS"
	case !w.DB.Running() && !strings.HasPrefix(p.Name, harness.Notify): // notify has no database
		want = "starting: waiting for the database of " + p.Name[:strings.LastIndex(p.Name, "-")]
	}
	if err := p.Launch(); err != nil {
		return err
	}
	up := p.Up
	defer func() { p.Up = up }()
	p.Up = func(ctx context.Context) error {
		err := up(ctx)
		if err != nil && want != "" && strings.Contains(err.Error(), want) {
			return nil
		}
		return err
	}
	return p.WaitReady(ctx)
}

// chatWorks has two new people write to each other through the gateway.
func chatWorks(t *testing.T, w *harness.World) {
	t.Helper()
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	phone := device(t, bob, client.Options{})
	m := post(t, alice, bob.ID(), text("after the start"))
	must(t, phone.WaitMessages(within(t, soon), 1))
	if got := phone.View().Messages[0]; got.ID != m.ID {
		t.Fatalf("got %+v, want %+v", got, m)
	}
}
