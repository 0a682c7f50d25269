package notify

import (
	"math/rand/v2"
	"sync"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/trace"
)

// client is one connection of a user: what a WebSocket and an SSE stream have
// in common. It is the sink of its lane; the transport brings the draining of
// the queue and the manner of ending.
type client struct {
	feed   *feed
	format format
	lane   lane
	queue  sendQueue
	// end closes the connection with a code and a reason, at most once, without
	// blocking; safe to call from anywhere.
	end func(code int, reason string)

	mu      sync.Mutex
	session id.ID
	expires time.Time
	beat    time.Time // when the next ping is due
	closing bool
}

// init makes c a connection of who's on feed f, not yet part of either.
func (c *client) init(f *feed, who authn.Identity, as format) {
	c.feed, c.format, c.lane.to = f, as, c
	c.session, c.expires = who.SessionID, who.Expires
	c.beat = time.Now().Add(rand.N(f.hub.timing.ping)) // spread over the interval
}

// give implements sink.
func (c *client) give(e *entry, paced bool) bool {
	room := maxQueue
	if paced {
		room = pacedQueue
	}
	if c.queue.push(frame{data: e.as(c.format), pushed: e.pushed, span: c.follow(e)}, room) {
		c.feed.hub.metrics.sent.Inc()
		return true
	}
	if !paced {
		c.end(closeSlow, "reading too slowly; resume from your cursor")
	}
	return false
}

// follow begins the span of e's way through the queue to the connection.
func (c *client) follow(e *entry) trace.Span {
	if e.trace == "" {
		return trace.Span{}
	}
	h := c.feed.hub
	_, span := h.tracer.Start(trace.WithTraceparent(h.ctx, e.trace), "socket write", trace.Internal)
	return span
}

// greet implements sink.
func (c *client) greet(at cursor) {
	c.queue.push(frame{data: welcomeFrame(c.format, at, int(c.feed.hub.timing.ping.Seconds()))}, anyRoom)
}

// resync implements sink.
func (c *client) resync(reason errs.Slug, head cursor) {
	c.feed.hub.metrics.resyncs.WithLabelValues(string(reason)).Inc()
	c.queue.push(frame{data: resyncFrame(c.format, reason, head)}, anyRoom)
}

// hint passes on what may be lost, unless the connection has better things to do.
func (c *client) hint(data []byte) {
	if c.lane.greeted {
		c.queue.push(frame{data: data}, pacedQueue)
	}
}

// tick does what is due: the end of the token's life, or a ping.
func (c *client) tick(now time.Time) {
	c.mu.Lock()
	expired, due := !now.Before(c.expires), !now.Before(c.beat)
	if due {
		c.beat = now.Add(c.feed.hub.timing.ping)
	}
	c.mu.Unlock()
	switch {
	case expired:
		c.end(closeSession, "the access token expired; reauth in time")
	case due:
		c.queue.push(frame{kind: framePing}, anyRoom)
	}
}

// belongsTo reports whether c was opened by, or renewed for, this session.
func (c *client) belongsTo(session id.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session == session
}

// renew makes the connection live as long as who's token.
func (c *client) renew(who authn.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.expires = who.SessionID, who.Expires
}
