package capacity

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// point is one recorded run of the parts as processes of their own.
type point struct {
	name        string
	rate, batch float64
	replicas    float64            // of messages and of notify
	cpu         map[string]float64 // µs for a message
}

// kindOf names the kind of a recorded process ("messages-0").
var kindOf = map[string]string{"caddy": "gateway", "mariadb": "database", "messages": "messages", "notify": "notify", "nats": "nats"}

// points reads all recorded runs that count their transactions.
func points(t *testing.T) []point {
	t.Helper()
	files, err := filepath.Glob("../../bench/results/*-services-*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []point
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			What  string
			Steps []struct {
				Counters map[string]float64
				Results  struct {
					Runs []struct {
						Rate float64 `json:"messages_per_second"`
						Cost []struct {
							Name string
							CPU  float64 `json:"cpu_seconds_per_1000"`
						}
					}
				}
			}
		}
		if err := json.Unmarshal(data, &record); err != nil {
			t.Fatal(file, err)
		}
		for _, s := range record.Steps {
			transactions := s.Counters["messages_commit_batch_count"]
			if transactions == 0 || len(s.Results.Runs) == 0 {
				continue // older than the counters, or no messages
			}
			run := s.Results.Runs[0]
			p := point{name: record.What, rate: run.Rate, batch: s.Counters["messages_commit_batch_sum"] / transactions, cpu: map[string]float64{}}
			for _, c := range run.Cost {
				name, _, _ := strings.Cut(c.Name, "-")
				if kind := kindOf[name]; kind != "" {
					p.cpu[kind] += 1000 * c.CPU
				}
				if name == "messages" {
					p.replicas++
				}
			}
			all = append(all, p)
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %d recorded runs", len(all))
	}
	return all
}

// processes of a kind that is replicated, 1 of the others.
func (p point) processes(kind string) float64 {
	if kind == "messages" || kind == "notify" {
		return p.replicas
	}
	return 1
}

func (p point) predicted(by map[string]Cost, kind string) float64 {
	return by[kind].At(p.rate, p.batch, p.processes(kind))
}

func (p point) total(by map[string]Cost) (predicted, measured float64) {
	for kind, us := range p.cpu {
		predicted += p.predicted(by, kind)
		measured += us
	}
	return predicted, measured
}

// fit finds the costs, none below zero, with the least squares of the relative
// errors: one coordinate after the other until nothing moves.
func fit(points []point) map[string]Cost {
	fitted := map[string]Cost{}
	for kind := range cpu {
		var c [3]float64
		for range 20_000 {
			for j := range c {
				var up, down float64
				for _, p := range points {
					x, y := [3]float64{1, 1 / p.batch, p.processes(kind) / p.rate}, p.cpu[kind]
					rest := 1.
					for k := range c {
						if k != j {
							rest -= c[k] * x[k] / y
						}
					}
					up, down = up+rest*x[j]/y, down+x[j]*x[j]/y/y
				}
				c[j] = max(0, up/down)
			}
		}
		fitted[kind] = Cost{c[0], c[1], c[2]}
	}
	return fitted
}

func off(got, want float64) float64 { return math.Abs(got/want - 1) }

func TestCostsAreWhatTheRecordsSay(t *testing.T) {
	all := points(t)
	for kind, want := range fit(all) {
		got := cpu[kind]
		if off(got.PerMessage, want.PerMessage) > .05 || off(got.PerTransaction, want.PerTransaction) > .05 || off(got.PerSecond, want.PerSecond) > .05 {
			t.Errorf("%s: cost.go has %+v, the records give %+v", kind, got, want)
		}
		for _, p := range all {
			if d := off(p.predicted(cpu, kind), p.cpu[kind]); d > .25 {
				t.Errorf("%s, %s: %.0f µs instead of %.0f", p.name, kind, p.predicted(cpu, kind), p.cpu[kind])
			}
		}
	}
}

// Each run is predicted from all others: all parts together within 25 %, each
// part within 40 %.
func TestARunLeftOutIsPredicted(t *testing.T) {
	all := points(t)
	for i, p := range all {
		others := fit(append(append([]point(nil), all[:i]...), all[i+1:]...))
		got, want := p.total(others)
		t.Logf("%-28s %6.0f/s, %5.2f in a transaction: %5.0f µs predicted, %5.0f measured (%+.0f %%)", p.name, p.rate, p.batch, got, want, 100*(got/want-1))
		if off(got, want) > .25 {
			t.Errorf("%s: %.0f µs instead of %.0f", p.name, got, want)
		}
		for kind, us := range p.cpu {
			if d := off(p.predicted(others, kind), us); d > .4 {
				t.Errorf("%s, %s: %.0f %% off", p.name, kind, 100*d)
			}
		}
	}
}

// What two replicas cost follows from what one costs and the size of their
// batches: there is no other price to a second one.
func TestTwoReplicasFollowFromOne(t *testing.T) {
	var one, two []point
	for _, p := range points(t) {
		if p.replicas == 1 {
			one = append(one, p)
		} else {
			two = append(two, p)
		}
	}
	if len(one) < 4 || len(two) < 2 {
		t.Fatalf("%d runs of one replica, %d of two", len(one), len(two))
	}
	costs := fit(one)
	for _, p := range two {
		got, want := p.total(costs)
		t.Logf("%-28s %5.0f µs predicted, %5.0f measured (%+.0f %%)", p.name, got, want, 100*(got/want-1))
		if off(got, want) > .25 {
			t.Errorf("%s: %.0f µs instead of %.0f", p.name, got, want)
		}
	}
}

func TestAPlanGrowsWithItsUsers(t *testing.T) {
	small, large := For(Default(1e6)), For(Default(1e8))
	if got := fmt.Sprintf("%.0f %.0f", small.Rate, small.Sockets); got != "1389 300000" {
		t.Error(got)
	}
	if off(large.Disk, 100*small.Disk) > 1e-9 || large.Rate <= small.Rate {
		t.Error("disk and rate are proportional to the users")
	}
	for i, n := range small.Needs {
		if n.Processes > large.Needs[i].Processes || n.Cores > large.Needs[i].Cores || n.Memory > large.Needs[i].Memory {
			t.Errorf("%s: %+v, with more users %+v", n.Name, n, large.Needs[i])
		}
	}
	for i, l := range small.Limits {
		if l.Users <= 0 || i > 0 && l.Users < small.Limits[i-1].Users || off(l.Users, large.Limits[i].Users) > 1e-9 {
			t.Errorf("limit %d: %+v", i, l)
		}
	}
}

func TestNobodyNeedsTheLeast(t *testing.T) {
	for _, n := range For(Default(0)).Needs {
		if n.Processes < 1 || math.IsNaN(n.Cores) || math.IsInf(n.Cores, 0) {
			t.Errorf("%+v", n)
		}
	}
}
