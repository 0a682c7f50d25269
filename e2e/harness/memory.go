package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryRoot is where the kernel's memory controller is mounted by systems that
// still have it for itself (cgroup v1), and cgroupRoot where all are (v2).
const (
	memoryRoot = "/sys/fs/cgroup/memory"
	cgroupRoot = "/sys/fs/cgroup"
)

// memoryGroups is the directory in which a group with a limit can be made, and
// the names of its files for usage and limit; "" where the user may not.
func memoryGroups() (dir, usage, limit string) {
	dir, usage, limit = memoryRoot, "memory.usage_in_bytes", "memory.limit_in_bytes"
	if !exists(filepath.Join(dir, limit)) {
		dir, usage, limit = cgroupRoot, "memory.current", "memory.max"
		enabled, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err != nil || !strings.Contains(string(enabled), "memory") {
			return "", "", ""
		}
	}
	probe, err := os.MkdirTemp(dir, "chatapp-e2e-")
	if err != nil || os.Remove(probe) != nil {
		return "", "", ""
	}
	return dir, usage, limit
}

// MemoryLimits says whether LimitMemory works for this user on this machine.
func MemoryLimits() bool {
	dir, _, _ := memoryGroups()
	return dir != ""
}

// LimitMemory gives a running process no more memory than it has now and so many
// bytes on top: when it wants more the kernel kills it. release takes the limit
// away, also when the process has ended.
func (p *Process) LimitMemory(more int64) (release func() error, err error) {
	root, usage, limit := memoryGroups()
	if root == "" {
		return nil, errors.New("no memory controller that this user may use")
	}
	group, err := os.MkdirTemp(root, "chatapp-e2e-")
	if err != nil {
		return nil, err
	}
	pid := []byte(strconv.Itoa(p.PID()))
	release = func() error {
		// Gone already when the process has ended.
		_ = os.WriteFile(filepath.Join(root, "cgroup.procs"), pid, 0o644)
		return os.Remove(group)
	}
	if root == memoryRoot {
		// What it has counts here from now on, as it does with v2.
		err = os.WriteFile(filepath.Join(group, "memory.move_charge_at_immigrate"), []byte("3"), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(group, "cgroup.procs"), pid, 0o644)
	}
	text, readErr := os.ReadFile(filepath.Join(group, usage))
	used, parseErr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err = errors.Join(err, readErr, parseErr); err == nil {
		err = os.WriteFile(filepath.Join(group, limit), []byte(strconv.FormatInt(used+more, 10)), 0o644)
	}
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}
