package e2e

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/e2e/nemesis"
	"chatapp/internal/verify"
)

var previousFlag = flag.Bool("previous", false, "roll from the version that e2e/previous names, built from git, instead of to a next one built from these sources")

// TestRollingUpgrade replaces every service behind the gateway by that of
// another version, one process after the other, and then by that of the first
// again, while people write to each other: no request fails, nothing is lost.
//
// Plain runs roll to a version that is made here, so that they need no history:
// the present sources with a migration that adds and a field more in an event.
// With -previous (make upgrade) they come from the release before, which must be
// in the clone.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	old, young := "", ""
	var err error
	if *previousFlag {
		var commit string
		old, commit, err = harness.Previous(t.Context())
		must(t, err)
		t.Logf("from %s to these sources", commit)
	} else {
		young, err = harness.Next(t.Context(), t)
		must(t, err)
	}
	w := harness.ServicesFrom(t, old)
	present, err := harness.Present()
	must(t, err)
	if old == "" {
		old = present
	} else {
		young = present
	}
	stage, err := nemesis.NewStage(t.Context(), w, t.Logf)
	must(t, err)
	history, err := os.Create(filepath.Join(w.Logs, "history.jsonl"))
	must(t, err)
	defer history.Close()
	people, err := verify.Start(t.Context(), verify.Options{Sites: w.Everywhere()[:1], People: faultPeople, Devices: faultDevices, Rate: faultRate, Seed: *seedFlag, History: history})
	must(t, err)
	roll(t, stage, "rolling upgrade", young, people)
	if !*previousFlag {
		version, err := w.DB.Query(t.Context(), "SELECT MAX(version_id) FROM chat_messages.goose_db_version")
		if err != nil || version != "9000" {
			t.Errorf("the schema's version is %s (%v): the next version did not migrate it", version, err)
		}
	}
	roll(t, stage, "rolling back", old, people)
	report, err := people.Finish(within(t, 3*time.Minute))
	must(t, err)
	if !report.OK() {
		must(t, report.WriteTable(os.Stderr))
		t.Errorf("promises were broken; %s holds everything that happened", history.Name())
	}
	t.Logf("%d messages accepted, none lost", report.Acked)
}

// roll makes one pass over all replicas.
func roll(t *testing.T, stage *nemesis.Stage, kind, dir string, people *verify.Run) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	e, err := stage.Roll(ctx, kind, dir, people)
	t.Logf("%s: %v, whole after %v more; %d requests at a constant rate, %d failed, the longest took %v", kind, e.Held.Round(time.Millisecond), e.Whole.Round(time.Millisecond), e.Requests.Sent, e.Requests.Failed, e.Requests.Longest.Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
}
