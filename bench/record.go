package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// record is one file of results.
type record struct {
	What    string            `json:"what"`
	Command string            `json:"command"`
	Commit  string            `json:"commit"`
	Date    time.Time         `json:"date"`
	Machine map[string]string `json:"machine"`
	Filled  int               `json:"messages_before,omitempty"`
	Steps   []stepRecord      `json:"steps"`
}

type stepRecord struct {
	Command string    `json:"command"`
	Began   time.Time `json:"began"`
	Table   []string  `json:"table"`
	// Counters cover the whole step, with its warm-up; the results do not.
	Counters counters        `json:"counters,omitempty"`
	Results  json.RawMessage `json:"results"`
}

func newRecord(ctx context.Context, root string, o options) *record {
	load, _ := os.ReadFile("/proc/loadavg")
	return &record{
		What: o.what, Command: "go run . " + strings.Join(os.Args[1:], " "), Commit: output(ctx, root, "git", "describe", "--always", "--dirty"), Date: time.Now().UTC(),
		Machine: map[string]string{
			"cpu": cpuModel(), "cores": fmt.Sprint(runtime.NumCPU()), "kernel": output(ctx, root, "uname", "-sr"), "go": runtime.Version(),
			"mariadb": output(ctx, root, "/usr/sbin/mariadbd", "--version"), "load_before": strings.TrimSpace(string(load)),
		},
	}
}

// save writes bench/results/<date>-<commit>-<what>.json.
func (r *record) save(root string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%s.json", r.Date.Format("2006-01-02T1504"), r.Commit, r.What)
	file := filepath.Join(mkdir(filepath.Join(root, "bench", "results")), name)
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Println("\nrecorded in", file)
	return nil
}

// output is what a command says, or that it could not be asked.
func output(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
