package nemesis

import (
	"context"
	"time"
)

// outOfMemory lets one replica of a service have hardly more memory than it has.
// When it wants more the kernel kills it, as often as not in the middle of
// something; it is started again.
func outOfMemory(service Part) Fault {
	return Fault{"memory of " + string(service) + " runs out", []Part{service}, 3 * time.Second, 5 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		const spare = 1 << 20
		p := s.replica(ctx, service)
		release, err := p.LimitMemory(spare)
		if err != nil {
			return p.Name, nil, err
		}
		return p.Name, func(ctx context.Context) error {
			killed := !p.Running()
			s.Log("%s: killed for its memory: %v", p.Name, killed)
			if err := release(); err != nil || !killed {
				return err
			}
			return p.Start(ctx)
		}, nil
	}}
}
