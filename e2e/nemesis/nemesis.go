// Package nemesis breaks a running ChatApp, one thing after the other, while
// people write to each other on it, and reports what they noticed.
//
// A Fault is one kind of thing that goes wrong: how to make it happen on a
// Stage, and how to end it. Kinds (catalogue.go) go from kill -9 of each part to
// full disks, broken networks and rotten files. A Run (run.go) draws faults
// from a seed, the same ones in the same order for the same seed, marks each in
// the history that internal/verify records, waits until the system is whole
// again, and lets internal/check judge everything at the end.
package nemesis

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"chatapp/e2e/faultproxy"
	"chatapp/e2e/harness"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/platform/cluster"
)

// Part is what a fault breaks. Faults that share no part may overlap.
type Part string

// The parts.
const (
	Auth     = Part(harness.Auth)
	Users    = Part(harness.Users)
	Messages = Part(harness.Messages)
	Notify   = Part(harness.Notify)
	Gateway  = Part("gateway")
	Front    = Part("front") // the network between people and the gateway
	Broker   = Part("broker")
	Database = Part("database")
	Clients  = Part("clients")
	Bus      = Part("bus") // what is on the subjects, not the servers
)

// Heal ends a fault. An error is a wrong reaction of the system to the fault,
// or a failure to repair what the fault broke; either fails the run.
type Heal func(ctx context.Context) error

// Fault is one kind of fault. Min and Max bound how long it lasts before it is
// healed. Inject makes it happen and says on what.
type Fault struct {
	Kind     string
	Breaks   []Part
	Min, Max time.Duration
	Inject   func(ctx context.Context, s *Stage) (on string, heal Heal, err error)
}

// Stage is a world to break and what faults need for it.
type Stage struct {
	World *harness.World
	Log   func(format string, args ...any)
	bus   *bus.Bus
	probe *probe
}

// NewStage makes a stage of a world started with harness.ServicesApart. It
// ends with ctx.
func NewStage(ctx context.Context, w *harness.World, log func(string, ...any)) (*Stage, error) {
	var environ []string
	for k, v := range w.Tester() {
		environ = append(environ, k+"="+v)
	}
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	nc, err := cluster.ConnectNATS(ctx, cfg, "nemesis", quiet)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, nc.Close)
	b, err := bus.Connect(nc, quiet)
	if err != nil {
		return nil, err
	}
	return &Stage{World: w, Log: log, bus: b, probe: &probe{world: w}}, nil
}

// choices draws what a fault picks. Each fault of a run has its own, seeded
// when the run is planned, so that what one fault draws never changes the next.
type choices struct{ *rand.Rand }

// choicesKey carries the choices of the fault being injected.
type choicesKey struct{}

func withChoices(ctx context.Context, seed uint64) context.Context {
	return context.WithValue(ctx, choicesKey{}, choices{rand.New(rand.NewPCG(seed, 0))})
}

func draw(ctx context.Context) choices { return ctx.Value(choicesKey{}).(choices) }

// replica draws one of the two replicas of a service.
func (s *Stage) replica(ctx context.Context, service Part) *harness.Process {
	return s.World.Replica(string(service), draw(ctx).IntN(2))
}

// node draws one of the brokers.
func (s *Stage) node(ctx context.Context) *harness.Process {
	return s.World.NATS.Nodes[draw(ctx).IntN(len(s.World.NATS.Nodes))]
}

// leader is the broker that leads the stream of messages. A cluster that is
// just electing one is asked again.
func (s *Stage) leader(ctx context.Context) (*harness.Process, error) {
	var node *harness.Process
	err := until(ctx, 20*time.Second, func(ctx context.Context) (err error) {
		node, err = s.World.NATS.Leader(ctx, "MESSAGES")
		return err
	})
	return node, err
}

// until asks until the answer is nil; after limit the last answer is the error.
func until(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-tick.C:
		}
	}
}

// pause waits as long as a fault shall last; false when ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// breakLink sets faults on a link and returns what takes them away.
func breakLink(l *faultproxy.Link, f faultproxy.Faults) Heal {
	l.Set(f)
	return func(context.Context) error {
		l.Set(faultproxy.Faults{})
		return nil
	}
}
