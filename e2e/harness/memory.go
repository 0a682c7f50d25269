package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// memoryGroups is the directory in which a group with a limit can be made, by
// systems that still have the kernel's memory controller for itself (cgroup v1)
// or by all others (v2), with the names of the file for the limit and of what in
// memory.stat cannot be had back; "" where the user may not.
func memoryGroups() (dir, limit, kept string) {
	dir, limit, kept = "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "rss "
	if !exists(filepath.Join(dir, limit)) {
		dir, limit, kept = "/sys/fs/cgroup", "memory.max", "anon "
		enabled, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err != nil || !strings.Contains(string(enabled), "memory") {
			return "", "", ""
		}
	}
	probe, err := os.MkdirTemp(dir, "chatapp-e2e-")
	if err != nil || os.Remove(probe) != nil {
		return "", "", ""
	}
	return dir, limit, kept
}

// MemoryLimits says whether Confine works for this user on this machine.
func MemoryLimits() bool {
	dir, _, _ := memoryGroups()
	return dir != ""
}

// Confine makes the next life of a process start in a control group of its own.
// squeeze then leaves it no more memory than it needs at that moment and so many
// bytes on top: when it wants more the kernel kills it. release makes the lives
// after the present one, which must have ended, free again.
func (p *Process) Confine() (squeeze func(more int64) error, release func() error, err error) {
	root, limit, kept := memoryGroups()
	if root == "" {
		return nil, nil, errors.New("no memory controller that this user may use")
	}
	group, err := os.MkdirTemp(root, "chatapp-e2e-")
	if err != nil {
		return nil, nil, err
	}
	p.group = group
	squeeze = func(more int64) error {
		text, err := os.ReadFile(filepath.Join(group, "memory.stat"))
		if err != nil {
			return err
		}
		_, after, _ := strings.Cut("\n"+string(text), "\n"+kept)
		figure, _, _ := strings.Cut(after, "\n")
		used, err := strconv.ParseInt(figure, 10, 64)
		if err != nil {
			return err
		}
		// The process wants more at every moment: a limit below what it has by
		// now is refused.
		for range 64 {
			err = os.WriteFile(filepath.Join(group, limit), []byte(strconv.FormatInt(used+more, 10)), 0o644)
			if !errors.Is(err, syscall.EBUSY) {
				break
			}
			used += 4 << 20
		}
		return err
	}
	return squeeze, func() error {
		p.group = ""
		return os.Remove(group)
	}, nil
}
