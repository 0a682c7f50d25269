package nemesis

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"chatapp/e2e/harness"
)

// kill ends one replica of a service with SIGKILL; it is started again.
func kill(service Part) Fault {
	return Fault{"kill " + string(service), []Part{service}, 0, 2 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		return killProcess(s.replica(ctx, service))
	}}
}

// killProcess kills p; healing starts it and waits until it is ready.
func killProcess(p *harness.Process) (string, Heal, error) {
	p.Kill()
	return p.Name, p.Start, nil
}

// killGateway kills the only way in.
func killGateway() Fault {
	return Fault{"kill gateway", []Part{Gateway}, 0, time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		return killProcess(s.World.Caddy)
	}}
}

// freeze stops processes with SIGSTOP: they keep their connections and locks
// and answer nothing.
func freeze(name string, processes ...*harness.Process) (string, Heal, error) {
	for _, p := range processes {
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			return "", nil, err
		}
	}
	return name, func(context.Context) error {
		for _, p := range processes {
			if err := p.Signal(syscall.SIGCONT); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// freezeReplica stops one replica of a service for a while.
func freezeReplica(service Part) Fault {
	return Fault{"freeze " + string(service), []Part{service}, time.Second, 5 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p := s.replica(ctx, service)
		return freeze(p.Name, p)
	}}
}

// freezeRelays stops both replicas of messages, with all they have not
// published yet: when they go on, each still believes to be the only one.
func freezeRelays() Fault {
	return Fault{"freeze both relays", []Part{Messages}, time.Second, 4 * time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		return freeze("messages-0 and messages-1", s.World.Replica(harness.Messages, 0), s.World.Replica(harness.Messages, 1))
	}}
}

// wrongClock sets the clock of one replica wrong, by an hour or a day, to either
// side.
func wrongClock(service Part) Fault {
	return Fault{"wrong clock of " + string(service), []Part{service}, 2 * time.Second, 5 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p, by := s.replica(ctx, service), []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}[draw(ctx).IntN(4)]
		return fmt.Sprintf("%s by %v", p.Name, by), func(context.Context) error { return p.SetClock(0) }, p.SetClock(by)
	}}
}

// rollingRestart replaces every service process behind the gateway, one after
// the other, the way a release does.
func rollingRestart() Fault { return rolling("rolling restart", 0, func(*harness.Process) {}) }

// rolling does so after a change to each process; in the middle, when one
// replica of each service is changed and one is not, it rests for a while. No
// request may fail, so nothing else may be broken at the same time.
func rolling(kind string, rest time.Duration, change func(*harness.Process)) Fault {
	replace := func(ctx context.Context, p *harness.Process) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			return err
		}
		change(p)
		return p.Start(ctx)
	}
	return Fault{kind, []Part{Auth, Users, Messages, Notify, Gateway, Front, Broker, Database}, 0, 0, func(ctx context.Context, s *Stage) (string, Heal, error) {
		began := time.Now()
		for i := range 2 {
			for _, service := range []Part{Auth, Users, Messages, Notify} {
				if err := replace(ctx, s.World.Replica(string(service), i)); err != nil {
					return "", nil, err
				}
			}
			pause(ctx, rest)
		}
		if a := s.probe.between(began, time.Now()); a.Failed > 0 || a.Sent == 0 {
			return "", nil, fmt.Errorf("%d of %d requests failed during a %s; the last one: %v", a.Failed, a.Sent, kind, a.last)
		}
		return "every replica of every service", nothing, nil
	}}
}

// mixedFor is how long both versions serve side by side in a Roll.
const mixedFor = 3 * time.Second

// Roll replaces every replica of every service, one after the other, by the
// program of the same name in dir, while people use the system. An error is also
// a single request that failed meanwhile. It must not run beside Run.
func (s *Stage) Roll(ctx context.Context, kind, dir string, people People) (Event, error) {
	if err := s.probe.start(ctx); err != nil {
		return Event{}, fmt.Errorf("the probe: %w", err)
	}
	f := rolling(kind, mixedFor, func(p *harness.Process) { s.World.Use(p, dir) })
	return s.step(ctx, step{kind: kind, faults: []Fault{f}, holds: []time.Duration{0}, seeds: []uint64{0}}, people)
}

// nothing heals what is over by itself.
func nothing(context.Context) error { return nil }

// powerCut takes the power from everything behind the gateway at once: all
// processes die, and every disk loses what was not synced.
func powerCut() Fault {
	return Fault{"power cut of everything", []Part{Auth, Users, Messages, Notify, Database, Broker}, 0, time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		s.World.DB.Kill()
		s.World.NATS.Kill()
		for _, p := range s.World.Apps() {
			p.Kill()
		}
		var errs []error
		for _, d := range s.World.Disks {
			errs = append(errs, d.PowerCut(ctx))
		}
		return "all processes but the gateway, all disks", func(ctx context.Context) error {
			// In no order, as when machines boot: each waits for what it needs.
			for _, p := range s.World.Apps() {
				if err := p.Launch(); err != nil {
					return err
				}
			}
			return errors.Join(s.World.DB.Start(ctx), s.startBrokers(ctx), ready(ctx, s.World.Apps()...))
		}, errors.Join(errs...)
	}}
}
