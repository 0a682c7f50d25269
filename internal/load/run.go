package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Result is what one run measured.
type Result struct {
	Plan
	PerSecond float64  `json:"messages_per_second"` // accepted and at both sides
	Push      Latency  `json:"send_to_partner"`
	Accept    Latency  `json:"send_to_201"`
	Driver    float64  `json:"driver_us_per_message"` // CPU of this program
	Cost      []Cost   `json:"cost,omitempty"`        // of Plan.Watch
	Failures  Failures `json:"failures"`
}

// Cost is what one process spent in the measured window.
type Cost struct {
	Name  string  `json:"name"`
	CPU   float64 `json:"cpu_seconds_per_1000"`
	Cores float64 `json:"cores"` // used on average
	RSS   int64   `json:"rss_bytes"`
}

// Failures are what must all be zero, over the whole run with its warm-up.
type Failures struct {
	Missing    uint64 `json:"missing"`    // accepted, but a push never came
	Duplicated int    `json:"duplicated"` // pushes that came more than once
	Disorders  int    `json:"disorders"`  // pushes that came too late
	Rejected   uint64 `json:"rejected"`   // posts not answered 201
	Broken     int    `json:"broken"`     // connections lost
	First      string `json:"first,omitempty"`
}

// None reports whether nothing failed.
func (f Failures) None() bool {
	return f.Missing == 0 && f.Duplicated == 0 && f.Disorders == 0 && f.Rejected == 0 && f.Broken == 0
}

// run is a running Plan.
type run struct {
	plan    Plan
	nonce   uint32
	start   time.Time
	meter   *meter
	flows   []*flow
	sockets []*socket // by person
	free    chan *flow
	stopped context.Context // ends with the last push, or when patience ends

	mu     sync.Mutex
	broken []error
}

// Run carries out a plan with people, two for each pair. The error says why
// nothing could be measured; what the server did wrong is in Result.Failures.
func Run(ctx context.Context, t Target, people []Person, plan Plan) (Result, error) {
	if err := plan.check(); err != nil {
		return Result{}, err
	}
	r := &run{plan: plan, nonce: rand.Uint32N(maxRun), meter: newMeter(plan.Warmup, plan.Warmup+plan.Duration)}
	defer r.close()
	if err := r.connect(ctx, t, people); err != nil {
		return Result{}, err
	}
	return r.measure(ctx)
}

func (r *run) connect(ctx context.Context, t Target, people []Person) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	pairs := min(r.plan.Pairs, r.plan.Senders)
	r.sockets, r.flows = make([]*socket, 2*pairs), make([]*flow, r.plan.Senders)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range r.sockets {
		group.Go(func() (err error) {
			r.sockets[i], err = dialSocket(ctx, t, people[i].Token, "", 4096, nil)
			return err
		})
	}
	for i := range r.flows {
		group.Go(func() (err error) {
			// The second round of senders on a pair writes the other way, and so on.
			from := 2*(i%pairs) + i/pairs%2
			r.flows[i], err = newFlow(ctx, t, i, from, people[from], people[from^1], r.plan.Size)
			return err
		})
	}
	return group.Wait()
}

func (r *run) close() {
	for _, s := range r.sockets {
		if s != nil {
			s.conn.Close()
		}
	}
	for _, f := range r.flows {
		if f != nil {
			f.http.conn.Close()
		}
	}
}

func (r *run) now() time.Duration { return time.Since(r.start) }

// measure starts everything, looks at the processes when the window begins and
// ends, and waits for what is still under way.
func (r *run) measure(ctx context.Context) (Result, error) {
	stopped, stop := context.WithCancel(ctx)
	defer stop()
	r.stopped, r.start = stopped, time.Now()
	var readers, writers sync.WaitGroup
	for i, s := range r.sockets {
		readers.Go(func() { r.read(i, s) })
	}
	r.write(&writers)
	var before, after []usage
	var cpu time.Duration
	err := r.at(ctx, r.meter.from, func() (err error) {
		cpu = ownCPU()
		before, err = usages(r.plan.Watch)
		return err
	})
	if err == nil {
		err = r.at(ctx, r.meter.until, func() (err error) {
			cpu = ownCPU() - cpu
			after, err = usages(r.plan.Watch)
			return err
		})
	}
	if err == nil {
		r.settle(ctx, r.plan.Patience)
	}
	stop()
	r.close()
	writers.Wait()
	readers.Wait()
	if err != nil {
		return Result{}, err
	}
	return r.result(cpu, before, after), ctx.Err()
}

// at calls f at a time of the run.
func (r *run) at(ctx context.Context, when time.Duration, f func() error) error {
	select {
	case <-time.After(when - r.now()):
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle waits until everything that was accepted has arrived, for as long as
// patience lasts.
func (r *run) settle(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		under := r.underWay()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !under && !r.underWay() {
				return
			}
		}
	}
}

// underWay reports whether an answer or a push is still to come.
func (r *run) underWay() bool {
	for _, f := range r.flows {
		if f.current.Load() > f.accepted.Load()+f.rejected.Load() && r.plan.Rate == 0 {
			return true
		}
		for side := range f.got {
			if f.got[side].Load() < f.accepted.Load() {
				return true
			}
		}
	}
	return r.plan.Rate > 0 && len(r.free) < len(r.flows)
}

// failed notes a connection that broke, unless the run is over.
func (r *run) failed(what string, err error) {
	if r.stopped.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = append(r.broken, fmt.Errorf("%s: %w", what, err))
}

// read takes in what is pushed to one person.
func (r *run) read(person int, s *socket) {
	for {
		_, payload, err := s.next()
		if err != nil {
			r.failed("WebSocket", err)
			return
		}
		now := r.now()
		seq, ok := eventSeq(payload)
		if !ok {
			if bytes.HasPrefix(payload, []byte(`{"type":"resync"`)) || bytes.HasPrefix(payload, []byte(`{"type":"error"`)) {
				r.failed("WebSocket", fmt.Errorf("pushed %.200s", payload))
			}
			continue
		}
		s.log.see(seq)
		i := bytes.Index(payload, clientKey)
		if i < 0 {
			continue
		}
		if index, n, ok := readID(payload[i+len(clientKey):], r.nonce); ok && index < len(r.flows) {
			r.pushed(r.flows[index], person, n, now)
		}
	}
}

// pushed takes in that message n of f came to person.
func (r *run) pushed(f *flow, person int, n uint64, now time.Duration) {
	side := partner
	if person == f.from {
		side = sender
	}
	f.got[side].Add(1)
	if r.plan.Rate > 0 {
		r.meter.record(side, r.due(n), now)
		return
	}
	if n != f.current.Load() {
		return // of a post that was given up
	}
	r.meter.record(side, time.Duration(f.sentAt.Load()), now)
	if f.waiting.Add(-1) == 0 {
		f.done <- struct{}{}
	}
}

// answered reads the answer to the message under way; false ends the flow.
func (r *run) answered(f *flow) (accepted, goOn bool) {
	status, err := f.http.response()
	if err != nil {
		r.failed("POST", err)
		return false, false
	}
	if status != 201 {
		if f.rejected.Add(1) == 1 {
			r.mu.Lock()
			r.broken = append(r.broken, rejectedError{status, string(f.http.said)})
			r.mu.Unlock()
		}
		return false, true
	}
	r.meter.record(sides, time.Duration(f.sentAt.Load()), r.now())
	f.accepted.Add(1)
	return true, true
}

// rejectedError is an example of an answer that was not 201.
type rejectedError struct {
	status int
	text   string
}

func (e rejectedError) Error() string { return fmt.Sprintf("POST answered %d %s", e.status, e.text) }

// write starts the senders.
func (r *run) write(writers *sync.WaitGroup) {
	if r.plan.Rate == 0 {
		for _, f := range r.flows {
			writers.Go(func() { r.closed(f) })
		}
		return
	}
	r.free = make(chan *flow, len(r.flows))
	for _, f := range r.flows {
		r.free <- f
		writers.Go(func() { r.answers(f) })
	}
	writers.Go(r.pace)
}

// closed sends one message after the other, each when the one before was
// accepted and has arrived at both sides.
func (r *run) closed(f *flow) {
	for n := uint64(1); ; n++ {
		now := r.now()
		if now >= r.meter.until {
			return
		}
		f.waiting.Store(sides)
		if err := f.send(r.nonce, n, now); err != nil {
			r.failed("POST", err)
			return
		}
		accepted, goOn := r.answered(f)
		if !goOn {
			return
		}
		if !accepted { // do not hammer a server that says no
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-r.stopped.Done():
				return
			}
		}
		select {
		case <-f.done:
		case <-r.stopped.Done():
			return
		}
	}
}

// due is when message n of an open loop has to be sent, whatever became of
// those before.
func (r *run) due(n uint64) time.Duration {
	return time.Duration(float64(n) / r.plan.Rate * float64(time.Second))
}

// pace sends at a constant rate, each message on the connection that has been
// idle for longest. When all are busy the message waits, and that time counts:
// latencies are measured from the time a message was due.
func (r *run) pace() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := uint64(0); r.due(n) < r.meter.until && r.stopped.Err() == nil; n++ {
		sleepUntil(r.start.Add(r.due(n)))
		select {
		case f := <-r.free:
			if err := f.send(r.nonce, n, r.due(n)); err != nil {
				r.failed("POST", err)
				return
			}
		case <-r.stopped.Done():
			return
		}
	}
}

// answers reads the answers of one flow of an open loop.
func (r *run) answers(f *flow) {
	for {
		if _, goOn := r.answered(f); !goOn {
			return
		}
		r.free <- f
	}
}

// result adds everything up.
func (r *run) result(cpu time.Duration, before, after []usage) Result {
	m, seconds := r.meter, r.plan.Duration.Seconds()
	complete := min(m.counted[sender].Load(), m.counted[partner].Load(), m.counted[sides].Load())
	res := Result{Plan: r.plan, PerSecond: float64(complete) / seconds, Push: latency(m.push), Accept: latency(m.accept)}
	per := float64(max(complete, 1))
	res.Driver = float64(cpu.Microseconds()) / per
	for i, p := range r.plan.Watch {
		used := (after[i].cpu - before[i].cpu).Seconds()
		res.Cost = append(res.Cost, Cost{Name: p.Name, CPU: used / per * 1000, Cores: used / seconds, RSS: after[i].rss})
	}
	fail := &res.Failures
	for _, f := range r.flows {
		fail.Rejected += f.rejected.Load()
		for side := range f.got {
			if accepted, got := f.accepted.Load(), f.got[side].Load(); got < accepted {
				fail.Missing += accepted - got
			}
		}
	}
	for _, s := range r.sockets {
		fail.Duplicated += s.log.duplicated
		fail.Disorders += s.log.disorders
	}
	for _, err := range r.broken {
		if fail.First == "" {
			fail.First = err.Error()
		}
		if rejected := (rejectedError{}); !errors.As(err, &rejected) {
			fail.Broken++
		}
	}
	if complete == 0 {
		fail.Broken++
		if fail.First == "" {
			fail.First = "not one message went through"
		}
	}
	return res
}
