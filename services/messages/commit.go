package messages

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

const (
	// maxBatch bounds one transaction: large enough that commits, not writes,
	// stop being the limit, small enough to stay within SQLite's parameters.
	maxBatch = 256
	// maxQueued bounds the writes that wait. A database that stalls longer than
	// it takes to fill this answers 503 instead of eating the memory.
	maxQueued = 4096
	// commitTimeout bounds one transaction with all its retries.
	commitTimeout = 15 * time.Second
)

// write is one change that waits for its transaction: a post, or a read mark
// (Body empty, ReadSeq set).
type write struct {
	where    membership
	sender   id.ID
	clientID id.ID
	body     string
	readSeq  uint64

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
// one commit for hundreds of messages.
type committer struct {
	store   *store
	publish func(outbox.Row, []bus.Message)
	log     *slog.Logger
	metrics *metrics
	queue   chan *write
	slots   chan struct{} // one per transaction that may run at once
}

func newCommitter(s *store, publish func(outbox.Row, []bus.Message), parallel int, log *slog.Logger, m *metrics) *committer {
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
	select {
	case c.queue <- w:
		c.metrics.queued.Inc()
	default:
		return outcome{err: &errs.Error{Slug: errs.Unavailable, Detail: "Too many messages are waiting to be saved. Try again in a moment.", RetryAfter: time.Second}}
	}
	// Whoever gets a slot commits for everybody who waits: no goroutine of its
	// own is needed, and nothing has to be started or stopped.
	for {
		select {
		case <-w.done:
			return w.outcome
		case c.slots <- struct{}{}:
			c.commitWaiting(context.WithoutCancel(ctx))
		case <-ctx.Done():
			if w.state.CompareAndSwap(waiting, abandoned) {
				return outcome{err: ctx.Err()}
			}
			<-w.done // it is being committed: its outcome is known in a moment
			return w.outcome
		}
	}
}

// commitWaiting takes what is in the queue now, up to maxBatch, and commits it.
// It holds a slot and gives it back.
func (c *committer) commitWaiting(ctx context.Context) {
	batch := c.take()
	defer func() {
		<-c.slots
		for _, w := range batch {
			close(w.done)
		}
	}()
	if len(batch) == 0 {
		return // another transaction took everything while we waited for the slot
	}
	c.metrics.batch.Observe(float64(len(batch)))
	start := time.Now()
	c.commit(ctx, batch)
	c.metrics.seconds.Observe(time.Since(start).Seconds())
}

func (c *committer) take() []*write {
	var batch []*write
	for len(batch) < maxBatch {
		select {
		case w := <-c.queue:
			c.metrics.queued.Dec()
			if w.state.CompareAndSwap(waiting, taken) {
				w.outcome.err = errNotCommitted // stands should the commit panic
				batch = append(batch, w)
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
	row, events, err := c.store.commit(ctx, batch)
	if err == nil {
		if len(events) > 0 {
			c.publish(row, events)
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
