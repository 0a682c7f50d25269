package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is how often progress is a line of text where nobody watches.
const plainEvery = 5 * time.Second

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
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(int64(total), progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(20),
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
