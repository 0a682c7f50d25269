package notify

import (
	"context"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// How much one socket remembers about the conversations it types in.
const (
	maxTyping       = 16
	membersFreshFor = 10 * time.Second // so long a block takes to silence hints
)

// typist passes on that the owner of one socket is typing: best effort, at
// most one hint per conversation in timing.typing, and only to members of a
// conversation the owner is in. Used by the socket's reader alone.
type typist struct {
	in map[id.ID]*typedIn
}

type typedIn struct {
	others  []string // the other members' ids
	known   time.Time
	refused error
	last    time.Time
}

// typing tells the other members that user is typing in conversation. Errors:
// not-found for a conversation the user is not in, unavailable.
func (t *typist) typing(h *hub, user, conversation id.ID) error {
	now := time.Now()
	c := t.in[conversation]
	if c == nil {
		if t.in == nil || len(t.in) >= maxTyping {
			t.in = make(map[id.ID]*typedIn, 1)
		}
		c = &typedIn{}
		t.in[conversation] = c
	}
	if now.Sub(c.last) < h.timing.typing {
		return nil
	}
	c.last = now
	if now.Sub(c.known) > membersFreshFor {
		others, err := h.otherMembers(user, conversation)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		c.others, c.refused, c.known = others, err, now
	}
	if c.refused != nil {
		return c.refused
	}
	hint := encode(events.Typing{ConversationID: conversation.String(), UserID: user.String()})
	for _, other := range c.others {
		if err := h.bus.Broadcast(typingPrefix+other, hint); err != nil {
			return err
		}
	}
	return nil
}

// otherMembers asks who else is in a conversation of user.
func (h *hub) otherMembers(user, conversation id.ID) ([]string, error) {
	ctx, cancel := context.WithTimeout(h.ctx, h.timing.read)
	defer cancel()
	var reply events.MembersReply
	request := events.MembersRequest{ConversationID: conversation.String(), UserID: user.String()}
	if err := h.bus.Request(ctx, events.RPCMembers, request, &reply); err != nil {
		return nil, err
	}
	others := make([]string, 0, len(reply.UserIDs))
	for _, member := range reply.UserIDs {
		if member != request.UserID {
			others = append(others, member)
		}
	}
	return others, nil
}
