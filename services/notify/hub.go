package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/limit"
	"chatapp/libs/trace"
)

const (
	shardCount     = 8
	maxConnections = 20 // of one user on one node
	parallelReads  = 64 // questions to the messages service at once: a storm of resumes queues here
)

// timing holds every duration, so that tests need not wait for the real ones.
type timing struct {
	hello   time.Duration // a socket must say hello within this
	ping    time.Duration // to every connection; announced as heartbeat
	zombie  time.Duration // a socket silent for so long is dead
	message time.Duration // a frame must be complete within this of its start
	write   time.Duration // a frame must be written within this
	linger  time.Duration // after a close frame, for the peer's
	slow    time.Duration // the same for one that reads slowly
	tick    time.Duration // how exactly pings, expiries and rechecks are kept
	read    time.Duration // a question over the bus must be answered within this
	backoff time.Duration // the longest pause before a failed one is asked again
	heal    time.Duration // between comparisons of all heads
	echo    time.Duration // a disturbance is followed by a second comparison after this
	typing  time.Duration // at most one hint per conversation and socket in this
	drain   time.Duration // Run waits no longer than this for sockets to close
	seen    time.Duration // who came or went is told after no more than this
	present time.Duration // who stays is told again after this
}

func realTiming() timing {
	return timing{
		hello: 5 * time.Second, ping: 25 * time.Second, zombie: 40 * time.Second, message: 10 * time.Second,
		write: 10 * time.Second, linger: 3 * time.Second, slow: 10 * time.Second, tick: time.Second,
		read: 3 * time.Second, backoff: 2 * time.Second,
		heal: 30 * time.Second, echo: 2 * time.Second, typing: 2 * time.Second, drain: 5 * time.Second,
		seen: 5 * time.Second, present: time.Minute,
	}
}

// hub holds every connection of this node, by user, in shards that do not know
// each other. A user's shard is interested in that user's subjects as long as
// there is a connection.
type hub struct {
	bus        *bus.Bus
	log        *slog.Logger
	verifier   *authn.Verifier
	origins    origins
	admit      func(ctx context.Context, answer http.Header, class limit.Class, who authn.Identity, identified error) error
	tokenLife  time.Duration
	timing     timing
	metrics    *metrics
	tracer     *trace.Tracer // nil: off
	reads      chan struct{} // semaphore of parallelReads
	disturbed  chan struct{} // something may have been missed
	background sync.WaitGroup

	ctx  context.Context // ends when Run has drained
	stop context.CancelFunc

	mu      sync.Mutex
	open    bool          // Run is at work and not draining
	stopped bool          // nothing more is started in the background
	conns   int           // open connections and handshakes
	empty   chan struct{} // closed when draining is over
	// Users whose interest is new, by ticks since; heal looks at them twice.
	fresh, settled []id.ID
	touched        []id.ID // came or went since it was last told

	shards [shardCount]shard
}

type shard struct {
	mu    sync.Mutex
	feeds map[id.ID]*feed
	watch *bus.Watcher
}

func newHub(b *bus.Bus, log *slog.Logger, v *authn.Verifier, m *metrics, t timing) *hub {
	h := &hub{
		bus: b, log: log, verifier: v, metrics: m, timing: t,
		reads: make(chan struct{}, parallelReads), disturbed: make(chan struct{}, 1),
		empty: make(chan struct{}),
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	for i := range h.shards {
		h.shards[i].feeds = map[id.ID]*feed{}
	}
	return h
}

// run serves until ctx ends, then closes every connection with 1012 and
// returns when they are gone, or after timing.drain. It runs once.
func (h *hub) run(ctx context.Context) error {
	defer h.stop()
	cancel := h.bus.OnDisturbance(h.disturb)
	defer cancel()
	var work sync.WaitGroup
	for i := range h.shards {
		h.shards[i].watch = h.bus.Watch(h.deliver)
	}
	people := h.watchPeople()
	defer people.Close()
	work.Go(h.heal)
	work.Go(h.beat)
	work.Go(h.tellSeen)
	work.Go(func() { h.watchSessions(h.ctx) })
	h.mu.Lock()
	h.open = true
	h.mu.Unlock()

	<-ctx.Done()
	h.drain()
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.stop()
	for i := range h.shards {
		h.shards[i].watch.Close()
	}
	work.Wait()
	h.background.Wait()
	return nil
}

// spawn runs fn in the background until it returns by itself or with h.ctx; it
// reports false when the hub is past that.
func (h *hub) spawn(fn func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.background.Go(fn)
	}
	return !h.stopped
}

// drain refuses new connections and closes those there are, telling each to
// come back at a moment of its own.
func (h *hub) drain() {
	h.mu.Lock()
	h.open = false
	if h.conns == 0 {
		close(h.empty)
	}
	h.mu.Unlock()
	h.eachFeed(func(f *feed) { f.each((*client).restart) })
	select {
	case <-h.empty:
	case <-time.After(h.timing.drain):
		h.log.Warn("connections did not close in time", "waited", h.timing.drain)
	}
}

// A node that stops spreads the return of its clients over maxRetryAfter.
const (
	maxRetryAfter = 3 * time.Second
	retryAfter    = "retry_after_ms="
)

func (c *client) restart() {
	c.end(closeRestart, fmt.Sprint(retryAfter, rand.N(maxRetryAfter).Milliseconds()))
}

var errStopping = &errs.Error{Slug: errs.Unavailable, Detail: "This server is starting or stopping. Connect again.", RetryAfter: time.Second}

// ready is nil while connections are taken.
func (h *hub) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.open {
		return errStopping
	}
	return nil
}

// reserve counts a connection of user and starts the interest in the user's
// subjects. Every success is followed by one release. Errors: unavailable,
// rate-limited.
func (h *hub) reserve(user id.ID) (*feed, error) {
	if err := h.bus.Ready(); err != nil {
		return nil, &errs.Error{Slug: errs.Unavailable, Detail: "Live events are not available right now. GET /api/v1/events works.", RetryAfter: 2 * time.Second, Err: err}
	}
	h.mu.Lock()
	if !h.open {
		h.mu.Unlock()
		return nil, errStopping
	}
	h.conns++
	h.mu.Unlock()
	f, err := h.acquire(user)
	if err != nil {
		h.uncount()
		return nil, err
	}
	return f, nil
}

func (h *hub) acquire(user id.ID) (*feed, error) {
	s := h.shard(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[user]
	if f == nil {
		f = &feed{hub: h, user: user}
		if err := s.listen(user); err != nil {
			return nil, err
		}
		s.feeds[user] = f
		h.touch(user)
	}
	if f.refs >= maxConnections {
		return nil, &errs.Error{
			Slug: errs.RateLimited, RetryAfter: 5 * time.Second,
			Detail: fmt.Sprintf("You have %d connections open already.", maxConnections),
		}
	}
	f.refs++
	return f, nil
}

// release undoes reserve; the last one ends the interest.
func (h *hub) release(f *feed) {
	s := h.shard(f.user)
	s.mu.Lock()
	if f.refs--; f.refs == 0 {
		delete(s.feeds, f.user)
		s.unlisten(f.user)
		h.touch(f.user)
	}
	s.mu.Unlock()
	h.uncount()
}

func (h *hub) uncount() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns--; h.conns == 0 && !h.open {
		close(h.empty)
	}
}

func (h *hub) shard(user id.ID) *shard { return &h.shards[user[15]%shardCount] } // the end of a UUIDv7 is random

// feed returns the user's feed, nil when the user is not connected here.
func (h *hub) feed(user id.ID) *feed {
	s := h.shard(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feeds[user]
}

// eachFeed calls fn for all feeds there are, without holding any lock.
func (h *hub) eachFeed(fn func(*feed)) {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		feeds := make([]*feed, 0, len(s.feeds))
		for _, f := range s.feeds {
			feeds = append(feeds, f)
		}
		s.mu.Unlock()
		for _, f := range feeds {
			fn(f)
		}
	}
}

// flush returns when the server knows of the interest in user's subjects.
func (h *hub) flush(ctx context.Context, user id.ID) error { return h.shard(user).watch.Flush(ctx) }

var (
	loggedPrefix  = events.Subject(events.ServiceMessages, events.NameLogged, "")
	typingPrefix  = events.Subject(events.ServiceNotify, events.NameTyping, "")
	personSubject = events.Subject(events.ServiceMessages, events.NamePersonChanged, events.KeyPersonChanged)
)

func (s *shard) listen(user id.ID) error {
	for _, prefix := range []string{loggedPrefix, typingPrefix} {
		if err := s.watch.Add(prefix + user.String()); err != nil {
			s.unlisten(user)
			return err
		}
	}
	return nil
}

func (s *shard) unlisten(user id.ID) {
	s.watch.Remove(loggedPrefix + user.String())
	s.watch.Remove(typingPrefix + user.String())
}

// deliver brings what the bus has to the feed of its user. It never blocks.
func (h *hub) deliver(m bus.Message) {
	if err := h.dispatch(m); err != nil {
		h.log.Error("a message from the bus cannot be read", "subject", m.Subject, "error", err)
	}
}

func (h *hub) dispatch(m bus.Message) error {
	if key, ok := strings.CutPrefix(m.Subject, loggedPrefix); ok {
		return h.toFeed(key, func(f *feed) error { return f.push(m.Data, m.Trace) })
	}
	if key, ok := strings.CutPrefix(m.Subject, typingPrefix); ok {
		return h.toFeed(key, func(f *feed) error { return f.hint(m.Data) })
	}
	if m.Subject == personSubject {
		return h.personChanged(m.Data)
	}
	return errors.New("unexpected subject")
}

func (h *hub) toFeed(key string, fn func(*feed) error) error {
	user, err := id.Parse(key)
	if err != nil {
		return err
	}
	if f := h.feed(user); f != nil {
		return fn(f)
	}
	return nil // the last connection left a moment ago
}

// beat keeps the time for all connections: one goroutine, one scan per tick.
func (h *hub) beat() {
	t := time.NewTicker(h.timing.tick)
	defer t.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case now := <-t.C:
			h.eachFeed(func(f *feed) { f.each(func(c *client) { c.tick(now) }) })
		}
	}
}
