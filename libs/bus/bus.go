// Package bus is how the services talk: events through JetStream, questions
// and hints through core NATS. With libs/platform it is the only importer of
// nats.go.
//
// NATS is the nervous system, never the truth: everything here may be lost and
// is repaired from the databases. Streams are made when missing, also after the
// broker lost its store; none is ever deleted or shortened.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/errs"
)

// Message is one event. ID is the Nats-Msg-Id and ce-id: the broker drops a
// second message with the same one within its window of five minutes. Stream,
// Seq and Tries (1 = first delivery) are set on messages that came out of a
// stream, not on those from Watch.
type Message struct {
	Subject, ID, Type, Source string
	Time                      time.Time
	Data                      []byte
	Trace                     string // the W3C traceparent of what caused it; "" when nobody follows it
	Stream                    string
	Seq                       uint64
	Tries                     int
}

// Bus is one connection to NATS. Safe for concurrent use.
type Bus struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger

	metrics metrics

	mu        sync.Mutex
	streams   map[string]jetstream.StreamConfig // what EnsureStream was asked for
	listeners map[int]func()
	nextID    int
	waiting   map[*nats.Msg]func(error) // PublishAsync, until ack or error
	watched   map[*operation]context.CancelCauseFunc

	repairing atomic.Bool
	waits     bool // streams and consumers are others' business; set before use
}

// How many PublishAsync may wait for their ack, and for how long.
const (
	maxPending = 16384
	ackTimeout = 5 * time.Second
)

// Connect wraps an open connection and takes over its callbacks. The
// connection stays the caller's: closing it ends the Bus.
func Connect(nc *nats.Conn, log *slog.Logger) (*Bus, error) {
	b := &Bus{
		nc: nc, log: log, metrics: newMetrics(),
		streams:   map[string]jetstream.StreamConfig{},
		listeners: map[int]func(){},
		waiting:   map[*nats.Msg]func(error){},
		watched:   map[*operation]context.CancelCauseFunc{},
	}
	js, err := jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncTimeout(ackTimeout),
		jetstream.WithDefaultTimeout(ackTimeout),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, _ *jetstream.PubAck) { b.settle(m, nil) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { b.settle(m, err) }),
	)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	b.js = js
	nc.SetErrorHandler(b.onError)
	nc.SetDisconnectErrHandler(func(nc *nats.Conn, err error) {
		if nc.IsClosed() {
			return // we hung up ourselves
		}
		log.Warn("NATS connection lost; reconnecting", "error", err)
	})
	nc.SetReconnectHandler(func(nc *nats.Conn) {
		b.metrics.reconnects.Inc()
		log.Info("NATS connection is back", "server", nc.ConnectedUrlRedacted())
		b.repairSoon(allStreams)
		b.disturb()
	})
	return b, nil
}

// SetUpByOthers says that streams and consumers are made by somebody with more
// rights: this connection waits for them and never makes any. Call it before
// anything else.
func (b *Bus) SetUpByOthers() { b.waits = true }

// Connected reports whether the connection is up right now.
func (b *Bus) Connected() bool { return b.nc.IsConnected() }

// Ready is nil when the connection is up: for Unit.Ready.
func (b *Bus) Ready() error {
	if !b.Connected() {
		return errs.New(errs.Unavailable, "not connected to NATS")
	}
	return nil
}

// OnDisturbance calls fn after a reconnect or a slow-consumer signal: messages
// for Watch may have been missed. fn runs on the connection's callback
// goroutine and must return at once.
func (b *Bus) OnDisturbance(fn func()) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := b.nextID
	b.nextID++
	b.listeners[id] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, id)
	}
}

func (b *Bus) disturb() {
	b.mu.Lock()
	fns := make([]func(), 0, len(b.listeners))
	for _, fn := range b.listeners {
		fns = append(fns, fn)
	}
	b.mu.Unlock()
	for _, fn := range fns {
		fn()
	}
}

// onError handles what the server or the client library says outside any call:
// slow consumers, and refused publishes, which otherwise look like timeouts.
func (b *Bus) onError(_ *nats.Conn, sub *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrSlowConsumer):
		subject := ""
		if sub != nil {
			subject = sub.Subject
		}
		b.metrics.slow.Inc()
		b.log.Warn("NATS messages dropped: this process reads too slowly", "subject", subject)
		b.disturb()
	case errors.Is(err, nats.ErrPermissionViolation):
		b.metrics.denied.Inc()
		b.log.Error("NATS refused an operation: is its configuration (nats-auth.conf) as old as this program? 'chatapp secrets' writes it anew, then reload NATS", "error", err)
		b.refuse(err)
	default:
		b.log.Warn("NATS error", "error", err)
	}
}

// unavailable wraps an error of the connection or the broker.
func unavailable(err error) error {
	if errs.Is(err, errs.Unavailable) {
		return err
	}
	e := errs.Wrap(errs.Unavailable, "The message bus cannot be reached right now. Try again in a moment.", err)
	e.RetryAfter = time.Second
	return e
}

// sleep waits for d or until ctx ends; false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
