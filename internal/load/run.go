package load

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// run is a running Plan. One goroutine does everything once it is connected.
type run struct {
	plan    Plan
	nonce   uint32
	start   time.Time
	meter   *meter
	poll    *poller
	flows   []*flow
	sockets []*socket // by person

	free []*flow // open loop: those without a message under way, idle for longest first
	next uint64  // open loop: number of the next message
	held []*flow // closed loop: those that were refused and wait a little

	broken []error // lost connections, and an example of a refusal
	lost   int     // of broken, the lost connections
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
	if err := r.attach(); err != nil {
		return Result{}, err
	}
	r.start = time.Now()
	spent, cancel := watch(ctx, r.start, r.meter, plan.Watch)
	defer cancel()
	if err := r.loop(ctx); err != nil {
		return Result{}, err
	}
	s, err := spent()
	if err != nil {
		return Result{}, err
	}
	return r.result(s), nil
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
			r.sockets[i], err = dialSocket(ctx, t, people[i].Token, "", 4096, source(t, i))
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

// attach gives all connections to the poller: flows by their index, sockets
// behind them.
func (r *run) attach() (err error) {
	if r.poll, err = newPoller(); err != nil {
		return err
	}
	watch := func(w *wire, token int) error {
		if err := w.detach(); err != nil {
			return err
		}
		return r.poll.add(w.fd, token)
	}
	for i, f := range r.flows {
		if err := watch(f.wire, i); err != nil {
			return err
		}
	}
	for i, s := range r.sockets {
		if err := watch(s.wire, len(r.flows)+i); err != nil {
			return err
		}
	}
	if r.plan.Rate > 0 {
		return r.poll.tick(r.due(1))
	}
	return nil
}

func (r *run) close() {
	for _, s := range r.sockets {
		if s != nil {
			s.close()
		}
	}
	for _, f := range r.flows {
		if f != nil {
			f.close()
		}
	}
	if r.poll != nil {
		r.poll.close()
	}
}

func (r *run) now() time.Duration { return time.Since(r.start) }

// pause is how often the loop looks up when nothing arrives.
const pause = 20 * time.Millisecond

// loop sends and receives until the window has ended and everything that was
// sent is answered and has arrived, or patience ends.
func (r *run) loop(ctx context.Context) error {
	if r.plan.Rate > 0 {
		r.free = append(make([]*flow, 0, len(r.flows)), r.flows...)
	} else {
		r.held = append(make([]*flow, 0, len(r.flows)), r.flows...)
	}
	for look := time.Duration(0); ; {
		if now := r.now(); now >= look {
			look = now + pause
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if now >= r.meter.until && (r.settled() || now >= r.meter.until+r.plan.Patience) {
				return nil
			}
			held := r.held
			r.held = r.held[:0]
			for _, f := range held {
				r.again(f)
			}
		}
		tokens, err := r.poll.wait(pause)
		if err != nil {
			return err
		}
		for _, token := range tokens {
			switch {
			case token == timerToken:
			case token < len(r.flows):
				r.answer(r.flows[token])
			default:
				r.push(token - len(r.flows))
			}
		}
		r.pace()
	}
}

func (r *run) settled() bool {
	for _, f := range r.flows {
		if f.fd >= 0 && !f.complete() {
			return false
		}
	}
	return true
}

// again sends the next message of a closed loop.
func (r *run) again(f *flow) {
	if now := r.now(); now < r.meter.until {
		r.post(f, f.current+1, now)
	}
}

// due is when message n of an open loop has to be sent, whatever became of
// those before.
func (r *run) due(n uint64) time.Duration {
	return time.Duration(float64(n) / r.plan.Rate * float64(time.Second))
}

// pace sends what is due in an open loop, each message on the connection that
// has been idle for longest. When all are busy it waits, and that time counts:
// latencies are measured from when a message was due.
func (r *run) pace() {
	if r.plan.Rate == 0 {
		return
	}
	for now := r.now(); len(r.free) > 0; r.next++ {
		at := r.due(r.next)
		if at > now || at >= r.meter.until {
			return
		}
		f := r.free[0]
		copy(r.free, r.free[1:]) // keeps the array
		r.free = r.free[:len(r.free)-1]
		r.post(f, r.next, at)
	}
}

func (r *run) post(f *flow, n uint64, at time.Duration) {
	if f.fd < 0 {
		return // lost while it was idle
	}
	if err := f.post(r.nonce, n, at); err != nil {
		r.lose(f.wire, "POST", err)
	}
}

// lose notes a connection that broke, and does without it.
func (r *run) lose(w *wire, what string, err error) {
	r.broken = append(r.broken, fmt.Errorf("%s: %w", what, err))
	r.lost++
	w.close() // which takes it from the poller
}

// answer reads the answer to a post.
func (r *run) answer(f *flow) {
	if f.fd < 0 {
		return
	}
	err := f.fill()
	if err == nil {
		var a answer
		var n int
		if a, n, err = parseAnswer(f.unread()); n > 0 {
			f.take(n)
			r.judge(f, a)
			return
		}
	}
	if err != nil {
		r.lose(f.wire, "POST", err)
	}
}

// judge takes in what was answered.
func (r *run) judge(f *flow, a answer) {
	f.asking = false
	if a.status == 201 {
		f.accepted++
		r.meter.record(answered, f.sentAt, r.now())
	} else {
		if f.rejected++; f.rejected == 1 {
			r.broken = append(r.broken, fmt.Errorf("POST: %w", statusError{status: a.status, text: fmt.Sprintf("%.300s", a.body)}))
		}
	}
	switch {
	case r.plan.Rate > 0:
		r.free = append(r.free, f)
	case a.status != 201:
		r.held = append(r.held, f) // do not hammer a server that says no
	default:
		r.part(f)
	}
}

// part notes that one of the things has come that a closed loop waits for.
func (r *run) part(f *flow) {
	if f.waiting--; f.waiting == 0 {
		r.again(f)
	}
}

// push takes in what was pushed to one person.
func (r *run) push(person int) {
	s := r.sockets[person]
	if s.fd < 0 {
		return
	}
	if err := s.fill(); err != nil {
		r.lose(s.wire, "WebSocket", err)
		return
	}
	for {
		frame, err := s.text()
		if err != nil {
			r.lose(s.wire, "WebSocket", err)
			return
		}
		if frame == nil {
			return
		}
		r.frame(s, person, frame)
	}
}

func (r *run) frame(s *socket, person int, frame []byte) {
	seq, ok := eventSeq(frame)
	if !ok {
		if bytes.HasPrefix(frame, []byte(`{"type":"resync"`)) || bytes.HasPrefix(frame, []byte(`{"type":"error"`)) {
			r.lose(s.wire, "WebSocket", fmt.Errorf("pushed %.200s", frame))
		}
		return
	}
	if !s.log.see(seq) {
		return
	}
	i := bytes.Index(frame, clientKey)
	if i < 0 {
		return
	}
	index, n, ok := readID(frame[i+len(clientKey):], r.nonce)
	if !ok || index >= len(r.flows) {
		return
	}
	f, side, now := r.flows[index], partner, r.now()
	if person == f.from {
		side = sender
	}
	f.got[side]++
	switch {
	case r.plan.Rate > 0:
		r.meter.record(side, r.due(n), now)
	case n == f.current: // not of a post that was refused and came all the same
		r.meter.record(side, f.sentAt, now)
		r.part(f)
	}
}
