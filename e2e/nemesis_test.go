package e2e

import (
	"flag"
	"strings"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/e2e/nemesis"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "seed of TestFaults; 0 draws one")
	faultsFlag = flag.Int("faults", 16, "how many faults TestFaults injects")
	outageFlag = flag.Duration("outage", 8*time.Second, "how long the whole broker is away in TestFaults")
	firstFlag = flag.String("first", "", "x")
)

func TestFaults(t *testing.T) {
	w := harness.ServicesApart(t)
	s, err := nemesis.NewStage(t.Context(), w, t.Logf)
	must(t, err)
	var first []string
	if *firstFlag != "" { first = strings.Split(*firstFlag, ",") }
	events, err := s.Run(t.Context(), nemesis.Plan{Seed: *seedFlag, Faults: *faultsFlag, First: first, Outage: *outageFlag}, func(string) func() { return func() {} })
	if err != nil { t.Error(err) }
	_ = events
	runEdges(t, w)
}
