package notify

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// How a log is read: entries per question, fewer after three failures in case
// the answer is too large to travel.
const (
	pageLimit  = 200
	readWithin = 5 * time.Second
	maxBackoff = 2 * time.Second
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

// push takes an entry from the bus.
func (f *feed) push(raw []byte) error {
	e, err := parseEntry(raw)
	if err != nil {
		return err
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
// asked again, later and smaller, as long as somebody waits for the answer.
func (f *feed) read() {
	for failures := 0; ; {
		q, ok := f.next()
		if !ok {
			return
		}
		if err := f.answer(q, failures); err == nil {
			failures = 0
			continue
		} else if failures == 0 && f.hub.ctx.Err() == nil {
			f.hub.log.Warn("reading an event log failed; trying again", "error", err)
		}
		failures++
		pause := min(100*time.Millisecond<<min(failures, 8), maxBackoff)
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
func (f *feed) answer(q question, failures int) error {
	ctx, cancel := context.WithTimeout(f.hub.ctx, readWithin)
	defer cancel()
	if !f.registered {
		if err := f.hub.flush(ctx, f.user); err != nil {
			return err
		}
		f.registered = true
		f.hub.recheck(f.user)
	}
	after := ""
	if !q.headOnly {
		after = q.after.String()
	}
	limit := max(1, pageLimit>>(2*max(0, min(failures, 8)-2)))
	page, head, err := f.hub.readLog(ctx, f.user, after, limit)
	if reason := errs.Of(err); err != nil && !q.headOnly && noSuchPosition[reason.Slug] {
		_, head, err = f.hub.readLog(ctx, f.user, "", limit)
		if err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seq.lost(q.after, reason.Slug, head)
		return nil
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.headOnly {
		q.after, page = head, nil
	}
	f.seq.page(q.after, page, head)
	if len(page) > 0 && !q.resume {
		f.hub.metrics.gaps.Inc()
	}
	return nil
}

// noSuchPosition are the answers that say the log cannot go on from there.
var noSuchPosition = map[errs.Slug]bool{errs.CursorExpired: true, errs.CursorAhead: true, errs.InvalidCursor: true}

// readLog reads one page of a user's log, or with after "" only its head.
func (h *hub) readLog(ctx context.Context, user id.ID, after string, limit int) ([]*entry, cursor, error) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
	case <-ctx.Done():
		return nil, cursor{}, ctx.Err()
	}
	h.metrics.logReads.Inc()
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
	f.each(func(c *client) { c.typing(t) })
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
