package notify

import (
	"context"
	"encoding/json"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// watchSessions closes the connections of sessions that end, until ctx ends.
// Core interest is the fast way; following the stream from one token life ago
// is the complete one: it brings what was missed during an outage, and after a
// start the sessions whose tokens would still be good. With the bus away
// connections live until their token expires, never longer.
func (h *hub) watchSessions(ctx context.Context) {
	subject := events.Subject(events.ServiceAuth, events.NameSessionRevoked, "*")
	watch := h.bus.Watch(h.revoked)
	defer watch.Close()
	if err := watch.Add(subject); err != nil {
		h.log.Warn("sessions are watched by the stream only", "error", err)
	}
	since := time.Now().Add(-h.tokenLife - 2*authn.Leeway)
	for ctx.Err() == nil {
		if err := h.bus.Follow(ctx, events.StreamAuth, subject, since, h.revoked); err != nil {
			h.log.Error("following the ends of sessions failed", "error", err)
		}
		sleep(ctx, h.timing.tick)
	}
}

// revoked ends one session here: first its tokens, then its connections, so
// that a handshake in between is caught by its second look at the token.
func (h *hub) revoked(m bus.Message) {
	var e events.SessionRevoked
	if err := json.Unmarshal(m.Data, &e); err != nil {
		h.log.Error("the end of a session cannot be read", "subject", m.Subject, "error", err)
		return
	}
	session, errSession := id.Parse(e.SessionID)
	user, errUser := id.Parse(e.UserID)
	if errSession != nil || errUser != nil {
		h.log.Error("the end of a session has bad ids", "subject", m.Subject)
		return
	}
	h.verifier.Revoke(session, e.At.Add(h.tokenLife+authn.Leeway))
	if f := h.feed(user); f != nil {
		f.each(func(c *client) {
			if c.belongsTo(session) {
				c.end(closeSession, "the session ended: "+e.Reason)
			}
		})
	}
}
