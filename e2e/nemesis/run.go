package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Plan says what a run breaks. The same plan on the same catalogue is the same
// sequence of faults.
type Plan struct {
	Seed   uint64
	Faults int           // how many, at least; mixed ones count each part
	First  []string      // kinds that come first and always, in this order
	Outage time.Duration // of the kind "broker outage"
}

// People are who use the system meanwhile; it is the Run of internal/verify.
type People interface {
	// Fault notes that a fault of a kind begins, and returns what notes that its
	// cause is gone.
	Fault(kind string) (healed func())
	// CaughtUp waits until every device has everything there is by now.
	CaughtUp(ctx context.Context) error
}

// Mixed is the kind under which overlapping faults are noted.
const Mixed = "mixed"

// Event is one fault, or several at once, that happened.
type Event struct {
	Kind   string        `json:"kind"`
	Faults []string      `json:"faults"` // kind and what it hit
	Held   time.Duration `json:"held_ns"`
	// Whole is the time from the end of the cause until every process of ours was
	// ready, a probe message had been posted and pushed, and every device of the
	// people had caught up.
	Whole time.Duration `json:"whole_ns"`
	// Requests of the constant-rate client from the start of the fault until
	// the system was whole: none is repeated.
	Requests answers `json:"requests"`
}

// step is one entry of the schedule.
type step struct {
	kind   string
	faults []Fault
	holds  []time.Duration
	seeds  []uint64
}

// steps draws the schedule of a plan: first what must come, then every kind
// once in random order, then random sets of kinds that share no part, a quarter
// of them empty.
func (p Plan) steps() ([]step, error) {
	all, _ := Catalogue(p.Outage)
	rng := rand.New(rand.NewPCG(p.Seed, 1))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var schedule []step
	drawn := 0
	add := func(kind string, faults ...Fault) {
		s := step{kind: kind, faults: faults}
		for _, f := range faults {
			s.holds = append(s.holds, f.Min+time.Duration(rng.Int64N(int64(f.Max-f.Min)+1)))
			s.seeds = append(s.seeds, rng.Uint64())
		}
		schedule, drawn = append(schedule, s), drawn+len(faults)
	}
	for _, kind := range p.First {
		i := slices.IndexFunc(all, func(f Fault) bool { return f.Kind == kind })
		if i < 0 {
			return nil, fmt.Errorf("no fault of kind %q; there are %v", kind, Kinds(all))
		}
		add(kind, all[i])
		all = append(all[:i:i], all[i+1:]...)
	}
	for _, f := range all {
		if drawn >= p.Faults-mixedShare(p.Faults) {
			break
		}
		add(f.Kind, f)
	}
	all, _ = Catalogue(0)
	for drawn < p.Faults {
		add(Mixed, subset(rng, all)...)
	}
	return schedule, nil
}

// Check says what is wrong with a plan: a kind that does not exist.
func (p Plan) Check() error {
	_, err := p.steps()
	return err
}

// mixedShare is how many faults of a run come overlapping.
func mixedShare(faults int) int { return faults / 6 }

// subset draws up to three faults that share no part; a quarter of the time
// none.
func subset(rng *rand.Rand, all []Fault) (chosen []Fault) {
	if rng.IntN(4) == 0 {
		return nil
	}
	taken := map[Part]bool{}
	for size := 1 + rng.IntN(3); len(chosen) < size; {
		f := all[rng.IntN(len(all))]
		if slices.ContainsFunc(f.Breaks, func(p Part) bool { return taken[p] }) {
			size-- // rather a smaller set than a search without end
			continue
		}
		for _, p := range f.Breaks {
			taken[p] = true
		}
		chosen = append(chosen, f)
	}
	return chosen
}

// Kinds lists the kinds of faults.
func Kinds(faults []Fault) (kinds []string) {
	for _, f := range faults {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// wholeWithin is how long the system may take after a fault to be whole again.
// Invariant I7 asks for 30 s; starting the processes of race builds on a busy
// machine comes on top.
const wholeWithin = 60 * time.Second

// Run breaks things as planned until all of it happened. It stops at the first
// fault from which the system does not recover; other wrong reactions are
// collected. The stage's probe runs as long as ctx.
func (s *Stage) Run(ctx context.Context, p Plan, people People) (events []Event, err error) {
	schedule, err := p.steps()
	if err != nil {
		return nil, err
	}
	if err := s.probe.start(ctx); err != nil {
		return nil, fmt.Errorf("the probe: %w", err)
	}
	var wrong []error
	for i, st := range schedule {
		e, err := s.step(ctx, st, people)
		events = append(events, e)
		s.Log("fault %d/%d %s (%s): held %v, whole after %v, %d of %d requests failed, longest %v", i+1, len(schedule), e.Kind, strings.Join(e.Faults, "; "),
			e.Held.Round(time.Millisecond), e.Whole.Round(time.Millisecond), e.Requests.Failed, e.Requests.Sent, e.Requests.Longest.Round(time.Millisecond))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("fault %d, %s %v: %w", i+1, e.Kind, e.Faults, err))
		}
		// A post whose retry is waiting, half a second at most, is no part of the
		// next fault.
		if errors.Is(err, errBroken) || !pause(ctx, 600*time.Millisecond) {
			break
		}
	}
	return events, errors.Join(wrong...)
}

// none stands for the faults of an empty set.
const none = "none"

// errBroken says that the system did not recover.
var errBroken = errors.New("the system is not whole again")

// step makes one entry of the schedule happen, ends it, and waits until the
// system is whole.
func (s *Stage) step(ctx context.Context, st step, people People) (Event, error) {
	e := Event{Kind: st.kind}
	healed := people.Fault(st.kind)
	began := time.Now()
	var heals []Heal
	var wrong []error
	var hold time.Duration
	for i, f := range st.faults {
		on, heal, err := f.Inject(withChoices(ctx, st.seeds[i]), s)
		if heal != nil {
			heals = append(heals, heal)
		}
		if on == "" {
			on = "?"
		}
		e.Faults = append(e.Faults, f.Kind+": "+on)
		wrong = append(wrong, err)
		hold = max(hold, st.holds[i])
	}
	if len(st.faults) == 0 {
		e.Faults, hold = []string{none}, 3*time.Second
	}
	pause(ctx, hold)
	for _, heal := range heals {
		wrong = append(wrong, heal(ctx))
	}
	end := time.Now()
	healed()
	e.Held = end.Sub(began)
	limited, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	err := s.probe.whole(limited)
	if err == nil {
		err = people.CaughtUp(limited)
	}
	e.Whole = time.Since(end)
	e.Requests = s.probe.between(began, time.Now())
	// The brokers may need longer than ChatApp, which works without them.
	if err = errors.Join(err, s.tendBrokers(ctx)); err != nil {
		wrong = append(wrong, fmt.Errorf("%w: %w", errBroken, err))
	}
	return e, errors.Join(wrong...)
}
