// Package verify is simulated people who use a running ChatApp and write down
// what happens, for package check to judge.
//
//	verify.go   Options, Start, Fault, Progress, Finish
//	people.go   signing up, conversations, keeping sessions alive
//	device.go   a device: sockets and streams that break and come back
//	work.go     posts with their retries, reads, read marks
//	finish.go   waiting for rest and reading everything back
//	record.go   the history
//
// It knows ChatApp only through internal/client, that is through its API.
package verify

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// Options of a run.
type Options struct {
	Sites   []client.Site // ways in; each client knows all and moves on when one fails
	People  int           // temporary accounts, at least 2; ignored when Accounts are given
	Devices int           // per person, at least 1
	Rate    float64       // posts a second, of all people together
	Seed    uint64
	// Accounts are existing people to use instead of temporary ones, at least 2.
	Accounts []Account
	// History gets every operation as a line of JSON at once; nil = none.
	History io.Writer
	// Say is told what takes long, in a sentence; nil = nobody.
	Say func(string)
}

// Account is an existing person.
type Account struct{ Login, Password string }

// Run is a run that is under way. Safe for concurrent use.
type Run struct {
	o      Options
	rec    *recorder
	people []*person
	talks  []*talk

	jobs    chan func(context.Context)
	gets    chan get
	writing context.Context
	settled chan struct{} // closed: devices stay connected from now on
	stop    struct{ writing, all context.CancelFunc }
	writers sync.WaitGroup
	others  sync.WaitGroup
}

// Progress are counters. Attempted and Acked count the repetitions that people
// send on purpose; the report at the end counts messages.
type Progress struct {
	Elapsed    time.Duration `json:"elapsed_ns"`
	Attempted  int           `json:"attempted"`
	Acked      int           `json:"acked"`
	Refused    int           `json:"refused"`
	Unknown    int           `json:"unknown"`
	Retries    int           `json:"retries"` // attempts that had no good answer
	Pushed     int           `json:"pushed"`
	Reconnects int           `json:"reconnects"`
	Faults     int           `json:"faults"`
}

// Start signs people up, opens their conversations, connects every device and
// lets them write, read and reconnect until Finish is called or ctx ends. An
// error means that the run could not begin.
func Start(ctx context.Context, o Options) (*Run, error) {
	if len(o.Sites) == 0 {
		return nil, fmt.Errorf("no address to connect to")
	}
	o.People, o.Devices = max(2, o.People), max(1, o.Devices)
	if n := len(o.Accounts); n > 0 {
		o.People = n
	}
	if o.Rate <= 0 {
		o.Rate = 20
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	r := &Run{
		o: o, rec: newRecorder(o.History), jobs: make(chan func(context.Context)), gets: make(chan get, 256), settled: make(chan struct{}),
	}
	all, stop := context.WithCancel(ctx)
	r.stop.all = stop
	r.writing, r.stop.writing = context.WithCancel(all)
	if err := r.begin(all); err != nil {
		r.stop.writing()
		stop()
		r.others.Wait()
		return nil, err
	}
	return r, nil
}

func (r *Run) begin(ctx context.Context) error {
	if err := r.signIn(ctx); err != nil {
		return err
	}
	if err := r.openTalks(ctx); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	for range 2 {
		r.others.Go(func() { r.getPushed(ctx) })
	}
	for range min(256, max(16, 4*len(r.people))) {
		r.writers.Go(func() {
			for job := range r.jobs {
				job(ctx)
			}
		})
	}
	r.others.Go(r.pace)
	return nil
}

// random is the source of one actor's choices: the same in every run with the
// same seed, whatever the others do.
func (r *Run) random(actor uint64) *rand.Rand {
	return rand.New(rand.NewPCG(r.o.Seed, actor))
}

// Fault marks the beginning of a fault of the given kind; healed marks that its
// cause is gone and may be called once.
func (r *Run) Fault(kind string) (healed func()) {
	n := r.rec.number()
	r.rec.add(check.Op{Kind: check.Fault, Name: kind, N: n})
	return func() { r.rec.add(check.Op{Kind: check.Heal, Name: kind, N: n}) }
}

// Drop cuts the connections of all devices at once, without a close frame.
func (r *Run) Drop() {
	for _, p := range r.people {
		for _, d := range p.devices {
			d.drop()
		}
	}
}

// Calm waits until every device is connected: the moment for the next fault
// when faults are to be told apart.
func (r *Run) Calm(ctx context.Context) error {
	for _, p := range r.people {
		for _, d := range p.devices {
			if err := d.wait(ctx, func() bool { return d.connected }); err != nil {
				return fmt.Errorf("device %s is not connected: %w", d.name, err)
			}
		}
	}
	return nil
}

// Progress returns the counters so far.
func (r *Run) Progress() Progress { return r.rec.progress() }
