package notify

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/trace"
)

// How a log is read. A page of pageLimit usual entries is a few dozen KB; one
// that gets no answer may have been too large to travel and is asked for again
// in parts.
const (
	pageLimit = 100
	hopeless  = 10 // refusals without a reason after which a position counts as lost
)

// feed is one user's events on this node, alive while the user has a
// connection here. It brings the sequencer what comes from the bus and reads
// from the log what the sequencer wants: one question at a time, whatever the
// number of connections.
type feed struct {
	hub  *hub
	user id.ID
	refs int // connections, also those in their handshake; guarded by the shard

	mu      sync.Mutex // guards all below and the lanes and formats of the clients
	seq     sequencer
	clients []*client
	reading bool // a goroutine is at read

	registered bool // the server knows of our interest; only read uses it
}

// attach adds a connection; it gets no events before join.
func (f *feed) attach(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clients = append(f.clients, c)
}

// join starts the events of c after at, or after the head if at is nil.
func (f *feed) join(c *client, at *cursor, as format) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.format = as
	if c.lane.atHead = at == nil; at != nil {
		c.lane.at = *at
		f.hub.metrics.resumes.Inc()
	}
	f.seq.join(&c.lane)
	f.ask()
}

// leave removes a connection; nothing is pushed to it afterwards.
func (f *feed) leave(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq.leave(&c.lane)
	f.clients = slices.DeleteFunc(f.clients, func(other *client) bool { return other == c })
}

// each calls fn for every connection. fn must not block nor call the feed.
func (f *feed) each(fn func(*client)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.clients {
		fn(c)
	}
}

// push takes an entry from the bus, with the traceparent of its commit.
func (f *feed) push(raw []byte, traceparent string) error {
	e, err := parseEntry(raw)
	if err != nil {
		return err
	}
	e.stamp()
	if f.hub.tracer.On() && traceparent != "" {
		_, span := f.hub.tracer.Start(trace.WithTraceparent(f.hub.ctx, traceparent), "receive", trace.Consumer)
		defer span.End()
		e.trace = span.Traceparent()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq.offer(e)
	f.ask()
	return nil
}

// hearHead takes the head of the log as the messages service reported it.
func (f *feed) hearHead(head cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq.hearHead(head)
	f.ask()
}

// room says that the queue of c, which refused an entry, has room again.
func (f *feed) room(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq.room(&c.lane)
	f.ask()
}

// ask starts reading the log if the sequencer wants something from it and
// nobody is reading already. f.mu is held.
func (f *feed) ask() {
	if !f.reading && f.seq.wanting() {
		f.reading = f.hub.spawn(f.read)
	}
}

// read asks the log until nothing is wanted any more. A question that fails is
// asked again, later, as long as somebody waits for the answer.
func (f *feed) read() {
	limit := pageLimit
	for failures := 0; ; {
		q, ok := f.next()
		if !ok {
			return
		}
		err := f.answer(q, limit, failures >= hopeless)
		if err == nil {
			failures = 0
			continue
		}
		if errors.Is(err, context.DeadlineExceeded) {
			limit = max(1, limit/8)
		}
		if failures == 0 && f.hub.ctx.Err() == nil {
			f.hub.log.Warn("reading an event log failed; trying again", "error", err)
		}
		failures++
		longest := f.hub.timing.backoff
		pause := min(longest>>4<<min(failures, 8), longest)
		if !sleep(f.hub.ctx, pause/2+rand.N(pause/2)) {
			return // the node stops; reading stays set, so nobody starts anew
		}
	}
}

func (f *feed) next() (question, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q, ok := f.seq.want()
	f.reading = ok
	return q, ok
}

// answer puts q to the messages service and the answer into the sequencer. The
// interest is registered before the log is read, never after: what is written
// in between then comes twice instead of never.
func (f *feed) answer(q question, limit int, giveUp bool) error {
	ctx, cancel := context.WithTimeout(f.hub.ctx, f.hub.timing.read)
	defer cancel()
	if !f.registered {
		if err := f.hub.flush(ctx, f.user); err != nil {
			return err
		}
		f.registered = true
		f.hub.recheck(f.user)
	}
	if q.headOnly {
		head, err := f.hub.readHead(ctx, f.user)
		if err == nil {
			f.settle(func() { f.seq.page(head, nil, head) })
		}
		return err
	}
	page, head, err := f.hub.readLog(ctx, f.user, q.after.String(), limit)
	switch reason := reasonOf(err, giveUp); {
	case reason != "":
		if head, err = f.hub.readHead(ctx, f.user); err == nil {
			f.settle(func() { f.seq.lost(q.after, reason, head) })
		}
	case err == nil:
		f.settle(func() { f.seq.page(q.after, page, head) })
		if len(page) > 0 && !q.resume {
			f.hub.metrics.gaps.Inc()
		}
	}
	return err
}

// settle brings an answer into the sequencer.
func (f *feed) settle(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

// reasonOf is why the log cannot go on from a position, "" if err does not say
// so. A log that keeps failing there, and only there, is damaged: its readers
// are better off with a snapshot than waiting for ever.
func reasonOf(err error, giveUp bool) errs.Slug {
	switch {
	case errs.Is(err, errs.CursorExpired), errs.Is(err, errs.Internal) && giveUp:
		return errs.CursorExpired
	case errs.Is(err, errs.CursorAhead), errs.Is(err, errs.InvalidCursor):
		return errs.CursorAhead
	}
	return ""
}

// readHead asks where a user's log ends.
func (h *hub) readHead(ctx context.Context, user id.ID) (cursor, error) {
	_, head, err := h.readLog(ctx, user, "", 1)
	return head, err
}

// readLog reads one page of a user's log, or with after "" only its head.
func (h *hub) readLog(ctx context.Context, user id.ID, after string, limit int) ([]*entry, cursor, error) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
	case <-ctx.Done():
		return nil, cursor{}, ctx.Err()
	}
	h.metrics.logReads.Inc()
	defer h.metrics.timeLogRead(time.Now())
	var reply events.LogReply
	request := events.LogRequest{UserID: user.String(), After: after, Limit: limit}
	if err := h.bus.Request(ctx, events.RPCLog, request, &reply); err != nil {
		return nil, cursor{}, err
	}
	head, err := parseCursor(reply.Cursor)
	if err != nil {
		return nil, cursor{}, errs.Wrap(errs.Internal, "the log's head is not a cursor", err)
	}
	page := make([]*entry, 0, len(reply.Events))
	for _, raw := range reply.Events {
		e, err := parseEntry(raw)
		if err != nil {
			h.log.Error("an entry of an event log cannot be read; its readers will be resynced", "error", err)
			continue // the sequencer sees a hole that reading again does not fill
		}
		page = append(page, e)
	}
	return page, head, nil
}

// hint passes on that somebody is typing.
func (f *feed) hint(raw []byte) error {
	var t events.Typing
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	f.each(func(c *client) { c.hint(typingFrame(c.format, t)) })
	return nil
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
