package notify

import (
	"slices"

	"chatapp/libs/errs"
)

// sequencer decides what each socket of one user may be sent, and what must be
// read from the log for that. It is the proof of the delivery promise, so it
// does no I/O, starts nothing and knows no clock: entries, log pages and heads
// come in, in any order, any number of times or never, and each lane hands out
// the dense sequence of its log exactly once.
//
// The argument is short. A lane gives out an entry only when it is of the
// lane's epoch and carries the one number after the lane's position, and then
// moves there: nothing twice, nothing out of order, no hole (step). Whatever
// shows that more exists raises head (hear), and want asks for the log as long
// as a lane with room is below head: nothing is forgotten. Only an answer of
// the log itself ever takes a position away (lost).
//
// Not safe for concurrent use: the feed's lock guards it. At most one question
// (want) may be out at a time.
type sequencer struct {
	lanes []*lane
	head  cursor // the highest entry known to exist
	known bool   // head is set
	asked cursor // head when the question that is out was asked
	turn  uint64 // counts questions, so that every lane gets its turn

	held      map[uint64]*entry // arrived before their turn; bounded, the log has them all
	heldBytes int
}

// Bounds of what one feed holds ahead of its turn. Entries beyond are dropped
// and read from the log when their turn comes.
const (
	maxHeld      = 64
	maxHeldBytes = 128 << 10
)

// sink takes what a lane gives out. Calls come under the feed's lock and must
// not block.
type sink interface {
	// give offers the lane's next entry. Paced means that the lane is behind
	// and the log is being read for it: false then means "not now" and room
	// will be called. Otherwise the entry is news to a lane that was up to
	// date: false means that the sink is gone for good.
	give(e *entry, paced bool) bool
	// greet says that the position is accepted and where it is; called once,
	// before anything else.
	greet(at cursor)
	// resync says that the log cannot continue the lane's position, which is
	// now head.
	resync(reason errs.Slug, head cursor)
}

// lane is the way of one socket through the log.
type lane struct {
	to     sink
	at     cursor // the last entry given out
	atHead bool   // start at the head, wherever it is found

	greeted bool   // the log confirmed the position; nothing is given out before
	doubted bool   // something contradicts the position: ask the log about it
	full    bool   // the sink had no room; wait for room
	over    bool   // the sink is gone
	turn    uint64 // of the last question that was about this lane
}

// question is what to ask the log: what follows after, or only where the head is.
type question struct {
	after    cursor
	headOnly bool
	resume   bool // asked for a lane that is not greeted yet, not for a gap
}

// join adds a lane; want will ask the log about its position.
func (s *sequencer) join(l *lane) { s.lanes = append(s.lanes, l) }

// leave removes a lane.
func (s *sequencer) leave(l *lane) {
	s.lanes = slices.DeleteFunc(s.lanes, func(other *lane) bool { return other == l })
	l.over = true
	s.prune()
}

// offer takes one entry, from the bus or from a page: lanes whose turn it is
// give it out, it is held for those that are not there yet.
func (s *sequencer) offer(e *entry) {
	before := s.head
	s.hear(e.at)
	wanted := false
	for _, l := range s.lanes {
		s.step(l, e, l.at != before)
		s.pull(l)
		if !l.over && (!l.greeted || (l.at.epoch == e.at.epoch && l.at.seq < e.at.seq)) {
			wanted = true
		}
	}
	if wanted {
		s.hold(e)
	}
	s.prune()
}

// hear takes note that the entry at c exists, or did in the epoch of c. A lane
// of another epoch is only doubted: the entry may be an old one.
func (s *sequencer) hear(c cursor) {
	if !s.known {
		s.head, s.known = c, true
	}
	if c.epoch == s.head.epoch {
		s.head.seq = max(s.head.seq, c.seq)
	}
	for _, l := range s.lanes {
		if l.greeted && l.at.epoch != c.epoch {
			l.doubted = true
		}
	}
}

// hearHead takes the head as the messages service reported it, which may be
// late. A lane beyond it is doubted: either the report is old, or the database
// is one that was put back.
func (s *sequencer) hearHead(c cursor) {
	s.hear(c)
	for _, l := range s.lanes {
		if l.greeted && l.at.epoch == c.epoch && l.at.seq > c.seq {
			l.doubted = true
		}
	}
}

// want returns the next question for the log, if there is one; the answer goes
// to page or lost. The lane that waited longest is served first, but an answer
// serves every lane it can.
func (s *sequencer) want() (question, bool) {
	var next *lane
	for _, l := range s.lanes {
		if s.needsLog(l) && (next == nil || l.turn < next.turn) {
			next = l
		}
	}
	if next == nil {
		return question{}, false
	}
	s.turn++
	s.asked = s.head
	for _, l := range s.lanes {
		if l.at == next.at && l.atHead == next.atHead {
			l.turn = s.turn
		}
	}
	return question{after: next.at, headOnly: next.atHead, resume: !next.greeted}, true
}

// wanting reports whether want would return a question.
func (s *sequencer) wanting() bool { return slices.ContainsFunc(s.lanes, s.needsLog) }

func (s *sequencer) needsLog(l *lane) bool {
	if l.over {
		return false
	}
	return !l.greeted || l.doubted || (!l.full && l.at.seq < s.head.seq)
}

// page takes the log's answer to a question: what follows after, and the head.
// An answer to a headOnly question has no entries and after = head.
func (s *sequencer) page(after cursor, entries []*entry, head cursor) {
	if after.epoch != head.epoch || after.seq > head.seq {
		s.lost(after, errs.CursorAhead, head)
		return
	}
	// More than after was known to exist before the log was read: if the page
	// does not go on there, the log itself has a hole that nothing will fill.
	hole := s.asked.epoch == after.epoch && s.asked.seq > after.seq && after.seq < head.seq
	s.settle(head)
	for _, l := range s.lanes {
		if l.atHead {
			s.place(l, head)
		}
		if l.at.epoch == head.epoch && after.seq <= l.at.seq && l.at.seq <= head.seq {
			l.doubted = false
			s.greet(l)
		}
	}
	for _, e := range entries {
		s.offer(e)
	}
	for _, l := range s.lanes {
		s.pull(l)
		if hole && l.at == after && !l.full && !l.over {
			s.resync(l, errs.CursorExpired, head)
		}
	}
	s.prune()
}

// lost takes the other answer: the log cannot continue after, for reason, and
// its head is head. The lanes that the question was about start anew there.
func (s *sequencer) lost(after cursor, reason errs.Slug, head cursor) {
	s.settle(head)
	for _, l := range s.lanes {
		switch {
		case l.over:
		case l.atHead:
			s.place(l, head)
			s.greet(l)
		case l.at == after && l.turn == s.turn:
			s.resync(l, reason, head)
		}
		s.pull(l)
	}
	s.prune()
}

// room says that the sink of l, which refused a paced entry, takes more again.
func (s *sequencer) room(l *lane) {
	l.full = false
	s.pull(l)
	s.prune()
}

// settle makes the log's own word the head. What was heard since the question
// was asked may be newer than the answer and stays.
func (s *sequencer) settle(head cursor) {
	if !s.known || s.head == s.asked || s.head.epoch != head.epoch {
		s.head, s.known = head, true
	}
	s.hear(head)
}

func (s *sequencer) place(l *lane, head cursor) { l.at, l.atHead = head, false }

func (s *sequencer) greet(l *lane) {
	if !l.greeted && !l.over {
		l.greeted = true
		l.to.greet(l.at)
	}
}

func (s *sequencer) resync(l *lane, reason errs.Slug, head cursor) {
	l.at, l.doubted, l.full = head, false, false
	s.greet(l)
	l.to.resync(reason, head)
}

// step gives e to l if, and only if, it is the one that follows.
func (s *sequencer) step(l *lane, e *entry, paced bool) {
	if !l.greeted || l.over || l.full || e.at.epoch != l.at.epoch || e.at.seq != l.at.next() {
		return
	}
	switch {
	case l.to.give(e, paced):
		l.at = e.at
	case paced:
		l.full = true
	default:
		l.over = true
	}
}

// pull gives l what is held for it.
func (s *sequencer) pull(l *lane) {
	for len(s.held) > 0 {
		e, ok := s.held[l.at.next()]
		if !ok {
			return
		}
		from := l.at
		if s.step(l, e, true); l.at == from {
			return
		}
	}
}

func (s *sequencer) hold(e *entry) {
	if len(s.held) >= maxHeld || s.heldBytes+len(e.raw) > maxHeldBytes {
		return
	}
	if old, ok := s.held[e.at.seq]; ok {
		if old.at.epoch == e.at.epoch {
			return
		}
		s.heldBytes -= len(old.raw)
	}
	if s.held == nil {
		s.held = make(map[uint64]*entry)
	}
	s.held[e.at.seq] = e
	s.heldBytes += len(e.raw)
}

// prune forgets held entries that no lane can need any more; a feed whose
// lanes are all up to date holds nothing.
func (s *sequencer) prune() {
	if len(s.held) == 0 {
		return
	}
	for seq, e := range s.held {
		if !s.neededBySome(e) {
			s.heldBytes -= len(e.raw)
			delete(s.held, seq)
		}
	}
	if len(s.held) == 0 {
		s.held = nil
	}
}

func (s *sequencer) neededBySome(e *entry) bool {
	for _, l := range s.lanes {
		if !l.over && (!l.greeted || (l.at.epoch == e.at.epoch && l.at.seq < e.at.seq)) {
			return true
		}
	}
	return false
}
