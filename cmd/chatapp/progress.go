package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is how often progress is a line of text where nobody watches.
const plainEvery = 5 * time.Second

// terminal is out if somebody watches it, else nil.
func terminal(out io.Writer) *os.File {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// progress shows how far a run of known length is: a bar on a terminal, now and
// then a line elsewhere.
type progress struct {
	out   io.Writer
	total time.Duration
	bar   *progressbar.ProgressBar // nil: no terminal
	next  time.Duration
}

func newProgress(out io.Writer, total time.Duration) *progress {
	p := &progress{out: out, total: total}
	if f := terminal(out); f != nil {
		p.bar = progressbar.NewOptions64(int64(total), progressbar.OptionSetWriter(f), progressbar.OptionSetWidth(20),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	return p
}

// at shows the state after elapsed.
func (p *progress) at(elapsed time.Duration, state string) {
	if p.bar != nil {
		p.bar.Describe(state)
		_ = p.bar.Set64(int64(min(elapsed, p.total))) // a bar that cannot be drawn is no reason to stop
		return
	}
	if elapsed >= p.next {
		p.next = elapsed + plainEvery
		p.say(fmt.Sprintf("%s of %s: %s", elapsed.Round(time.Second), p.total, state))
	}
}

// say writes a line.
func (p *progress) say(line string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintln(p.out, line)
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// progress shows how far something is, on a terminal only.
func (p program) progress(what string) func(done, of int) {
	f := terminal(p.errs)
	if f == nil {
		return func(int, int) {}
	}
	var bar *progressbar.ProgressBar
	return func(done, of int) {
		if bar == nil || bar.GetMax() != of {
			bar = progressbar.NewOptions(of, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = bar.Set(done) // a bar that cannot be drawn stops nothing
	}
}

// clock shows the passing of time until the returned function is called.
func (p program) clock(ctx context.Context, what string, total time.Duration) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	show, start, ended := p.progress(what), time.Now(), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show(int(min(time.Since(start), total).Seconds()*4), int(total.Seconds()*4)+1)
			case <-ctx.Done():
				show(int(total.Seconds()*4)+1, int(total.Seconds()*4)+1)
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
