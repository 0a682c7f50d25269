package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/e2e/nemesis"
	"chatapp/internal/verify"
)

// The flags of TestFaults. Without any it is the short run of `make test`;
// `make faults` is the long one.
var (
	seedFlag   = flag.Uint64("seed", 20261125, "seed of the faults and the people: the same in every plain run, so that a red one is not the dice; 0 draws one")
	faultsFlag = flag.Int("faults", 12, "how many faults")
	outageFlag = flag.Duration("outage", 8*time.Second, "how long the whole broker is away in the fault about that")
	kindsFlag  = flag.String("kinds", strings.Join(always, ","), "kinds of faults that come first and always, separated by commas")
	reportFlag = flag.String("report", "", "directory for report.json, report.md and history.jsonl (default: that of the logs)")
	docFlag    = flag.String("doc", "", "document whose marked part the report replaces")
)

// always are the kinds that no run leaves out: the ones people ask about.
var always = []string{"kill notify", "kill broker leader", "wipe all brokers", "kill database", "rolling restart", "broker outage", "kill messages", "kill gateway"}

// How many people write how much while things break.
const (
	faultPeople  = 6
	faultDevices = 2
	faultRate    = 40 // posts a second, all together
)

// TestFaults breaks one part of the services shape after the other, sometimes
// several at once, while people write to each other; every promise about their
// messages must hold. Before that come the scenarios about single bounds.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := harness.ServicesApart(t)
	runEdges(t, w)
	if t.Failed() {
		return // random faults would only hide what is broken
	}
	t.Run("random", func(t *testing.T) { randomFaults(t, w) })
}

func randomFaults(t *testing.T, w *harness.World) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	dir := *reportFlag
	if dir == "" {
		dir = w.Logs
	}
	command := fmt.Sprintf("go -C e2e test -run TestFaults . -args -seed %d -faults %d -outage %v -kinds %q", seed, *faultsFlag, *outageFlag, *kindsFlag)
	plan := nemesis.Plan{Seed: seed, Faults: *faultsFlag, First: strings.FieldsFunc(*kindsFlag, func(r rune) bool { return r == ',' }), Outage: *outageFlag}
	must(t, plan.Check())
	t.Logf("again the same: %s", command)
	must(t, os.MkdirAll(dir, 0o755))
	history, err := os.Create(filepath.Join(dir, "history.jsonl"))
	must(t, err)
	defer history.Close()
	root, err := harness.Root()
	must(t, err)
	stage, err := nemesis.NewStage(t.Context(), w, t.Logf)
	must(t, err)
	report := nemesis.Report{Setting: stage.Describe(t.Context(), root, command), Seed: seed, Bounds: bounds.lines}
	_, report.Missing = nemesis.Catalogue(*outageFlag)
	for kind, why := range report.Missing {
		t.Logf("NOT RUN: %s: %s", kind, why)
	}
	people, err := verify.Start(t.Context(), verify.Options{Sites: w.Everywhere()[:1], People: faultPeople, Devices: faultDevices, Rate: faultRate, Seed: seed, History: history})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	report.Events, err = stage.Run(ctx, plan, people)
	stop()
	if err != nil {
		t.Error(err)
		report.Wrong = err.Error()
	}
	if report.Check, err = people.Finish(within(t, 3*time.Minute)); err != nil {
		t.Errorf("the people did not come to rest: %v", err)
	}
	report.Took = time.Since(report.Began)
	must(t, report.Write(dir))
	if *docFlag != "" {
		must(t, report.WriteDoc(filepath.Join(root, *docFlag)))
	}
	t.Logf("\n%s", report.Markdown())
	if report.Check != nil && !report.Check.OK() {
		var table strings.Builder
		must(t, report.Check.WriteTable(&table))
		t.Errorf("promises were broken; %s holds everything that happened\n%s", history.Name(), table.String())
	}
	if err := stage.Settled(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}
