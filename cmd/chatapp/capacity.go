package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"chatapp/internal/capacity"
)

// capacityCommand has a flag for each assumption of capacity.Load. No default
// here: without a flag, capacity.Default's stands.
type capacityCommand struct {
	Users          float64  `required:"" help:"How many people have an account."`
	Online         *float64 `help:"Share of them that is connected at the peak. Default: 0.2."`
	Devices        *float64 `help:"Connections of each of them. Default: 1.5."`
	MessagesPerDay *float64 `help:"Messages a user writes in a day. Default: 40."`
	Peak           *float64 `help:"Rate at the peak, by the average of the day. Default: 3."`
	Members        *float64 `help:"Members of a conversation. Default: 2."`
	Body           *float64 `help:"Bytes of a text. Default: 100."`
}

// Run prints the plan.
func (c capacityCommand) Run(p program) error {
	l := capacity.Default(c.Users)
	for _, f := range []struct {
		name  string
		given *float64
		to    *float64
		least float64
	}{
		{"users", &c.Users, &l.Users, 1},
		{"online", c.Online, &l.Online, 0},
		{"devices", c.Devices, &l.Devices, 1},
		{"messages-per-day", c.MessagesPerDay, &l.MessagesPerDay, 0},
		{"peak", c.Peak, &l.Peak, 1},
		{"members", c.Members, &l.Members, 2},
		{"body", c.Body, &l.Body, 0},
	} {
		if f.given == nil {
			continue
		}
		if !(*f.given >= f.least) { // not a number, too
			return fmt.Errorf("--%s: want at least %v", f.name, f.least)
		}
		*f.to = *f.given
	}
	return printPlan(p.out, l, capacity.For(l))
}

func printPlan(out io.Writer, l capacity.Load, plan capacity.Plan) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // Flush says what went wrong
	line("%s users, %v of them connected with %v devices each; %v messages a day of each, %v times as many at the peak; %v members; %v bytes", short(l.Users), l.Online, l.Devices, l.MessagesPerDay, l.Peak, l.Members, l.Body)
	line("\nat the peak\t%s messages/s\t%s rows/s\t%s pushes/s\t%s connections", short(plan.Rate), short(plan.Rows), short(plan.Pushes), short(plan.Sockets))
	line("database\t%sB of tables after a year\t%sB/s of redo log\t%sB/s on the network\t%s heads/s compared", short(plan.Disk), short(plan.RedoLog), short(plan.Database), short(plan.Compared))
	line("NATS\t%sB/s on the network", short(plan.NATS))
	line("\npart\tprocesses\tcores\tmemory")
	for _, n := range plan.Needs {
		line("%s\t%.0f\t%.1f\t%sB", n.Name, n.Processes, n.Cores, short(n.Memory))
	}
	line("\nwhat breaks first\tat users\tcure")
	for _, b := range plan.Limits {
		cure := b.Cure
		if b.Change {
			cure += " (needs a change of ChatApp)"
		}
		passed := ""
		if b.Users < l.Users {
			passed = "passed: "
		}
		line("%s\t%s\t%s%s", b.What, short(b.Users), passed, cure)
	}
	line("\nCores are twice what is busy at the peak. How it is reckoned, and how far to believe it: docs/scaling.md")
	return w.Flush()
}

// short is a number of three digits with a unit of thousands.
func short(n float64) string {
	for _, unit := range []string{"", "k", "M", "G", "T"} {
		if n < 1000 {
			return strconv.FormatFloat(n, 'g', 3, 64) + unit
		}
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', 0, 64) + "P"
}
