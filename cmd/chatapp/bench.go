package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"chatapp/internal/load"
)

type benchCommand struct {
	URL      string         `required:"" help:"The installation to drive, like http://localhost:8080. It gets accounts and messages that stay: do not point it at people."`
	Senders  []int          `default:"1,16,64,200" help:"How many write at once; each number is a run of its own."`
	Rate     float64        `help:"Open loop: this many messages a second at constant intervals, whatever the server does. Without it each sender waits until its message has arrived."`
	Duration time.Duration  `default:"10s" help:"How long to measure."`
	Warmup   time.Duration  `default:"2s" help:"How long to run before measuring."`
	Pairs    int            `help:"Pairs of people who write to each other. Default: one for each sender."`
	Size     int            `default:"64" help:"Bytes of a message's text."`
	PID      map[string]int `name:"pid" placeholder:"NAME=PID" help:"Also measure CPU and memory of this process. Repeatable."`
	Accounts string         `type:"path" help:"File to keep the accounts in for the next time: signing up is slow."`
	JSON     string         `name:"json" type:"path" help:"Write the results to this file as well."`
}

// exitCode is an error whose text has been told already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The exit codes of commands that judge a running installation.
const (
	exitViolation = 1 // it did something wrong
	exitCouldNot  = 2 // it could not be judged
)

// Run drives the installation and prints what it measured.
func (c *benchCommand) Run(ctx context.Context, p program) error {
	err := c.run(ctx, p)
	if code := exitCode(0); err == nil || errors.As(err, &code) {
		return err
	}
	complain(p.errs, err)
	return exitCode(exitCouldNot)
}

func (c *benchCommand) run(ctx context.Context, p program) error {
	target, err := load.NewTarget(c.URL)
	if err != nil {
		return err
	}
	people := &load.People{Target: target, File: c.Accounts, Say: func(s string) { complain(p.errs, errors.New(s)) }, Step: func(int, int) {}}
	var results []load.Result
	for _, senders := range c.Senders {
		plan := c.plan(senders)
		crowd, err := people.Need(ctx, 2*plan.Pairs, plan.Warmup+plan.Duration+30*time.Second)
		if err != nil {
			return err
		}
		result, err := load.Run(ctx, target, crowd, plan)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	if err := c.report(p.out, results); err != nil {
		return err
	}
	for _, r := range results {
		if !r.Failures.None() {
			return exitCode(exitViolation)
		}
	}
	return nil
}

func (c *benchCommand) plan(senders int) load.Plan {
	plan := load.Plan{
		Senders: senders, Pairs: c.Pairs, Rate: c.Rate, Size: c.Size,
		Warmup: c.Warmup, Duration: c.Duration, Patience: 10 * time.Second,
	}
	if plan.Pairs == 0 {
		plan.Pairs = senders
	}
	for name, pid := range c.PID {
		plan.Watch = append(plan.Watch, load.Process{Name: name, PID: pid})
	}
	return plan
}

func (c *benchCommand) report(out io.Writer, results []load.Result) error {
	if c.JSON != "" {
		data, err := json.MarshalIndent(results, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(data, '\n'), 0o644); err != nil { //nolint:gosec // results are for everybody
			return err
		}
	}
	return table(out, results)
}

func table(out io.Writer, results []load.Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "senders\tmsgs/s\tpush p50\tp99\tp99.9\tmax\t201 p50\tp99\t"
	for _, cost := range results[0].Cost {
		head += cost.Name + " s/1000\tMiB\t"
	}
	fmt.Fprintln(w, head+"driver µs/msg\tmissing\ttwice\tdisorder\trejected\tbroken\t")
	var first []string
	for _, r := range results {
		fmt.Fprintf(w, "%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t", r.Senders, r.PerSecond, r.Push.P50, r.Push.P99, r.Push.P999, r.Push.Max, r.Accept.P50, r.Accept.P99)
		for _, cost := range r.Cost {
			fmt.Fprintf(w, "%.3f\t%.0f\t", cost.CPU, float64(cost.RSS)/(1<<20))
		}
		f := r.Failures
		fmt.Fprintf(w, "%.1f\t%d\t%d\t%d\t%d\t%d\t\n", r.Driver, f.Missing, f.Duplicated, f.Disorders, f.Rejected, f.Broken)
		if f.First != "" {
			first = append(first, fmt.Sprintf("%d senders: %s", r.Senders, f.First))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, strings.Join(append([]string{"Latencies in ms: push = sent until the partner's WebSocket has it, 201 = sent until answered."}, first...), "\n"))
	return err
}
