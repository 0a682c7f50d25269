package messages

import (
	"context"
	"slices"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// gate is what stands between a member of a conversation and the messages of the
// other: bits, kept in the member's row, where a post reads anyway. Nothing
// stands there (0) once the member wrote, accepted, or had messages before there
// were gates.
type gate uint8

// The bits; the numbers are stored.
const (
	gateRequest gate = 1  // the other began it, and the member has not answered yet
	gateIgnored gate = 2  // the member does not want to see it
	gateAsk     gate = 4  // nobody wrote yet: a message of the other makes it a request
	gateClosed  gate = 8  // the other may not write
	gateGone    gate = 16 // the member deleted the account: nobody may write, for ever
)

// pending reports whether the other waits for an answer of this member.
func (g gate) pending() bool { return g&(gateRequest|gateIgnored) != 0 }

// name is what the API calls it, as the member sees it.
func (g gate) name() string {
	switch {
	case g&gateIgnored != 0:
		return requestIgnored
	case g&gateRequest != 0:
		return requestIncoming
	}
	return requestNone
}

// What the API calls the state of a conversation as a request.
const (
	requestNone     = "none"
	requestIncoming = "incoming"
	requestIgnored  = "ignored"
)

// maxPending is how many messages may wait for the answer to a request.
const maxPending = 3

// errWait is the answer to one message too many.
func errWait() error {
	return errs.New(errs.AwaitingAnswer, "You have sent 3 messages. You can write more when you are answered.")
}

// policy is who may write to a person first.
type policy struct {
	who      audience
	askFirst bool
}

// audience is who may write to a person; the numbers are stored.
type audience uint8

const (
	fromEveryone audience = 0
	fromContacts audience = 1 // whom the person has written to, or accepted
	fromNobody   audience = 2 // nobody new; and who asks already gets no further
	fromGone     audience = 3 // nobody at all: the person deleted the account
)

var audiences = []string{fromEveryone: "everyone", fromContacts: "contacts", fromNobody: "nobody", fromGone: "nobody"}

// gates says what the policy means for conversations in which nobody wrote yet
// (fresh), and adds to those that are requests (asked).
func (p policy) gates() (fresh, asked gate) {
	if p.who == fromGone {
		return gateGone, gateGone
	}
	if p.askFirst {
		fresh = gateAsk
	}
	if p.who != fromEveryone {
		fresh |= gateClosed
	}
	if p.who == fromNobody {
		asked = gateClosed
	}
	return fresh, asked
}

// decision is what a member makes of a request.
type decision uint8

// The decisions; none is a write that is no decision.
const (
	undecided decision = iota
	accept
	ignore
)

// admit asks the gates whether w may be written, and moves them: whoever writes
// wants to hear the answer, and to whom wants to be asked, is asked. All rows are
// locked, so a policy counts from the moment it was saved.
func (u *unit) admit(w *write) error {
	for _, user := range w.where.members {
		state := u.members[memberKey{w.where.id, user}]
		switch {
		case state.gate&gateGone != 0: // also when it is the sender, whose token lives a moment longer
			return errUndeliverable()
		case user == w.sender || state.gate == 0:
		case state.gate&gateClosed != 0:
			return errUndeliverable()
		case state.gate.pending() && state.lastSeq >= maxPending: // all of them are the sender's: an answer opens
			return errWait()
		case state.gate == gateAsk:
			u.member(w.where.id, user).gate = gateRequest
		}
	}
	if own := u.members[memberKey{w.where.id, w.sender}]; own.gate != 0 {
		if own.gate.pending() {
			u.note(w, eventRequestAccepted)
		}
		u.member(w.where.id, w.sender).gate = 0
	}
	return nil
}

// applyDecision opens a request or puts it aside. The other devices of the member
// learn it from their own read mark, which they hear of once more. So does the
// other person when it is accepted and was read: now it shows.
func (u *unit) applyDecision(w *write) outcome {
	state := u.members[memberKey{w.where.id, w.sender}]
	readers := []id.ID{w.sender}
	switch {
	case state.gate&gateGone != 0, !state.gate.pending(), w.decision == ignore && state.gate&gateIgnored != 0:
		return outcome{readSeq: state.readSeq, lastSeq: state.lastSeq} // decided before
	case w.decision == accept:
		u.note(w, eventRequestAccepted)
		u.member(w.where.id, w.sender).gate = 0
		if state.readSeq > 0 && !u.silent(w.where) && !state.unshown {
			readers = w.where.members
		}
	default:
		u.note(w, eventRequestIgnored)
		u.member(w.where.id, w.sender).gate = state.gate&^gateRequest | gateIgnored
	}
	u.tellRead(w, readers, state.readSeq)
	return outcome{readSeq: state.readSeq, lastSeq: state.lastSeq}
}

// secret reports whether the other one is not to hear what the reader has read.
func (u *unit) secret(where membership, reader id.ID) bool {
	return u.silent(where) || u.members[memberKey{where.id, reader}].gate.pending()
}

// decide accepts or ignores a request and returns the conversation as it is then.
func (s *Service) decide(ctx context.Context, conversation id.ID, d decision) (*conversationOutput, error) {
	where, err := s.direct.of(ctx, conversation, caller(ctx))
	if err != nil {
		return nil, err
	}
	if o := s.commit.do(ctx, &write{where: where, sender: caller(ctx), by: auditorOf(ctx), decision: d}); o.err != nil {
		return nil, o.err
	}
	return s.getConversation(ctx, &conversationInput{ID: conversation})
}

func (p policy) view() policyView {
	return policyView{WhoMayWrite: audiences[p.who], AskFirst: p.askFirst}
}

func (v policyView) policy() policy {
	return policy{who: audience(max(slices.Index(audiences, v.WhoMayWrite), 0)), askFirst: v.AskFirst}
}
