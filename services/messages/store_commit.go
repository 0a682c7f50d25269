package messages

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// memberKey names one row of members.
type memberKey struct{ conversation, user id.ID }

// memberState is what a batch changes of one member's row.
type memberState struct {
	lastSeq, readSeq, activity uint64
	gate                       gate
	blocked                    bool // this member blocked the other; not changed here
	unshown                    bool // the others are not told how far this member has read
}

// unit is the work of one transaction: what was read under locks, numbered in
// memory, and is written at the end in one statement per table.
type unit struct {
	epoch    string
	at       time.Time
	clocks   map[id.ID]uint64 // last event_seq
	members  map[memberKey]*memberState
	changed  map[memberKey]bool
	existing map[id.ID]Message // by id

	messages []Message
	entries  []entry
	audits   []auditRow
	row      outbox.Row
}

// commit writes a batch in one transaction and sets each write's outcome. It
// returns what was written. An error means that nothing was.
//
// The clocks of all involved users are locked, in the order of their ids, so
// that two batches never wait for each other crosswise. Whoever writes to a
// conversation holds the clocks of all its members, so these locks guard the
// conversations as well. Numbers are allocated under them: they are dense, and
// a later number was committed later.
//
// That a message was posted before is rare, so it is not asked: the unique key
// says so, and only then the batch is tried again with that question in it.
func (s *store) commit(ctx context.Context, batch []*write) (*unit, error) {
	epoch, err := s.epoch(ctx)
	if err != nil {
		return nil, err
	}
	u := &unit{epoch: epoch}
	for _, careful := range []bool{false, true} {
		err = s.db.Batch(ctx, func() []db.Read { return u.begin(batch, careful) }, func() ([]db.Insert, error) { return u.write(batch) })
		if !db.IsDuplicate(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

// begin forgets what an earlier try found and says what to read.
func (u *unit) begin(batch []*write, careful bool) []db.Read {
	*u = unit{
		epoch: u.epoch, at: now(),
		clocks: map[id.ID]uint64{}, members: map[memberKey]*memberState{}, changed: map[memberKey]bool{},
		existing: map[id.ID]Message{},
	}
	var convs, users, posts []id.ID
	for _, w := range batch {
		convs = append(convs, w.where.id)
		users = append(users, w.where.members...)
		if careful && !w.isRead() {
			posts = append(posts, messageID(w.sender, w.clientID))
		}
	}
	reads := []db.Read{u.lockClocks(users), u.readMembers(convs)}
	if len(posts) > 0 {
		reads = append(reads, u.posted(posts))
	}
	return reads // in this order: after the locks, what a rival transaction just committed is visible
}

func (u *unit) lockClocks(users []id.ID) db.Read {
	users = unique(users)
	query := "SELECT user_id, last_seq FROM user_clocks WHERE user_id " + in(len(users)) + " ORDER BY user_id" + db.ForUpdate
	return db.Read{SQL: query, Args: anys(users), Row: func(rows *sql.Rows) error {
		var user id.ID
		var seq uint64
		err := rows.Scan(&user, &seq)
		u.clocks[user] = seq
		return err
	}}
}

func (u *unit) readMembers(convs []id.ID) db.Read {
	convs = unique(convs)
	query := "SELECT conversation_id, user_id, last_seq, read_seq, activity, gate, blocked, shown_seq IS NOT NULL FROM members WHERE conversation_id " + in(len(convs))
	return db.Read{SQL: query, Args: anys(convs), Row: func(rows *sql.Rows) error {
		var k memberKey
		m := &memberState{}
		err := rows.Scan(&k.conversation, &k.user, &m.lastSeq, &m.readSeq, &m.activity, &m.gate, &m.blocked, &m.unshown)
		u.members[k] = m
		return err
	}}
}

func (u *unit) posted(messages []id.ID) db.Read {
	messages = unique(messages)
	return db.Read{SQL: messageColumns + "WHERE m.id " + in(len(messages)), Args: anys(messages), Row: func(rows *sql.Rows) error {
		m, err := scanMessage(rows)
		u.existing[m.ID] = m
		return err
	}}
}

// write numbers the batch and says what to write.
func (u *unit) write(batch []*write) ([]db.Insert, error) {
	for _, w := range batch {
		if err := u.knows(w.where); err != nil {
			w.outcome = outcome{err: err}
			continue
		}
		w.outcome = u.apply(w)
	}
	return u.inserts(), nil
}

// knows returns an error when a row is missing that numbers are taken from.
func (u *unit) knows(where membership) error {
	for _, user := range where.members {
		if _, ok := u.clocks[user]; !ok || u.members[memberKey{where.id, user}] == nil {
			return fmt.Errorf("messages: member %v of conversation %v has no row or no clock", user, where.id)
		}
	}
	return nil
}

// member returns a member's row to be changed.
func (u *unit) member(conversation, user id.ID) *memberState {
	k := memberKey{conversation, user}
	u.changed[k] = true
	return u.members[k]
}

// apply numbers one write, or says why it is not written.
func (u *unit) apply(w *write) outcome {
	if w.decision != undecided {
		return u.applyDecision(w)
	}
	if w.isRead() {
		return u.applyRead(w)
	}
	name := messageID(w.sender, w.clientID)
	if m, ok := u.existing[name]; ok {
		return w.again(m)
	}
	if u.silent(w.where) {
		return outcome{err: errUndeliverable()}
	}
	if err := u.admit(w); err != nil {
		return outcome{err: err}
	}
	m := Message{
		ConversationID: w.where.id, Seq: u.members[memberKey{w.where.id, w.sender}].lastSeq + 1, ID: name,
		SenderID: w.sender, ClientID: w.clientID, Body: w.body, CreatedAt: u.at,
	}
	u.existing[name] = m // the same key again in this batch is a replay
	u.messages = append(u.messages, m)
	traceparent := w.span.Traceparent()
	for _, user := range w.where.members {
		state := u.member(w.where.id, user)
		state.lastSeq = m.Seq
		state.activity = u.append(entry{UserID: user, Kind: kindMessage, ConversationID: m.ConversationID, Seq: m.Seq, ActorID: w.sender, Message: m, Trace: traceparent})
		if user == w.sender {
			state.readSeq = m.Seq
		}
	}
	return outcome{message: m}
}

// again is the outcome of a post whose key was used before, for m. What m said is
// not known any more when it was erased.
func (w *write) again(m Message) outcome {
	if m.ConversationID != w.where.id || m.Body != w.body && m.Body != "" {
		return outcome{err: errs.New(errs.ClientIDReused, "This client_id was used for another message. Nothing was written; make a new one for each message.")}
	}
	return outcome{message: m, replay: true}
}

// silent reports whether one member of a conversation blocked the other.
func (u *unit) silent(where membership) bool {
	return slices.ContainsFunc(where.members, func(user id.ID) bool { return u.members[memberKey{where.id, user}].blocked })
}

// applyRead moves a read mark forward, never back and never past the end. Where
// one blocked the other, hides such marks or has not accepted the request,
// nobody else hears of it.
func (u *unit) applyRead(w *write) outcome {
	state := u.members[memberKey{w.where.id, w.sender}]
	target := min(w.readSeq, state.lastSeq)
	if target <= state.readSeq {
		return outcome{readSeq: state.readSeq, lastSeq: state.lastSeq}
	}
	u.member(w.where.id, w.sender).readSeq = target
	readers := w.where.members
	if state.unshown || u.secret(w.where, w.sender) {
		readers = []id.ID{w.sender}
	}
	u.tellRead(w, readers, target)
	return outcome{readSeq: target, lastSeq: state.lastSeq}
}

// tellRead logs for readers how far the writer of w has read.
func (u *unit) tellRead(w *write, readers []id.ID, seq uint64) {
	traceparent := w.span.Traceparent()
	for _, user := range readers {
		u.append(entry{UserID: user, Kind: kindRead, ConversationID: w.where.id, Seq: seq, ActorID: w.sender, Trace: traceparent})
	}
}

// append gives an entry the next number of its user's log.
func (u *unit) append(e entry) uint64 {
	u.clocks[e.UserID]++
	e.EventSeq, e.CreatedAt = u.clocks[e.UserID], u.at
	u.entries = append(u.entries, e)
	return e.EventSeq
}

// inserts writes what was numbered: one statement per table. Messages come
// first, so that a key that is taken ends the transaction before it did more.
// Of rows that are there already, all but the named columns stay as they are.
func (u *unit) inserts() []db.Insert {
	if len(u.entries) == 0 {
		return nil // replays only
	}
	u.row = outbox.Row{ID: id.New(), Type: outboxLog, Payload: references(u.entries), CreatedAt: u.at}
	messages := db.Insert{Table: "messages", Columns: []string{"conversation_id", "seq", "id", "sender_id", "client_id", "body", "created_at"}}
	for _, m := range u.messages {
		messages.Rows = append(messages.Rows, m.ConversationID, m.Seq, m.ID, m.SenderID, m.ClientID, m.Body, m.CreatedAt)
	}
	// Of a message's entries, actor and time are the message's.
	columns := []string{"user_id", "event_seq", "kind", "conversation_id", "seq", "actor_id", "created_at"}
	posts, others := db.Insert{Table: "user_events", Columns: columns[:5]}, db.Insert{Table: "user_events", Columns: columns}
	for _, e := range u.entries {
		if e.Kind == kindMessage {
			posts.Rows = append(posts.Rows, e.UserID, e.EventSeq, e.Kind, e.ConversationID, e.Seq)
		} else {
			others.Rows = append(others.Rows, e.UserID, e.EventSeq, e.Kind, e.ConversationID, e.Seq, e.ActorID, e.CreatedAt)
		}
	}
	clocks := db.Insert{Table: "user_clocks", Columns: []string{"user_id", "last_seq"}, Set: []string{"last_seq"}}
	for _, user := range sorted(u.clocks) {
		clocks.Rows = append(clocks.Rows, user, u.clocks[user])
	}
	audits := db.Insert{Table: "audit_log", Columns: audit.Columns}
	for _, r := range u.audits {
		audits.Rows = append(audits.Rows, r.sealed().Values()...)
	}
	list := []db.Insert{messages, posts, others, clocks, u.changedMembers(), audits, {Table: "outbox", Columns: outbox.Columns, Rows: u.row.Values()}}
	return slices.DeleteFunc(list, func(i db.Insert) bool { return len(i.Rows) == 0 })
}

func (u *unit) changedMembers() db.Insert {
	keys := slices.SortedFunc(maps.Keys(u.changed), func(a, b memberKey) int {
		return cmp.Or(a.conversation.Compare(b.conversation), a.user.Compare(b.user))
	})
	changed := []string{"last_seq", "read_seq", "activity", "gate"}
	list := db.Insert{Table: "members", Columns: append([]string{"conversation_id", "user_id"}, changed...), Set: changed}
	for _, k := range keys {
		m := u.members[k]
		list.Rows = append(list.Rows, k.conversation, k.user, m.lastSeq, m.readSeq, m.activity, uint8(m.gate))
	}
	return list
}

// unique sorts ids and drops repetitions, in place.
func unique(ids []id.ID) []id.ID {
	slices.SortFunc(ids, id.ID.Compare)
	return slices.Compact(ids)
}

func sorted(counters map[id.ID]uint64) []id.ID {
	return slices.SortedFunc(maps.Keys(counters), id.ID.Compare)
}

func anys(ids []id.ID) []any {
	list := make([]any, len(ids))
	for i, v := range ids {
		list[i] = v
	}
	return list
}
