package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"chatapp/internal/load"
)

type benchCommand struct {
	URL      string        `required:"" help:"The installation to drive, like http://localhost:8080. It gets accounts and messages that stay: do not point it at people."`
	Senders  []int         `default:"1,16,64,200" help:"How many write at once; each number is a run of its own."`
	Rate     float64       `help:"Open loop: this many messages a second at constant intervals, whatever the server does. Without it each sender waits until its message has arrived."`
	Duration time.Duration `default:"10s" help:"How long to measure."`
	Warmup   time.Duration `default:"2s" help:"How long to run before measuring."`
	Pairs    int           `help:"Pairs of people who write to each other. Default: one for each sender; 64 for --history-readers."`
	Size     int           `default:"64" help:"Bytes of a message's text."`

	Idle           int `help:"Instead: connect so many devices that only listen, and measure the memory of --pid for --duration."`
	Storm          int `help:"Instead: cut so many devices at once, write to each, let all come back, and measure until they have everything."`
	HistoryReaders int `help:"Instead: so many read the latest 15 messages of random conversations."`

	PID      map[string]int `name:"pid" placeholder:"NAME=PID" help:"Also measure CPU and memory of this process. Repeatable."`
	Accounts string         `type:"path" help:"File to keep the accounts in for the next time: signing up is slow."`
	JSON     string         `name:"json" type:"path" help:"Write the results to this file as well."`
	Chart    string         `type:"path" help:"Draw throughput and latency over the senders into this SVG file."`
}

// exitCode is an error whose text has been told already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The exit codes of commands that judge a running installation.
const (
	exitViolation = 1 // it did something wrong
	exitCouldNot  = 2 // it could not be judged
)

// benchReport is the JSON file.
type benchReport struct {
	Runs    []load.Result       `json:"runs,omitempty"`
	Idle    *load.IdleResult    `json:"idle,omitempty"`
	Storm   *load.StormResult   `json:"storm,omitempty"`
	History *load.HistoryResult `json:"history,omitempty"`
}

// failed reports whether the installation did something wrong.
func (r benchReport) failed() bool {
	return slices.ContainsFunc(r.Runs, func(run load.Result) bool { return !run.Failures.None() }) ||
		r.Storm != nil && r.Storm.Missed > 0 || r.History != nil && r.History.Failed > 0
}

// Run drives the installation and prints what it measured.
func (c *benchCommand) Run(ctx context.Context, p program) error {
	report, err := c.measure(ctx, p)
	if err == nil {
		err = c.write(p, report)
	}
	if err != nil {
		complain(p.errs, err)
		return exitCode(exitCouldNot)
	}
	if report.failed() {
		return exitCode(exitViolation)
	}
	return nil
}

func (c *benchCommand) measure(ctx context.Context, p program) (r benchReport, err error) {
	target, err := load.NewTarget(c.URL)
	if err != nil {
		return r, err
	}
	people := &load.People{Target: target, File: c.Accounts, Step: p.progress("accounts"), Say: func(s string) { complain(p.errs, errors.New(s)) }}
	plan := c.plan(0)
	life := plan.Warmup + plan.Duration + 2*time.Minute
	switch {
	case c.Idle > 0:
		crowd, err := people.Need(ctx, c.Idle, life)
		if err != nil {
			return r, err
		}
		got, err := load.Idle(ctx, target, crowd, plan.Watch, plan.Duration, p.progress("connections"))
		r.Idle = &got
		return r, err
	case c.Storm > 0:
		crowd, err := people.Need(ctx, c.Storm+c.Storm%2, life)
		if err != nil {
			return r, err
		}
		got, err := load.Storm(ctx, target, crowd, plan.Watch, p.progress("connections"))
		r.Storm = &got
		return r, err
	case c.HistoryReaders > 0:
		pairs := c.Pairs
		if pairs == 0 {
			pairs = 64
		}
		crowd, err := people.Need(ctx, 2*pairs, life)
		if err != nil {
			return r, err
		}
		got, err := load.History(ctx, people, crowd, c.HistoryReaders, plan)
		r.History = &got
		return r, err
	}
	for _, senders := range c.Senders {
		plan := c.plan(senders)
		crowd, err := people.Need(ctx, 2*plan.Pairs, life)
		if err != nil {
			return r, err
		}
		done := p.clock(ctx, fmt.Sprintf("%d senders", senders), plan.Warmup+plan.Duration)
		got, err := load.Run(ctx, target, crowd, plan)
		done()
		if err != nil {
			return r, err
		}
		r.Runs = append(r.Runs, got)
	}
	return r, nil
}

func (c *benchCommand) plan(senders int) load.Plan {
	plan := load.Plan{
		Senders: senders, Pairs: c.Pairs, Rate: c.Rate, Size: c.Size,
		Warmup: c.Warmup, Duration: c.Duration, Patience: 10 * time.Second,
	}
	if plan.Pairs == 0 {
		plan.Pairs = senders
	}
	for _, name := range slices.Sorted(maps.Keys(c.PID)) {
		plan.Watch = append(plan.Watch, load.Process{Name: name, PID: c.PID[name]})
	}
	return plan
}

func (c *benchCommand) write(p program, r benchReport) error {
	if c.JSON != "" {
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(data, '\n'), 0o644); err != nil { //nolint:gosec // results are for everybody
			return err
		}
	}
	if c.Chart != "" && len(r.Runs) > 0 {
		if err := os.WriteFile(c.Chart, chart(r.Runs), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return r.print(p.out)
}
