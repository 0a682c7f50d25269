package nemesis

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chatapp/internal/check"
)

// Report is everything a run found out.
type Report struct {
	Setting
	Seed    uint64            `json:"seed"`
	Took    time.Duration     `json:"took_ns"`
	Missing map[string]string `json:"missing,omitempty"` // kinds that could not run, and why
	Bounds  []string          `json:"bounds,omitempty"`  // what was measured one by one
	Events  []Event           `json:"events"`
	Wrong   string            `json:"wrong,omitempty"` // reactions that were wrong, besides the check's violations
	Check   *check.Report     `json:"check"`
}

// Faults counts the faults that happened, each of several at once.
func (r *Report) Faults() (n int) {
	for _, e := range r.Events {
		if e.Kind != Mixed || e.Faults[0] != none {
			n += len(e.Faults)
		}
	}
	return n
}

// kindStat is one line of the table.
type kindStat struct {
	kind     string
	count    int
	requests answers
	whole    []time.Duration
	check.FaultStat
}

// byKind sums the events up, the kinds in alphabetical order.
func (r *Report) byKind() []kindStat {
	stats := map[string]*kindStat{}
	for _, e := range r.Events {
		s := stats[e.Kind]
		if s == nil {
			s = &kindStat{kind: e.Kind}
			stats[e.Kind] = s
		}
		s.count++
		s.whole = append(s.whole, e.Whole)
		s.requests.Sent += e.Requests.Sent
		s.requests.Failed += e.Requests.Failed
		s.requests.Longest = max(s.requests.Longest, e.Requests.Longest)
	}
	if r.Check != nil {
		for _, f := range r.Check.Faults {
			if s := stats[f.Kind]; s != nil {
				s.FaultStat = f
			}
		}
	}
	var all []kindStat
	for _, s := range stats {
		slices.Sort(s.whole)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b kindStat) int { return cmp.Compare(a.kind, b.kind) })
	return all
}

// ms writes a duration for a table.
func ms(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// spread writes the middle and the end of durations.
func spread(q check.Quantiles) string {
	if q.Count == 0 {
		return "-"
	}
	return ms(q.P50) + " / " + ms(q.Max)
}

// Markdown is the report for people.
func (r *Report) Markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("%d faults of %d kinds in %s, seed `%d`, commit `%s`, %s.\n", r.Faults(), len(r.byKind()), r.Took.Round(time.Second), r.Seed, r.Commit, r.Began.UTC().Format(time.DateOnly))
	p("Machine: %s. %s. Command: `%s`.\n", r.Machine, strings.Join(r.Versions, ", "), r.Command)
	for _, kind := range slices.Sorted(maps.Keys(r.Missing)) {
		p("**Not run**: %s (%s).\n", kind, r.Missing[kind])
	}
	if c := r.Check; c != nil {
		r.verdict(p)
	}
	p("\n%s", r.goals())
	for _, line := range r.Bounds {
		p("- %s", line)
	}
	p("")
	p("| fault | times | longest send stall | longest push gap | broken connection to gap-free | recovery | requests failed |")
	p("|---|---|---|---|---|---|---|")
	for _, s := range r.byKind() {
		p("| %s | %d | %s | %s | %s | %s | %d of %d |", s.kind, s.count, spread(s.SendStall), spread(s.PushGap), spread(s.Resume), spread(s.Recovery), s.requests.Failed, s.requests.Sent)
	}
	if r.Wrong != "" {
		p("\nWrong reactions:\n\n```\n%s\n```", r.Wrong)
	}
	return b.String()
}

// verdict writes what the checker says about all messages.
func (r *Report) verdict(p func(string, ...any)) {
	c := r.Check
	p("| messages | | violations | |\n|---|---|---|---|")
	left := [][2]any{
		{"attempted", c.Attempted},
		{"accepted", c.Acked},
		{"never answered (of these written)", fmt.Sprintf("%d (%d)", c.Unknown, c.Recovered)},
		{"events shown on devices", c.Pushed},
		{"connections made again", c.Reconnects},
		{"operations judged", c.Operations},
	}
	kinds := []check.ViolationKind{check.Lost, check.Phantom, check.Duplicate, check.Order, check.Hole}
	rest := c.ViolationCount
	for _, k := range kinds {
		rest -= c.ByKind[k]
	}
	names := []string{"lost", "phantom", "duplicated", "out of order", "holes in an event log", "all others (stale, unread, ...)"}
	for i, l := range left {
		n := rest
		if i < len(kinds) {
			n = c.ByKind[kinds[i]]
		}
		p("| %v | %v | %s | %d |", l[0], l[1], names[i], n)
	}
}

// goals compares the run with what issue "Delivery that nobody can break" asks for.
func (r *Report) goals() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| goal | reached |\n|---|---|")
	for _, s := range r.byKind() {
		asked := ""
		got := fmt.Sprintf("%d of %d requests failed", s.requests.Failed, s.requests.Sent)
		switch s.kind {
		case "kill broker leader":
			asked = "broker leader killed: no request fails, send stall <= 50 ms, push gap <= 500 ms"
			got += fmt.Sprintf(", send stall %s, push gap %s", ms(s.SendStall.Max), ms(s.PushGap.Max))
		case "broker outage":
			asked = "broker away: no request fails"
		case "rolling restart":
			asked = "rolling restart: no request fails"
		case "kill notify":
			asked = "notify replica killed: clients resumed without a gap, p99 <= 2 s"
			got = fmt.Sprintf("p50 %s, p99 %s of %d connections", ms(s.Resume.P50), ms(s.Resume.P99), s.Resume.Count)
		case "wipe all brokers":
			asked = "all broker files deleted: nothing lost"
			got = "0 lost, 0 missed"
			if r.Check != nil {
				got = fmt.Sprintf("%d lost, %d missed in the whole run", r.Check.ByKind[check.Lost], r.Check.ByKind[check.Missed])
			}
		}
		if asked != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", asked, got)
		}
	}
	return b.String()
}

// Write leaves report.json and report.md in dir.
func (r *Report) Write(dir string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	return errors.Join(err, os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "report.json"), append(data, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "report.md"), []byte(r.Markdown()), 0o644))
}

// The generated part of a document stands between these lines.
const (
	docBegin = "<!-- make faults writes from here -->\n"
	docEnd   = "<!-- to here -->\n"
)

// WriteDoc puts the report into the marked part of a document.
func (r *Report) WriteDoc(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, begins := bytes.Cut(text, []byte(docBegin))
	_, tail, ends := bytes.Cut(rest, []byte(docEnd))
	if !begins || !ends {
		return fmt.Errorf("%s has no part between %q and %q", path, docBegin, docEnd)
	}
	return os.WriteFile(path, slices.Concat(head, []byte(docBegin+"\n"+r.Markdown()+"\n"+docEnd), tail), 0o644)
}
