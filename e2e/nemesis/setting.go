package nemesis

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// Setting is what a report needs so that its figures mean something elsewhere.
type Setting struct {
	Commit   string    `json:"commit"`
	Machine  string    `json:"machine"`
	Versions []string  `json:"versions"`
	Command  string    `json:"command"`
	Began    time.Time `json:"began"`
}

// Describe asks the repository at root and this machine.
func (s *Stage) Describe(ctx context.Context, root, command string) Setting {
	ask := func(name string, args ...string) string {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	version := regexp.MustCompile(`v?\d+\.\d+\.\d+`)
	return Setting{
		Commit:  ask("git", "describe", "--always", "--dirty"),
		Machine: fmt.Sprintf("%d x %s, %s RAM, Linux %s", runtime.NumCPU(), procField("/proc/cpuinfo", "model name"), procField("/proc/meminfo", "MemTotal"), ask("uname", "-r")),
		Versions: []string{
			runtime.Version(),
			"MariaDB " + version.FindString(ask(s.World.DB.Path, "--version")),
			// scripts/tool puts the version into the name.
			"nats-server " + version.FindString(s.World.NATS.Nodes[0].Path),
			"Caddy " + version.FindString(s.World.Caddy.Path),
		},
		Command: command,
		Began:   time.Now(),
	}
}

// procField is one value out of a file of /proc.
func procField(path, field string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown " + field
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return "unknown " + field
}
