package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/errs"
	"chatapp/libs/trace"
)

// How consumers pull, and how long a handler may take.
const (
	pullExpiry    = 2 * time.Second // a dead leader is noticed within this
	pullHeartbeat = time.Second
	ackWait       = 30 * time.Second
	handleTimeout = 25 * time.Second // less than ackWait: no second delivery while one runs
	defaultTries  = 8
)

// Consumer describes a durable consumer.
type Consumer struct {
	Stream, Durable string
	Subject         string // filter; empty = all of the stream
	MaxTries        int    // 0 = 8
	// Dead keeps a message that will not be tried again; it is taken out of the
	// stream's care only when Dead returns nil. nil: logged and dropped.
	Dead func(context.Context, Message, error) error
}

// Consume delivers each message of the stream to handle, one at a time, until
// ctx ends (then it returns nil) or the stream cannot be consumed at all, e.g.
// because of a bad filter.
//
// nil from handle acknowledges. An error, or a panic, brings the message again
// after a growing pause, other messages meanwhile; after c.MaxTries, or at once
// when the error has slug invalid-body, c.Dead gets it. handle has 25 s. It
// must be idempotent: after a crash a message comes again. A consumer that was
// lost with the broker's store is made again and starts at the beginning.
func (b *Bus) Consume(ctx context.Context, c Consumer, handle func(context.Context, Message) error) error {
	if c.MaxTries <= 0 {
		c.MaxTries = defaultTries
	}
	for try := 0; ctx.Err() == nil; try++ {
		began := time.Now()
		err := b.consumeOnce(ctx, c, handle)
		if ctx.Err() != nil {
			break
		}
		if bad, ok := errors.AsType[*jetstream.APIError](err); ok && bad.Code == 400 {
			return fmt.Errorf("consumer %s on %s: %w", c.Durable, c.Stream, err)
		}
		if time.Since(began) > time.Minute {
			try = 0
		}
		b.log.Warn("consumer interrupted; starting it again", "stream", c.Stream, "durable", c.Durable, "error", err)
		if !sleep(ctx, redeliveryDelay(try+1)) {
			break
		}
	}
	return nil
}

func (b *Bus) consumeOnce(ctx context.Context, c Consumer, handle func(context.Context, Message) error) error {
	cons, err := b.durable(ctx, c)
	if err != nil {
		return err
	}
	it, err := cons.Messages(
		jetstream.PullMaxMessages(64),
		jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat),
	)
	if err != nil {
		return err
	}
	defer handBack(it)
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if errors.Is(err, jetstream.ErrNoHeartbeat) && ctx.Err() == nil {
			// A leader change or a short outage: the iterator pulls again. A
			// consumer that is gone for good is found by asking for it.
			if _, err := cons.Info(ctx); errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		b.deliver(ctx, c, msg, handle)
	}
}

// handBack ends it and returns what was fetched but not handled, so that
// another replica gets it now and not when ackWait is over.
func handBack(it jetstream.MessagesContext) {
	it.Drain()
	for {
		msg, err := it.Next(jetstream.NextMaxWait(pullExpiry))
		if err != nil {
			return // drained, or the connection is gone
		}
		if err := msg.Nak(); err != nil {
			return
		}
	}
}

// durable makes the consumer, or waits for it where others set things up.
func (b *Bus) durable(ctx context.Context, c Consumer) (jetstream.Consumer, error) {
	if b.waits {
		ctx, done := b.untilRefused(ctx, operation{publishing, "$JS.API.CONSUMER.INFO." + c.Stream + "." + c.Durable})
		defer done()
		cons, err := b.js.Consumer(ctx, c.Stream, c.Durable)
		return cons, refusedOr(ctx, err)
	}
	cons, err := b.ensureDurable(ctx, c)
	if errors.Is(err, jetstream.ErrStreamNotFound) && b.repair(ctx, "", c.Stream) {
		cons, err = b.ensureDurable(ctx, c)
	}
	return cons, err
}

func (b *Bus) ensureDurable(ctx context.Context, c Consumer) (jetstream.Consumer, error) {
	return b.js.CreateOrUpdateConsumer(ctx, c.Stream, jetstream.ConsumerConfig{
		Durable: c.Durable, FilterSubject: c.Subject,
		AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait: ackWait, MaxAckPending: 1024,
		// We count the tries: the server would drop the message after the last
		// one even when nobody could put it among the dead letters.
		MaxDeliver: -1,
	})
}

// EnsureConsumer makes the durable consumer of c, or brings it up to date.
func (b *Bus) EnsureConsumer(ctx context.Context, c Consumer) error {
	if _, err := b.ensureDurable(ctx, c); err != nil {
		return unavailable(fmt.Errorf("consumer %s on %s: %w", c.Durable, c.Stream, err))
	}
	return nil
}

// deliver hands one message to handle and tells the server what came of it. A
// lost ack only means another delivery, so its error is for the log.
func (b *Bus) deliver(ctx context.Context, c Consumer, msg jetstream.Msg, handle func(context.Context, Message) error) {
	m := decode(msg.Subject(), msg.Headers(), msg.Data())
	if meta, err := msg.Metadata(); err == nil {
		m.Stream, m.Seq, m.Tries = meta.Stream, meta.Sequence.Stream, int(min(meta.NumDelivered, math.MaxInt32))
	}
	ctx, cancel := context.WithTimeout(trace.WithTraceparent(ctx, msg.Headers().Get(trace.Header)), handleTimeout)
	defer cancel()
	var err error
	if m.Tries > c.MaxTries {
		err = fmt.Errorf("delivered %d times without an answer", m.Tries-1)
	} else {
		err = protect(func() error { return handle(ctx, m) })
	}
	log := b.log.With("stream", m.Stream, "durable", c.Durable, "subject", m.Subject, "id", m.ID, "tries", m.Tries)
	var answer error
	outcome := outcomeRetry
	switch {
	case err == nil:
		outcome = outcomeOK
		answer = msg.Ack()
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		answer = msg.NakWithDelay(0) // shutting down: the next process takes it
	case m.Tries < c.MaxTries && !errs.Is(err, errs.InvalidBody):
		log.Warn("event failed; it will be tried again", "error", err)
		answer = msg.NakWithDelay(redeliveryDelay(m.Tries))
	default:
		outcome = outcomeDead
		answer = b.bury(ctx, c, m, msg, err)
	}
	b.metrics.handled.WithLabelValues(c.Stream, c.Durable, outcome).Inc()
	if answer != nil {
		log.Warn("could not tell NATS the outcome of an event", "error", answer)
	}
}

func (b *Bus) bury(ctx context.Context, c Consumer, m Message, msg jetstream.Msg, cause error) error {
	b.log.Error("event given up", "stream", m.Stream, "durable", c.Durable, "subject", m.Subject, "id", m.ID, "error", cause)
	if c.Dead != nil {
		if err := protect(func() error { return c.Dead(ctx, m, cause) }); err != nil {
			b.log.Error("dead letter could not be kept; the event will come again", "id", m.ID, "error", err)
			return msg.NakWithDelay(redeliveryDelay(m.Tries))
		}
	}
	return msg.TermWithReason("dead letter")
}

// redeliveryDelay is the pause after the given failed try: 200 ms, doubling,
// up to 30 s, with a fifth of jitter.
func redeliveryDelay(try int) time.Duration {
	d := min(30*time.Second, 100*time.Millisecond<<min(max(try, 1), 10))
	return d - rand.N(d/5)
}

// protect turns a panic into an error: one bad event must not end the process.
func protect(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn()
}
