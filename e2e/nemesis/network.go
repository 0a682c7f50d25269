package nemesis

import (
	"context"
	"fmt"
	"time"

	"chatapp/e2e/faultproxy"
	"chatapp/e2e/harness"
)

// A slow mobile network.
const (
	slowLatency = 150 * time.Millisecond
	slowJitter  = 300 * time.Millisecond
)

// slowFront delays everything between people and the gateway.
func slowFront() Fault {
	return Fault{"slow network to people", []Part{Front}, 2 * time.Second, 5 * time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		return fmt.Sprintf("%v + up to %v each way", slowLatency, slowJitter), breakLink(s.World.Links.Front, faultproxy.Faults{Latency: slowLatency, Jitter: slowJitter}), nil
	}}
}

// silentFront keeps back one direction between people and the gateway.
func silentFront() Fault {
	return Fault{"one-way network to people", []Part{Front}, time.Second, 5 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		if draw(ctx).IntN(2) == 0 {
			return "nothing reaches the gateway", breakLink(s.World.Links.Front, faultproxy.Faults{SilentUp: true}), nil
		}
		return "nothing leaves the gateway", breakLink(s.World.Links.Front, faultproxy.Faults{SilentDown: true}), nil
	}}
}

// storm cuts every connection of every person at once; all come back at once.
func storm() Fault {
	return Fault{"reconnect storm", []Part{Front}, 0, 0, func(_ context.Context, s *Stage) (string, Heal, error) {
		return fmt.Sprintf("%d connections cut", s.World.Links.Front.Cut()), nothing, nil
	}}
}

// resets cuts a twentieth of people's connections every 100 ms.
func resets() Fault {
	return Fault{"resets to people", []Part{Front}, 2 * time.Second, 4 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
		random, done := draw(ctx), make(chan struct{})
		go func() {
			defer close(done)
			for pause(ctx, 100*time.Millisecond) {
				for _, c := range s.World.Links.Front.Conns() {
					if random.IntN(20) == 0 {
						c.Reset()
					}
				}
			}
		}()
		return "5 % of the connections, every 100 ms", func(context.Context) error {
			stop()
			<-done
			return nil
		}, nil
	}}
}

// partition cuts one replica of a service off from the brokers or from the
// database: nothing passes, and nobody is told.
func partition(service Part, from Part) Fault {
	return Fault{fmt.Sprintf("%s cut off from %s", service, from), []Part{service}, time.Second, 6 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p := s.replica(ctx, service)
		return p.Name, breakLink(s.link(p, from), faultproxy.Faults{SilentUp: true, SilentDown: true}), nil
	}}
}

// slowBackbone delays everything between the services and the database and the
// brokers, as between two data centres.
func slowBackbone() Fault {
	return Fault{"slow network inside", []Part{Broker, Database}, 2 * time.Second, 4 * time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		f := faultproxy.Faults{Latency: 10 * time.Millisecond, Jitter: 20 * time.Millisecond}
		heal := nothing
		for _, p := range s.World.Apps() {
			for _, part := range []Part{Broker, Database} {
				this, before := breakLink(s.link(p, part), f), heal
				heal = func(ctx context.Context) error {
					_ = before(ctx) // a link's heal has no error
					return this(ctx)
				}
			}
		}
		return fmt.Sprintf("%v + up to %v each way", f.Latency, f.Jitter), heal, nil
	}}
}

// link is the edge between a process and the brokers or the database.
func (s *Stage) link(p *harness.Process, to Part) *faultproxy.Link {
	if to == Broker {
		return s.World.Links.NATS[p.Name]
	}
	return s.World.Links.DB[p.Name]
}
