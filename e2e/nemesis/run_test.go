package nemesis

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/internal/check"
)

// outline is what of a schedule must not change: kinds, lengths, choices.
func outline(t *testing.T, p Plan) (lines []string) {
	t.Helper()
	schedule, err := p.steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range schedule {
		lines = append(lines, fmt.Sprint(s.kind, Kinds(s.faults), s.holds, s.seeds))
	}
	return lines
}

// A seed is the whole schedule; another seed is another one.
func TestPlanIsItsSeed(t *testing.T) {
	p := Plan{Seed: 7, Faults: 60, Outage: time.Second}
	once := outline(t, p)
	if !slices.Equal(once, outline(t, p)) {
		t.Error("the same plan made two schedules")
	}
	if p.Seed = 8; slices.Equal(once, outline(t, p)) {
		t.Error("two seeds made the same schedule")
	}
}

// A long run has every kind alone, what was asked for first, and overlapping
// faults that do not get into each other's way.
func TestPlanHasEverything(t *testing.T) {
	first := []string{"kill database", "kill notify"}
	schedule, err := Plan{Seed: 3, Faults: 60, First: first}.steps()
	if err != nil {
		t.Fatal(err)
	}
	all, _ := Catalogue(0)
	left, n, several := Kinds(all), 0, 0
	for i, s := range schedule {
		n += len(s.faults)
		if s.kind != Mixed {
			left = slices.DeleteFunc(left, func(kind string) bool { return kind == s.kind })
		}
		if i < len(first) && s.kind != first[i] {
			t.Errorf("fault %d is %s, want %s", i, s.kind, first[i])
		}
		taken := map[Part]bool{}
		for _, f := range s.faults {
			for _, p := range f.Breaks {
				if taken[p] {
					t.Errorf("%v break the same part, %s", Kinds(s.faults), p)
				}
				taken[p] = true
			}
		}
		if len(s.faults) > 1 {
			several++
		}
	}
	if n < 60 || len(left) > 0 || several == 0 {
		t.Errorf("%d faults, %d sets of several, never alone: %v", n, several, left)
	}
	if err := (Plan{First: []string{"kill nobody"}}).Check(); err == nil {
		t.Error("a kind that does not exist is no mistake")
	}
}

// The report counts what happened and stands in the marked part of a document
// only.
func TestReport(t *testing.T) {
	r := Report{
		Events: []Event{{Kind: "kill users", Faults: []string{"kill users: users-1"}, Requests: answers{Sent: 9, Failed: 4}}, {Kind: Mixed, Faults: []string{none}}},
		Check: &check.Report{
			Acked: 17, ViolationCount: 3, ByKind: map[check.ViolationKind]int{check.Lost: 2, check.Stale: 1},
			Faults: []check.FaultStat{{Kind: "kill users", SendStall: check.Quantiles{Count: 1, P50: time.Second, Max: 2 * time.Second}}},
		},
	}
	doc := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(doc, []byte("head\n"+docBegin+"old\n"+docEnd+"tail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was written can be replaced again
		if err := r.WriteDoc(doc); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"head\n" + docBegin, docEnd + "tail\n", "1 faults of 2 kinds", "| accepted | 17 |", "| lost | 2 |", "(stale, unread, ...) | 1 |", "| kill users | 1 | 1.0 s / 2.0 s |", "| 4 of 9 |"} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("%q is not there once in:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the old report is still there")
	}
	if r.WriteDoc(filepath.Join(t.TempDir(), "none.md")) == nil {
		t.Error("no document is no mistake")
	}
}
