package load

import (
	"context"
	"time"
)

// Result is what one run measured.
type Result struct {
	Plan
	PerSecond float64  `json:"messages_per_second"` // accepted and at both sides
	Push      Latency  `json:"send_to_partner"`
	Accept    Latency  `json:"send_to_201"`
	Driver    float64  `json:"driver_us_per_message"` // CPU of this program
	Cost      []Cost   `json:"cost,omitempty"`        // of Plan.Watch
	Failures  Failures `json:"failures"`
}

// Cost is what one process spent in the measured window.
type Cost struct {
	Name  string  `json:"name"`
	CPU   float64 `json:"cpu_seconds_per_1000"` // things done: messages, devices, pages
	Cores float64 `json:"cores"`                // used on average
	RSS   int64   `json:"rss_bytes"`
}

// Failures are what must all be zero, over the whole run with its warm-up.
type Failures struct {
	Missing    uint64 `json:"missing"`    // accepted, but a push never came
	Duplicated int    `json:"duplicated"` // pushes that came more than once
	Disorders  int    `json:"disorders"`  // pushes that came too late
	Rejected   uint64 `json:"rejected"`   // posts not answered 201
	Broken     int    `json:"broken"`     // connections lost
	First      string `json:"first,omitempty"`
}

// None reports whether nothing failed.
func (f Failures) None() bool {
	return f.Missing == 0 && f.Duplicated == 0 && f.Disorders == 0 && f.Rejected == 0 && f.Broken == 0
}

// spent is what this program and the watched processes used in the window.
type spent struct {
	driver        time.Duration
	before, after []usage
}

// watch looks at the processes when the window begins and when it ends. The
// function it returns waits for that.
func watch(ctx context.Context, start time.Time, m *meter, processes []Process) (wait func() (spent, error), cancel func()) {
	ctx, cancel = context.WithCancel(ctx)
	type outcome struct {
		spent
		err error
	}
	done := make(chan outcome, 1)
	look := func(at time.Duration) (usages []usage, cpu time.Duration, err error) {
		select {
		case <-time.After(at - time.Since(start)):
			usages, err = usagesOf(processes)
			return usages, ownCPU(), err
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	go func() {
		before, first, err := look(m.from)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		after, last, err := look(m.until)
		done <- outcome{spent{last - first, before, after}, err}
	}()
	return func() (spent, error) { o := <-done; return o.spent, o.err }, cancel
}

// costs shares what the processes used among count things done in window.
func (s spent) costs(processes []Process, count int64, window time.Duration) []Cost {
	var all []Cost
	for i, p := range processes {
		used := (s.after[i].cpu - s.before[i].cpu).Seconds()
		all = append(all, Cost{Name: p.Name, CPU: used / float64(max(count, 1)) * 1000, Cores: used / window.Seconds(), RSS: s.after[i].rss})
	}
	return all
}

// result adds everything up.
func (r *run) result(s spent) Result {
	complete, seconds := r.meter.complete(), r.plan.Duration.Seconds()
	res := Result{Plan: r.plan, PerSecond: float64(complete) / seconds, Push: latency(r.meter.push), Accept: latency(r.meter.accept)}
	per := float64(max(complete, 1))
	res.Driver = float64(s.driver.Microseconds()) / per
	res.Cost = s.costs(r.plan.Watch, complete, r.plan.Duration)
	fail := &res.Failures
	for _, f := range r.flows {
		fail.Rejected += f.rejected
		for _, got := range f.got {
			fail.Missing += f.accepted - min(got, f.accepted)
		}
	}
	for _, s := range r.sockets {
		fail.Duplicated += s.log.duplicated
		fail.Disorders += s.log.disorders
	}
	if fail.Broken = r.lost; complete == 0 {
		fail.Broken++ // a run in which nothing happened has not succeeded
		fail.First = "no message was accepted and delivered in the measured time"
	}
	if len(r.broken) > 0 {
		fail.First = r.broken[0].Error()
	}
	return res
}
