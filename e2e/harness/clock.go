package harness

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// MovableClocks says whether the programs under test are built with a clock
// that SetClock can move: with E2E_CLOCK=1. The build takes two minutes more the
// first time, because nothing of the usual one can be reused.
func MovableClocks() bool { return os.Getenv("E2E_CLOCK") == "1" && os.Getenv("E2E_BINARIES") == "" }

// clockKey tells a program where its file is.
const clockKey = "E2E_CLOCK_FILE"

// clockSource is added to package time: a wall clock that is wrong by as many
// seconds as a file says. The monotonic clock stays right, as it does when an
// operator or NTP sets the time.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
)

var wrongBy atomic.Int64

func init() {
	if path, ok := syscall.Getenv("` + clockKey + `"); ok {
		go followClockFile(path)
	}
}

func followClockFile(path string) {
	for buf := make([]byte, 32); ; Sleep(20 * Millisecond) {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		n, _ := syscall.Read(fd, buf)
		_ = syscall.Close(fd)
		var value, sign int64 = 0, 1
		for _, c := range buf[:max(n, 0)] {
			if c == '-' {
				sign = -1
			} else if c >= '0' && c <= '9' {
				value = value*10 + int64(c-'0')
			}
		}
		wrongBy.Store(sign * value)
	}
}
`

// clockOverlay writes the changed package time and returns what makes go build
// use it.
func clockOverlay(ctx context.Context, dir string) (argument string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const now = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	if strings.Count(string(text), now) != 1 {
		return "", errors.New("this Go has another time.Now: harness/clock.go must learn it")
	}
	changed := filepath.Join(dir, "time.go.txt")
	added := filepath.Join(dir, "clock.go.txt")
	overlay := filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {
		original: changed,
		filepath.Join(filepath.Dir(original), "e2e_clock.go"): added,
	}})
	return "-overlay=" + overlay, errors.Join(err,
		os.WriteFile(changed, []byte(strings.Replace(string(text), now, "\tsec, nsec, mono := runtimeNow()\n\tsec += wrongBy.Load()\n\tif mono == 0 {", 1)), 0o644),
		os.WriteFile(added, []byte(clockSource), 0o644), os.WriteFile(overlay, list, 0o644))
}

// SetClock makes the wall clock of a process wrong by d, and its next lives'
// too; 0 sets it right. Only with MovableClocks.
func (p *Process) SetClock(d time.Duration) error {
	for _, line := range p.Env {
		if path, ok := strings.CutPrefix(line, clockKey+"="); ok {
			return os.WriteFile(path, []byte(strconv.Itoa(int(d/time.Second))+"\n"), 0o644)
		}
	}
	return errors.New("the clock of " + p.Name + " cannot be moved: E2E_CLOCK=1 builds programs whose clock can")
}
