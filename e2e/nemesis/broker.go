package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"chatapp/e2e/harness"
)

// broker makes a fault of the brokers.
func broker(kind string, least, most time.Duration, inject func(context.Context, *Stage) (string, Heal, error)) Fault {
	return Fault{kind, []Part{Broker}, least, most, inject}
}

func killLeader() Fault {
	return broker("kill broker leader", time.Second, 4*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p, err := s.leader(ctx)
		if err != nil {
			return "", nil, err
		}
		return killProcess(p)
	})
}

func killFollower() Fault {
	return broker("kill broker follower", time.Second, 4*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		leader, err := s.leader(ctx)
		p := s.node(ctx)
		for err == nil && p == leader {
			p = s.node(ctx)
		}
		if err != nil {
			return "", nil, err
		}
		return killProcess(p)
	})
}

// killBrokers kills all nodes; what happens to their files meanwhile is up to
// damage.
func killBrokers(kind string, least, most time.Duration, damage func(context.Context, *Stage) (string, error)) Fault {
	return broker(kind, least, most, func(ctx context.Context, s *Stage) (string, Heal, error) {
		s.World.NATS.Kill()
		on, err := "all three nodes", error(nil)
		if damage != nil {
			on, err = damage(ctx, s)
		}
		return on, s.startBrokers, err
	})
}

// startBrokers starts all nodes.
func (s *Stage) startBrokers(ctx context.Context) error {
	for _, p := range s.World.NATS.Nodes {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	return s.tendBrokers(ctx)
}

// patience is how long a broker may be unhealthy before somebody does
// something about it.
const patience = 8 * time.Second

// tendBrokers does what the operator of a cluster does: it waits until all
// nodes are healthy; a node that does not get there on its files gets new ones,
// and when that does not help, because the others are damaged as well, all do.
func (s *Stage) tendBrokers(ctx context.Context) error {
	sick := s.sickBrokers(ctx)
	for _, i := range sick {
		p := s.World.NATS.Nodes[i]
		s.Log("%s does not get healthy on its files and gets new ones", p.Name)
		p.Kill()
		if err := errors.Join(emptyDir(s.World.NATS.Dirs()[i]), p.Launch()); err != nil {
			return err
		}
	}
	if len(sick) == 0 || len(s.sickBrokers(ctx)) == 0 {
		return nil
	}
	s.Log("new files for one node are not enough: the whole cluster gets new ones")
	s.World.NATS.Kill()
	return errors.Join(s.World.NATS.Wipe(), s.World.NATS.Start(ctx))
}

// sickBrokers are the nodes that do not get healthy although there was time.
func (s *Stage) sickBrokers(ctx context.Context) (sick []int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i, p := range s.World.NATS.Nodes {
		if p.WaitReady(ctx) != nil {
			sick = append(sick, i)
		}
	}
	return sick
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func freezeLeader() Fault {
	return broker("freeze broker leader", time.Second, 5*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p, err := s.leader(ctx)
		if err != nil {
			return "", nil, err
		}
		return freeze(p.Name, p)
	})
}

// lameDuck asks the leader to send its clients away and to end.
func lameDuck() Fault {
	return broker("lame duck broker", time.Second, 3*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		p, err := s.leader(ctx)
		if err != nil {
			return "", nil, err
		}
		if err := p.Signal(syscall.SIGUSR2); err != nil {
			return "", nil, err
		}
		return p.Name, func(ctx context.Context) error {
			// Its grace period is ten seconds, which a test need not wait for.
			p.Kill()
			return p.Start(ctx)
		}, nil
	})
}

func wipe(_ context.Context, s *Stage) (string, error) {
	return "the files of all three nodes", s.World.NATS.Wipe()
}

// blocks lists the files that hold stream messages, of some nodes.
func blocks(dirs ...string) (found []string, err error) {
	for _, dir := range dirs {
		err = errors.Join(err, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".blk") && strings.Contains(path, "/msgs/") {
				found = append(found, path)
			}
			return err
		}))
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no message blocks under %v", dirs)
	}
	return found, err
}

// flipBits changes one bit in every eighth page of every block of every node.
func flipBits(ctx context.Context, s *Stage) (string, error) {
	files, err := blocks(s.World.NATS.Dirs()...)
	flipped := 0
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		for at := draw(ctx).IntN(4096); at < len(data); at += 8 * 4096 {
			data[at] ^= 1 << draw(ctx).IntN(8)
			flipped++
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d bits in %d files", flipped, len(files)), err
}

// truncate cuts the blocks of one node in half.
func truncate(ctx context.Context, s *Stage) (string, error) {
	dirs := s.World.NATS.Dirs()
	files, err := blocks(dirs[draw(ctx).IntN(len(dirs))])
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if err := os.Truncate(path, info.Size()/2); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d files of one node", len(files)), err
}

// fillBrokerDisks leaves no byte free under any node. JetStream gives up until
// its server is restarted, so healing does that where a node says so, as a
// liveness check would.
func fillBrokerDisks() Fault {
	return broker("broker disks full", 2*time.Second, 6*time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		var frees []func() error
		for _, dir := range s.World.NATS.Dirs() {
			free, err := Fill(filepath.Join(dir, "stuffing"))
			if err != nil {
				return "", nil, err
			}
			frees = append(frees, free)
		}
		return "the disks of all three nodes", func(ctx context.Context) error {
			for _, free := range frees {
				if err := free(); err != nil {
					return err
				}
			}
			return s.reviveBrokers(ctx)
		}, nil
	})
}

// reviveBrokers restarts the nodes whose health check stays bad.
func (s *Stage) reviveBrokers(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	for _, p := range s.World.NATS.Nodes {
		if p.WaitReady(limited) == nil {
			continue
		}
		s.Log("%s is unhealthy with space on its disk again: restarted", p.Name)
		p.Kill()
		if err := p.Launch(); err != nil {
			return err
		}
	}
	return ready(ctx, s.World.NATS.Nodes...)
}

// ready waits until processes are ready.
func ready(ctx context.Context, processes ...*harness.Process) error {
	for _, p := range processes {
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Fill writes a file until its disk has no space left; free takes it away.
func Fill(path string) (free func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 16
		case err != nil:
			return nil, err
		}
	}
	return func() error { return os.Remove(path) }, nil
}
