package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"

	"chatapp/internal/load"
)

const mib = 1 << 20

// print writes the tables for people.
func (r benchReport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var notes []string
	switch {
	case r.Idle != nil:
		fmt.Fprint(w, "process\tconnections\tMiB before\tMiB after\tKiB each\tcores idle\t\n")
		for _, c := range r.Idle.Cost {
			fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.2f\t\n", c.Name, r.Idle.Connections, float64(c.Before)/mib, float64(c.After)/mib, float64(c.Each)/1024, c.Cores)
		}
	case r.Storm != nil:
		s := r.Storm
		fmt.Fprint(w, "devices\tall back s\tp50 ms\tp99 ms\tretries\tmissed\tdriver CPU s\t\n")
		fmt.Fprintf(w, "%d\t%.2f\t%.0f\t%.0f\t%d\t%d\t%.2f\t\n", s.Devices, s.All, s.Back.P50, s.Back.P99, s.Retries, s.Missed, s.Driver)
		printCosts(w, "devices", map[int][]load.Cost{s.Devices: s.Cost})
		notes = append(notes, s.First)
	case r.History != nil:
		h := r.History
		fmt.Fprint(w, "readers\tconversations\tpages/s\tp50 ms\tp99\tp99.9\tmax\tdriver µs/page\tfailed\t\n")
		fmt.Fprintf(w, "%d\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%d\t\n", h.Readers, h.Conversations, h.PerSecond, h.Page.P50, h.Page.P99, h.Page.P999, h.Page.Max, h.Driver, h.Failed)
		printCosts(w, "readers", map[int][]load.Cost{h.Readers: h.Cost})
		notes = append(notes, h.First)
	default:
		notes = printRuns(w, r.Runs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range notes {
		if note != "" {
			if _, err := fmt.Fprintln(out, note); err != nil {
				return err
			}
		}
	}
	return nil
}

// printCosts writes what each process spent, and all of them together.
func printCosts(w io.Writer, what string, costs map[int][]load.Cost) {
	head := "\n" + what + "\tprocess\tCPU s per 1000\tcores\tMiB\t\n"
	for _, n := range slices.Sorted(maps.Keys(costs)) {
		all := load.Cost{Name: "all"}
		rows := slices.Clone(costs[n])
		for _, c := range rows {
			all.CPU, all.Cores, all.RSS = all.CPU+c.CPU, all.Cores+c.Cores, all.RSS+c.RSS
		}
		if len(rows) > 1 {
			rows = append(rows, all)
		}
		for _, c := range rows {
			fmt.Fprintf(w, "%s%d\t%s\t%.3f\t%.2f\t%.0f\t\n", head, n, c.Name, c.CPU, c.Cores, float64(c.RSS)/mib)
			head = ""
		}
	}
}

func printRuns(w io.Writer, runs []load.Result) (notes []string) {
	notes = []string{"Latencies in ms: push = sent until the partner's WebSocket has it, 201 = sent until answered."}
	if len(runs) == 0 {
		return notes
	}
	costs := map[int][]load.Cost{}
	fmt.Fprint(w, "senders\tmsgs/s\tpush p50\tp99\tp99.9\tmax\t201 p50\tp99\tdriver µs/msg\tmissing\ttwice\tdisorder\trejected\tbroken\t\n")
	for _, r := range runs {
		f := r.Failures
		fmt.Fprintf(w, "%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t", r.Senders, r.PerSecond, r.Push.P50, r.Push.P99, r.Push.P999, r.Push.Max, r.Accept.P50, r.Accept.P99)
		fmt.Fprintf(w, "%.1f\t%d\t%d\t%d\t%d\t%d\t\n", r.Driver, f.Missing, f.Duplicated, f.Disorders, f.Rejected, f.Broken)
		costs[r.Senders] = r.Cost
		if f.First != "" {
			notes = append(notes, fmt.Sprintf("%d senders: %s", r.Senders, f.First))
		}
	}
	printCosts(w, "senders", costs)
	return notes
}

// The chart's measures, in pixels.
const (
	panelWidth, panelHeight = 420, 260
	panelLeft, panelTop     = 70, 50
)

// chart draws two panels over the number of senders: messages a second, and
// the latency from sender to partner at two quantiles.
func chart(runs []load.Result) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="white"/>`,
		2*(panelLeft+panelWidth+30), panelTop+panelHeight+60)
	values := func(of func(load.Result) float64) []float64 {
		all := make([]float64, len(runs))
		for i, r := range runs {
			all[i] = of(r)
		}
		return all
	}
	panel(&b, runs, 0, "messages accepted and delivered per second", []series{{"messages/s", "#2563eb", values(func(r load.Result) float64 { return r.PerSecond })}})
	panel(&b, runs, panelLeft+panelWidth+30, "sent until at the partner, ms", []series{
		{"p50", "#059669", values(func(r load.Result) float64 { return r.Push.P50 })},
		{"p99", "#dc2626", values(func(r load.Result) float64 { return r.Push.P99 })},
	})
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// series is one line of a panel, a value for each run.
type series struct {
	name, colour string
	values       []float64
}

// panel draws lines over equally spaced runs, from zero up.
func panel(b *bytes.Buffer, runs []load.Result, left int, title string, lines []series) {
	top := 0.0
	for _, l := range lines {
		for _, v := range l.values {
			top = max(top, v)
		}
	}
	top = max(top*1.1, 1e-9)
	x := func(i int) float64 {
		return float64(left+panelLeft) + (float64(i)+0.5)*panelWidth/float64(len(runs))
	}
	y := func(v float64) float64 { return panelTop + panelHeight*(1-v/top) }
	fmt.Fprintf(b, `<text x="%d" y="24" font-size="14">%s</text>`, left+panelLeft, title)
	for i := range 5 {
		v := top * float64(i) / 4
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left+panelLeft, left+panelLeft+panelWidth, y(v), y(v), left+panelLeft-6, y(v)+4, number(v))
	}
	for i, r := range runs {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`, x(i), panelTop+panelHeight+18, r.Senders)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">senders at once</text>`, left+panelLeft+panelWidth/2, panelTop+panelHeight+38)
	for n, l := range lines {
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text><polyline fill="none" stroke="%s" stroke-width="2" points="`, left+panelLeft+8+60*n, panelTop+14, l.colour, l.name, l.colour)
		for i, v := range l.values {
			fmt.Fprintf(b, "%.1f,%.1f ", x(i), y(v))
		}
		b.WriteString(`"/>`)
		for i, v := range l.values {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/><text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`, x(i), y(v), l.colour, x(i), y(v)-8, l.colour, number(v))
		}
	}
}

// number writes v for people: no exponent, no digits that mean nothing.
func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}
