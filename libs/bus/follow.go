package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// followOverlap is how far Follow goes back after an interruption: by time and
// not by sequence, because a broker that lost its store counts from one again.
const followOverlap = 2 * time.Second

var errGap = errors.New("a message was missed")

// Follow delivers every message on subject stored since the given time, then
// the new ones, in order, until ctx ends; then it returns nil. Nothing is
// remembered anywhere: for caches that are filled again at each start. After
// an outage messages may come twice.
func (b *Bus) Follow(ctx context.Context, stream, subject string, since time.Time, handle func(Message)) error {
	for try := 1; ctx.Err() == nil; try++ {
		got, err := b.followOnce(ctx, stream, subject, since, handle)
		if ctx.Err() != nil {
			break
		}
		if got.Add(-followOverlap).After(since) {
			since, try = got.Add(-followOverlap), 1
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			b.repair(ctx, "", stream)
		}
		b.log.Debug("following interrupted; starting again", "stream", stream, "subject", subject, "error", err)
		if !sleep(ctx, redeliveryDelay(try)) {
			break
		}
	}
	return nil
}

// followOnce follows until something is odd; it returns when the last message
// was stored.
func (b *Bus) followOnce(ctx context.Context, stream, subject string, since time.Time, handle func(Message)) (last time.Time, err error) {
	cons, err := b.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		FilterSubject: subject, AckPolicy: jetstream.AckNonePolicy,
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
		InactiveThreshold: time.Minute, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return last, err
	}
	it, err := cons.Messages(jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return last, err
	}
	defer it.Stop()
	for n := uint64(1); ; n++ {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return last, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return last, err
		}
		if meta.Sequence.Consumer != n {
			return last, errGap
		}
		last = meta.Timestamp
		m := decode(msg.Subject(), msg.Headers(), msg.Data())
		m.Stream, m.Seq, m.Tries = meta.Stream, meta.Sequence.Stream, 1
		handle(m)
	}
}
