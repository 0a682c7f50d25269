package check

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// shownViolations is how many the table spells out.
const shownViolations = 20

// writer remembers the first error, so that a table is written in one go.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) line(format string, args ...any) {
	_, err := fmt.Fprintf(w.w, format+"\n", args...)
	w.err = errors.Join(w.err, err)
}

// WriteTable writes the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	w := &writer{w: out}
	w.line("%d people on %d devices in %d conversations, %s, %d operations", r.People, r.Devices, r.Conversations, r.Duration.Round(time.Millisecond), r.Operations)
	w.line("  messages    %d posted: %d accepted, %d refused, %d without an answer (%d of them written)", r.Attempted, r.Acked, r.Refused, r.Unknown, r.Recovered)
	w.line("  devices     %d events shown, %d came twice and were recognised, %d reconnects, %d resyncs", r.Pushed, r.WireDuplicates, r.Reconnects, r.Resyncs)
	w.line("  readings    %d", r.Reads)
	w.line("  post        p50 %s  p99 %s  max %s", short(r.Send.P50), short(r.Send.P99), short(r.Send.Max))
	w.line("  post->shown p50 %s  p99 %s  max %s", short(r.Deliver.P50), short(r.Deliver.P99), short(r.Deliver.Max))
	w.line("  linear      %d windows: %d proven, %d not decided in time", r.Linear.Windows, r.Linear.OK, r.Linear.Unknown)
	if len(r.Faults) > 0 {
		w.line("")
		w.line("  %-16s %5s  %-19s  %-19s  %-19s  %-19s", "fault", "count", "send stall p50/max", "push gap p50/max", "resume p50/max", "recovery p50/max")
		for _, f := range r.Faults {
			w.line("  %-16s %5d  %-19s  %-19s  %-19s  %-19s", f.Kind, f.Count, pair(f.SendStall), pair(f.PushGap), pair(f.Resume), pair(f.Recovery))
		}
	}
	w.line("")
	if r.OK() {
		w.line("OK: nothing lost, nothing twice, everything in order on every device")
		return w.err
	}
	var kinds []string
	for _, k := range sortedKeys(r.ByKind) {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, r.ByKind[k]))
	}
	w.line("VIOLATED %d times: %s", r.ViolationCount, strings.Join(kinds, ", "))
	for _, v := range r.Violations[:min(len(r.Violations), shownViolations)] {
		w.line("  %s", v)
	}
	if n := r.ViolationCount - shownViolations; n > 0 {
		w.line("  and %d more (see --json)", n)
	}
	return w.err
}

// String is the violation in one line.
func (v Violation) String() string {
	var b strings.Builder
	b.WriteString(string(v.Kind) + ":")
	add := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&b, " %s %s,", what, value)
		}
	}
	user := v.User
	if v.Name != "" {
		user = v.Name + " (" + v.User + ")"
	}
	add("user", user)
	add("device", v.Device)
	add("conversation", v.Conversation)
	if v.Seq > 0 {
		fmt.Fprintf(&b, " seq %d,", v.Seq)
	}
	add("ids", strings.Join(v.IDs, " "))
	return strings.TrimSuffix(b.String(), ",") + ": " + v.Detail
}

func pair(q Quantiles) string {
	if q.Count == 0 {
		return "-"
	}
	return short(q.P50) + " / " + short(q.Max)
}

// short rounds to three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
