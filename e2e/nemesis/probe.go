package nemesis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// probe is a pair of people that belong to the nemesis. One of them sends
// requests at a constant rate, whatever became of the ones before, and counts
// every answer; nothing is repeated. With both of them the nemesis sees whether
// the system is whole again.
type probe struct {
	world *harness.World

	alice, bob *client.Client
	device     *client.Device
	fresh      time.Time // when the sessions were last renewed

	mu      sync.Mutex
	samples []sample
}

// sample is one request of the constant-rate client.
type sample struct {
	began time.Time
	took  time.Duration
	err   error
}

// The rate of the constant-rate client, half posts and half reads, and how
// long a session serves before it is renewed (an access token lives 10 min).
const (
	probeEvery = 40 * time.Millisecond
	renewEvery = 4 * time.Minute
)

// start signs the two up and begins to send, until ctx ends.
func (p *probe) start(ctx context.Context) error {
	p.alice, p.bob = client.New(p.world.Front), client.New(p.world.Front)
	for name, c := range map[string]*client.Client{"probe-a": p.alice, "probe-b": p.bob} {
		if err := c.Register(ctx, name+"-"+client.NewID()[:8]); err != nil {
			return err
		}
	}
	if err := p.connect(ctx); err != nil {
		return err
	}
	go p.send(ctx)
	return nil
}

// connect gives bob a new device.
func (p *probe) connect(ctx context.Context) (err error) {
	if p.device != nil {
		p.device.Close()
	}
	p.fresh = time.Now()
	p.device, err = p.bob.Connect(ctx, client.Options{})
	return err
}

// send is the constant-rate client.
func (p *probe) send(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		go func() {
			s := sample{began: time.Now()}
			if n%2 == 0 {
				_, _, s.err = p.alice.Post(ctx, p.bob.ID(), client.NewID(), harness.SecretBody+" of the probe")
			} else {
				_, s.err = p.alice.Conversations(ctx)
			}
			s.took = time.Since(s.began)
			if ctx.Err() != nil {
				return // the end of the run broke it off
			}
			p.mu.Lock()
			p.samples = append(p.samples, s)
			p.mu.Unlock()
		}()
	}
}

// answers are the constant-rate requests that began in a span of time.
type answers struct {
	Sent    int           `json:"sent"`
	Failed  int           `json:"failed"`
	Longest time.Duration `json:"longest_ns"`
	last    error
}

func (p *probe) between(from, to time.Time) (a answers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.samples {
		if s.began.Before(from) || s.began.After(to) {
			continue
		}
		a.Sent++
		a.Longest = max(a.Longest, s.took)
		if s.err != nil {
			a.Failed++
			a.last = s.err
		}
	}
	return a
}

// whole waits until everything works again: each process of ours ready, a
// message posted through the gateway, and pushed to a device.
func (p *probe) whole(ctx context.Context) error {
	if err := ready(ctx, append([]*harness.Process{p.world.DB.Process, p.world.Caddy}, p.world.Apps()...)...); err != nil {
		return err
	}
	if time.Since(p.fresh) > renewEvery || p.device.View().Ended() {
		for _, c := range []*client.Client{p.alice, p.bob} {
			if err := until(ctx, 20*time.Second, c.Refresh); err != nil {
				return fmt.Errorf("renew a session: %w", err)
			}
		}
		if err := p.connect(ctx); err != nil {
			return err
		}
	}
	m, _, err := p.alice.PostUntil(ctx, p.bob.ID(), client.NewID(), harness.SecretBody+" of the probe")
	if err != nil {
		return fmt.Errorf("a post is not accepted: %w", err)
	}
	return p.device.Wait(ctx, "the push of a message", func(v client.View) bool {
		return slices.ContainsFunc(v.Messages, func(seen client.Message) bool { return seen.ID == m.ID })
	})
}
