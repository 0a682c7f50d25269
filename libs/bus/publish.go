package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/trace"
)

// Publish stores m in its stream and waits for the ack; without a deadline in
// ctx for five seconds. An error is unavailable: m may or may not be stored,
// and publishing it again with the same ID is safe.
func (b *Bus) Publish(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if m.Trace == "" {
		m.Trace = trace.Traceparent(ctx)
	}
	done := make(chan error, 1)
	if err := b.publish(encode(m), func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		if errors.Is(err, jetstream.ErrNoStreamResponse) && b.repair(ctx, m.Subject, "") {
			return b.publishOnce(ctx, m)
		}
		if unanswered(err) {
			b.repairSoon(m.Subject)
		}
		return wrapPublish(m.Subject, err)
	case <-ctx.Done():
		b.repairSoon(m.Subject)
		return wrapPublish(m.Subject, ctx.Err())
	}
}

// unanswered reports whether err can mean that there is no stream.
func unanswered(err error) bool {
	return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrAsyncPublishTimeout) || errors.Is(err, nats.ErrTimeout)
}

func (b *Bus) publishOnce(ctx context.Context, m Message) error {
	_, err := b.js.PublishMsg(ctx, encode(m))
	return wrapPublish(m.Subject, err)
}

// PublishAsync stores m in its stream and returns at once. done is called
// exactly once, on another goroutine and without blocking others for long: nil
// when the broker acknowledged, an unavailable error when it refused or did not
// answer within five seconds. When PublishAsync itself returns an error (not
// connected, or too many acks outstanding) done is not called.
func (b *Bus) PublishAsync(m Message, done func(error)) error {
	return b.publish(encode(m), func(err error) {
		if unanswered(err) && b.nc.IsConnected() {
			b.repairSoon(m.Subject)
		}
		done(wrapPublish(m.Subject, err))
	})
}

func (b *Bus) publish(msg *nats.Msg, done func(error)) error {
	b.mu.Lock()
	b.waiting[msg] = done
	b.mu.Unlock()
	// While disconnected the client would buffer; better to say so at once.
	if !b.nc.IsConnected() {
		b.forget(msg)
		return unavailable(nats.ErrDisconnected)
	}
	if _, err := b.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(1)); err != nil {
		if b.forget(msg) {
			return wrapPublish(msg.Subject, err)
		}
	}
	return nil
}

// forget drops msg from the waiting ones; false when it was settled already.
func (b *Bus) forget(msg *nats.Msg) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.waiting[msg]
	delete(b.waiting, msg)
	return ok
}

// settle calls the callback of msg, once.
func (b *Bus) settle(msg *nats.Msg, err error) {
	b.mu.Lock()
	done := b.waiting[msg]
	delete(b.waiting, msg)
	b.mu.Unlock()
	if done != nil {
		done(err)
	}
}

func wrapPublish(subject string, err error) error {
	if err == nil {
		return nil
	}
	return unavailable(fmt.Errorf("publish to %s: %w", subject, err))
}

// Broadcast sends data to whoever listens right now (core NATS). Nothing is
// stored, nobody may listen, and none of that is an error. Nor is a refusal by
// NATS, which comes later: it is a line of the log that names the subject.
func (b *Bus) Broadcast(subject string, data []byte) error {
	return b.BroadcastTraced(subject, data, "")
}

// BroadcastTraced is Broadcast of something whose way is followed by the given
// W3C traceparent; "" follows nothing.
func (b *Bus) BroadcastTraced(subject string, data []byte, traceparent string) error {
	if !b.nc.IsConnected() {
		return unavailable(nats.ErrDisconnected)
	}
	msg := nats.Msg{Subject: subject, Data: data}
	if traceparent != "" {
		msg.Header = nats.Header{trace.Header: {traceparent}}
	}
	if err := b.nc.PublishMsg(&msg); err != nil {
		return unavailable(fmt.Errorf("broadcast on %s: %w", subject, err))
	}
	return nil
}
