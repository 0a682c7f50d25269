// Command bench starts an installation, lets `chatapp bench` drive it through
// the same steps each time, and records what came out with what it ran on.
// README.md says how to run it and how to read the figures.
//
//	main.go      the flags, and the steps
//	shape.go     starts what is measured
//	fill.go      makes the tables big
//	counters.go  what the parts count themselves
//	record.go    the file of results
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chatapp/e2e/harness"
)

// options are the command line.
type options struct {
	shape, binaries, dir, what string
	replicas, rows             int
	full, hold                 bool
	extra                      []string // one step of the caller's own instead of ours
}

func main() {
	var o options
	flag.StringVar(&o.shape, "shape", "mariadb", "what to measure: sqlite or mariadb (all-in-one), services (split, behind Caddy)")
	flag.StringVar(&o.binaries, "binaries", "", "directory with ready-made programs; default: build them")
	flag.StringVar(&o.dir, "dir", "", "where the databases live, on a disk; default: bin/bench")
	flag.StringVar(&o.what, "what", "", "name of the results; default: the shape")
	flag.IntVar(&o.replicas, "replicas", 1, "shape services: of messages and of notify")
	flag.IntVar(&o.rows, "rows", 0, "fill the messages table to this many rows first (MariaDB)")
	flag.BoolVar(&o.full, "full", false, "also 10,000 idle connections, a storm of 5,000 and the history readers: takes minutes of signing up")
	flag.BoolVar(&o.hold, "hold", false, "start, say where, and wait for Ctrl+C instead of measuring")
	flag.Parse()
	o.extra = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) (err error) {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	if o.dir == "" {
		o.dir = filepath.Join(root, "bin", "bench")
	}
	if o.what == "" {
		o.what = o.shape
	}
	work, err := os.MkdirTemp(mkdir(o.dir), o.shape+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if o.binaries == "" {
		o.binaries = filepath.Join(root, "bin", "bench", "programs")
		if err := harness.Build(ctx, o.binaries, false, "./cmd/chatapp", "./services/auth/cmd/auth", "./services/users/cmd/users", "./services/messages/cmd/messages", "./services/notify/cmd/notify"); err != nil {
			return err
		}
	}
	s, err := start(ctx, o, work)
	if s != nil {
		defer s.kill()
	}
	if err != nil {
		return err
	}
	if o.hold {
		fmt.Println(s.url, strings.Join(s.pids(), " "))
		<-ctx.Done()
		return nil
	}
	r := newRecord(ctx, root, o)
	for _, step := range o.steps() {
		if o.rows > 0 && r.Filled == 0 {
			if r.Filled, err = s.fill(ctx, o, o.rows); err != nil {
				return err
			}
		}
		if slices.Contains(step, "--idle") {
			// Once for the accounts: signing up leaves a large heap, in which the
			// connections would find room for nothing.
			if err := (&record{}).step(ctx, s, o, step); err != nil {
				return err
			}
			if err := s.restart(ctx); err != nil {
				return err
			}
		}
		if err := r.step(ctx, s, o, step); err != nil {
			return err
		}
	}
	return r.save(root)
}

// steps are the arguments of each `chatapp bench`.
func (o options) steps() [][]string {
	if len(o.extra) > 0 {
		return [][]string{o.extra}
	}
	steps := [][]string{
		{"--senders", "1,16,64,200"},
		{"--senders", "64", "--rate", "945"},
		{"--senders", "64", "--rate", "1800"},
	}
	if o.full {
		steps = append(steps, []string{"--history-readers", "16"}, []string{"--storm", "5000"}, []string{"--idle", "10000"})
	}
	return steps
}

// step runs one `chatapp bench` and keeps its results. A run in which messages
// went missing is recorded, and ends the whole.
func (r *record) step(ctx context.Context, s *system, o options, args []string) error {
	file := filepath.Join(s.work, "step.json")
	all := append([]string{"bench", "--url", s.url, "--accounts", filepath.Join(s.work, "accounts.json"), "--json", file}, args...)
	for _, p := range s.pids() {
		all = append(all, "--pid", p)
	}
	fmt.Println("\nchatapp bench", strings.Join(args, " "))
	before, err := s.counters(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(o.binaries, "chatapp"), all...)
	var table bytes.Buffer
	cmd.Stdout, cmd.Stderr = &table, os.Stderr
	began := time.Now()
	err = cmd.Run()
	fmt.Print(table.String())
	after, countErr := s.counters(ctx)
	data, readErr := os.ReadFile(file)
	if readErr != nil || countErr != nil {
		return errors.Join(err, readErr, countErr)
	}
	r.Steps = append(r.Steps, stepRecord{
		Command: "chatapp bench " + strings.Join(args, " "), Began: began.UTC(),
		Table: strings.Split(strings.TrimSpace(table.String()), "\n"), Counters: after.since(before), Results: data,
	})
	return errors.Join(err, os.Remove(file))
}

// mkdir makes dir and returns it; that it could not is said by its first use.
func mkdir(dir string) string {
	_ = os.MkdirAll(dir, 0o755)
	return dir
}
