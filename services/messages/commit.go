package messages

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/trace"
)

const (
	// maxBatch bounds one transaction: large enough that commits, not writes,
	// stop being the limit, small enough to stay within SQLite's parameters.
	maxBatch = 256
	// maxBatchBytes bounds the texts in it: the statements must fit into one
	// packet of the database, 16 MiB at least, in which a text counts twice.
	maxBatchBytes = 4 << 20
	// maxQueued bounds the writes that wait. A database that stalls longer than
	// it takes to fill this answers 503 instead of eating the memory.
	maxQueued = 4096
	// slowCommit is how long a write waits for a transaction under way before
	// it wants one of its own.
	slowCommit = 25 * time.Millisecond
	// commitTimeout bounds one transaction with all its retries.
	commitTimeout = 15 * time.Second
)

// write is one change that waits for its transaction: a post, a read mark (body
// empty, readSeq set) or what is decided of a request.
type write struct {
	where    membership
	sender   id.ID
	by       auditor // the same, for the audit log; unused by a read mark
	clientID id.ID
	body     string
	readSeq  uint64
	decision decision

	span    trace.Span // from the queue to the end of the transaction
	state   atomic.Int32
	outcome outcome
	done    chan struct{}
}

// The states of a write: a caller that gives up may withdraw it only until a
// transaction took it.
const (
	waiting int32 = iota
	taken
	abandoned
)

var errNotCommitted = errors.New("messages: the transaction did not end")

func (w *write) isRead() bool { return w.clientID.IsZero() }

// outcome is what became of a write. It is set anew by every try.
type outcome struct {
	message Message
	replay  bool   // the message was there before
	readSeq uint64 // for a read mark: where it stands now
	lastSeq uint64
	err     error
}

// committer turns concurrent writes into few transactions (group commit).
//
// A committer that is idle takes the first write at once and commits it alone;
// those that arrive meanwhile wait together and become the next transaction.
// So an idle system answers as fast as one commit takes, and a busy one pays
// one commit for hundreds of messages. Its goroutines live only while there is
// something to commit, so nothing has to be started or stopped.
type committer struct {
	store   *store
	publish func(*unit)
	log     *slog.Logger
	metrics *metrics
	tracer  *trace.Tracer
	queue   chan *write
	slots   chan struct{} // one per transaction that may run at once
	usual   atomic.Int64  // writes in the last transaction
}

func newCommitter(s *store, publish func(*unit), parallel int, log *slog.Logger, m *metrics) *committer {
	return &committer{
		store: s, publish: publish, log: log, metrics: m,
		queue: make(chan *write, maxQueued), slots: make(chan struct{}, parallel),
	}
}

// do commits w together with whatever else waits and returns its outcome. An
// error about this write is in the outcome; others in the batch are untouched.
// When ctx ends before a transaction took w, nothing is written.
func (c *committer) do(ctx context.Context, w *write) outcome {
	w.done = make(chan struct{})
	_, w.span = c.tracer.Start(ctx, "commit", trace.Internal)
	select {
	case c.queue <- w:
		c.metrics.queued.Inc()
	default:
		c.metrics.refused.Inc()
		w.span.Fail("queue full")
		w.span.End()
		return outcome{err: &errs.Error{Slug: errs.Unavailable, Detail: "Too many messages are waiting to be saved. Try again in a moment.", RetryAfter: time.Second}}
	}
	patience := time.NewTimer(slowCommit)
	defer patience.Stop()
	if c.enter(false) {
		// Nobody is at it: the first batch is committed right here, which saves
		// an idle system the way to another goroutine and back.
		c.commitTimed(c.take())
		c.leave()
	}
	for {
		select {
		case <-w.done:
			return w.outcome
		case <-patience.C:
			if c.enter(true) {
				go c.drain()
			}
		case <-ctx.Done():
			if w.state.CompareAndSwap(waiting, abandoned) {
				return outcome{err: ctx.Err()}
			}
			<-w.done // it is being committed: its outcome is known in a moment
			return w.outcome
		}
	}
}

// enter takes a slot for a transaction of what waits, unless that can as well
// wait for those that are under way: one more beside them pays only when it is
// about as large, for small ones cost the database most. Who has waited long
// for a transaction that hangs does not wait for it any longer.
func (c *committer) enter(impatient bool) bool {
	if !impatient && len(c.slots) > 0 && len(c.queue) < int(c.usual.Load())/2 {
		return false
	}
	select {
	case c.slots <- struct{}{}:
		return true
	default:
		return false // those at work will see it
	}
}

// leave gives the slot back, or lets it be used for what came meanwhile.
func (c *committer) leave() {
	if len(c.queue) > 0 {
		go c.drain()
		return
	}
	<-c.slots
	// What came between the look and the slot's return was not let in.
	if len(c.queue) > 0 && c.enter(false) {
		go c.drain()
	}
}

// drain commits until nothing waits. It holds a slot and gives it back.
func (c *committer) drain() {
	for len(c.queue) > 0 {
		c.commitTimed(c.take())
	}
	c.leave()
}

// commitTimed commits a batch and tells its callers, whatever happens.
func (c *committer) commitTimed(batch []*write) {
	if len(batch) == 0 {
		return
	}
	defer func() {
		if cause := recover(); cause != nil { // of one batch, not of the process
			c.log.Error("panic in a transaction", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
		for _, w := range batch {
			w.settle(c.metrics)
		}
	}()
	if c.tracer.On() {
		linkSpans(batch)
	}
	c.usual.Store(int64(len(batch)))
	c.metrics.batch.Observe(float64(len(batch)))
	start := time.Now()
	c.commit(context.Background(), batch)
	c.metrics.seconds.Observe(time.Since(start).Seconds())
}

// settle tells the caller of w that its outcome stands.
func (w *write) settle(m *metrics) {
	if w.outcome.err != nil {
		m.failed.Inc()
		w.span.Fail("not committed")
	}
	w.span.End()
	close(w.done)
}

// linkSpans says of the writes that are traced which transaction they share:
// the first one's span stands for it.
func linkSpans(batch []*write) {
	first := batch[0].span
	for _, w := range batch {
		w.span.Int("chat.batch", len(batch))
		if w != batch[0] {
			w.span.Link(first)
			first.Link(w.span)
		}
	}
}

// take returns the writes that wait now, up to the bounds of a transaction.
func (c *committer) take() []*write {
	var batch []*write
	for size := 0; len(batch) < maxBatch && size < maxBatchBytes; {
		select {
		case w := <-c.queue:
			c.metrics.queued.Dec()
			if w.state.CompareAndSwap(waiting, taken) {
				w.outcome.err = errNotCommitted // stands should the commit panic
				batch, size = append(batch, w), size+len(w.body)
			}
		default:
			return batch
		}
	}
	return batch
}

// commit writes the batch. Should the transaction fail for a reason that may
// lie in one write, it is tried in halves, so that in the end that one fails
// alone.
func (c *committer) commit(ctx context.Context, batch []*write) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	u, err := c.store.commit(ctx, batch)
	if err == nil {
		if len(u.entries) > 0 {
			c.publish(u)
		}
		return
	}
	if len(batch) == 1 || errs.Is(err, errs.Unavailable) {
		for _, w := range batch {
			w.outcome = outcome{err: err}
		}
		return
	}
	c.log.Error("a batch could not be committed; trying each half of it", "writes", len(batch), "error", err)
	c.commit(ctx, batch[:len(batch)/2])
	c.commit(ctx, batch[len(batch)/2:])
}
