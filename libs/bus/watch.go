package bus

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

// watchBuffer is how many messages wait between the connection and the
// watcher's handler before further ones are dropped (a disturbance).
const watchBuffer = 8192

// Watcher is interest in a changing set of subjects, all delivered to one
// handler. Safe for concurrent use.
type Watcher struct {
	b    *Bus
	raw  chan *nats.Msg
	done chan struct{}
	gone sync.WaitGroup

	mu     sync.Mutex
	subs   map[string]*nats.Subscription
	closed bool
}

// Watch delivers what is published right now on the subjects given to Add to
// handle, one message at a time: core NATS, no history, no redelivery. It costs
// one goroutine, however many subjects there are. While handle does not return
// messages wait; when too many do, further ones are dropped and OnDisturbance
// listeners hear of it. After Close returned handle is not called any more, so
// handle must not wait for whoever closes.
func (b *Bus) Watch(handle func(Message)) *Watcher {
	w := &Watcher{
		b: b, raw: make(chan *nats.Msg, watchBuffer), done: make(chan struct{}),
		subs: map[string]*nats.Subscription{},
	}
	w.gone.Go(func() { w.pump(handle) })
	return w
}

func (w *Watcher) pump(handle func(Message)) {
	for {
		select {
		case <-w.done:
			return
		case msg := <-w.raw:
			handle(decode(msg.Subject, msg.Header, msg.Data))
		}
	}
}

// Add starts interest in subject (wildcards allowed); adding it twice is once.
// The server knows of it only after Flush.
func (w *Watcher) Add(subject string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.subs[subject] != nil {
		return nil
	}
	sub, err := w.b.nc.ChanSubscribe(subject, w.raw)
	if err != nil {
		return unavailable(fmt.Errorf("watch %s: %w", subject, err))
	}
	w.subs[subject] = sub
	return nil
}

// Remove ends interest in subject; a message under way may still arrive.
func (w *Watcher) Remove(subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub := w.subs[subject]
	delete(w.subs, subject)
	if sub != nil {
		w.drop(sub)
	}
}

// Len is the number of subjects watched.
func (w *Watcher) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.subs)
}

// Flush returns when the server this process is connected to has seen all Adds.
// Its cluster hears a moment later: close the gap by reading after Flush.
func (w *Watcher) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := w.b.nc.FlushWithContext(ctx); err != nil {
		return unavailable(fmt.Errorf("watch: %w", err))
	}
	return nil
}

// Close ends all interest and the goroutine.
func (w *Watcher) Close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	for _, sub := range w.subs {
		w.drop(sub)
	}
	clear(w.subs)
	w.mu.Unlock()
	close(w.done)
	w.gone.Wait()
}

// drop unsubscribes; the error says that the connection is closed, which ends
// the interest as well.
func (w *Watcher) drop(sub *nats.Subscription) {
	if err := sub.Unsubscribe(); err != nil {
		w.b.log.Debug("unsubscribe", "subject", sub.Subject, "error", err)
	}
}
