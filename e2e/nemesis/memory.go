package nemesis

import (
	"context"
	"time"
)

// outOfMemory starts one replica of a service again with hardly more memory than
// it needs to start. When it wants more the kernel kills it, as often as not in
// the middle of something.
func outOfMemory(service Part) Fault {
	return Fault{"memory of " + string(service) + " runs out", []Part{service}, 3 * time.Second, 5 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		const spare = 1 << 20
		p := s.replica(ctx, service)
		squeeze, release, err := p.Confine()
		if err != nil {
			return p.Name, nil, err
		}
		p.Kill()
		heal := func(ctx context.Context) error {
			s.Log("%s was killed for its memory: %v", p.Name, !p.Running())
			p.Kill()
			if err := release(); err != nil {
				return err
			}
			return p.Start(ctx)
		}
		if err := p.Start(ctx); err != nil {
			return p.Name, heal, err
		}
		return p.Name, heal, squeeze(spare)
	}}
}
