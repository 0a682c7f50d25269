package messages

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// memberKey names one row of members.
type memberKey struct{ conversation, user id.ID }

// memberMark is what a batch changes of one member.
type memberMark struct{ readSeq, activity uint64 }

// clientKey is the idempotency key of a message.
type clientKey struct{ sender, client id.ID }

// unit is the work of one transaction: what was read under locks, numbered in
// memory, and is written at the end in one statement per table.
type unit struct {
	epoch    string
	at       time.Time
	convs    map[id.ID]uint64 // last_seq
	clocks   map[id.ID]uint64 // last event_seq
	marks    map[memberKey]memberMark
	reads    map[memberKey]uint64 // read_seq as stored, for conversations with read marks
	existing map[clientKey]Message

	messages []Message
	entries  []entry
	row      outbox.Row
}

// commit writes a batch in one transaction and sets each write's outcome. It
// returns the outbox row and the events it stands for. An error means that
// nothing was written.
//
// The clocks of all involved users are locked, in the order of their ids, so
// that two batches never wait for each other crosswise. Whoever writes to a
// conversation holds the clocks of all its members, so these locks guard the
// conversations as well. Numbers are allocated under them: they are dense, and
// a later number was committed later.
//
// That a message was posted before is rare, so it is not asked: the unique key
// says so, and only then the batch is tried again with that question in it.
func (s *store) commit(ctx context.Context, batch []*write) (outbox.Row, []bus.Message, error) {
	epoch, err := s.epoch(ctx)
	if err != nil {
		return outbox.Row{}, nil, err
	}
	u := &unit{epoch: epoch}
	for _, careful := range []bool{false, true} {
		err = s.db.Batch(ctx, func() []db.Read { return u.begin(batch, careful) }, func() ([]db.Insert, error) { return u.write(batch) })
		if !db.IsDuplicate(err) {
			break
		}
	}
	if err != nil {
		return outbox.Row{}, nil, err
	}
	events, err := u.events()
	return u.row, events, err
}

// begin forgets what an earlier try found and says what to read.
func (u *unit) begin(batch []*write, careful bool) []db.Read {
	*u = unit{
		epoch: u.epoch, at: now(),
		convs: map[id.ID]uint64{}, clocks: map[id.ID]uint64{},
		marks: map[memberKey]memberMark{}, reads: map[memberKey]uint64{}, existing: map[clientKey]Message{},
	}
	var convs, users, readConvs, clients []id.ID
	for _, w := range batch {
		convs = append(convs, w.where.id)
		users = append(users, w.where.members...)
		if w.isRead() {
			readConvs = append(readConvs, w.where.id)
		} else if careful {
			clients = append(clients, w.clientID)
		}
	}
	reads := []db.Read{
		counters("SELECT user_id, last_seq FROM user_clocks WHERE user_id %s ORDER BY user_id"+db.ForUpdate, users, u.clocks),
		counters("SELECT id, last_seq FROM conversations WHERE id %s", convs, u.convs),
	}
	if len(readConvs) > 0 {
		reads = append(reads, u.readMarks(readConvs))
	}
	if len(clients) > 0 { // after the locks: what a rival transaction just committed is visible
		reads = append(reads, u.posted(clients))
	}
	return reads
}

// counters reads one number per id into found; query has a %s for the list.
func counters(query string, ids []id.ID, found map[id.ID]uint64) db.Read {
	ids = unique(ids)
	return db.Read{SQL: fmt.Sprintf(query, in(len(ids))), Args: anys(ids), Row: func(rows *sql.Rows) error {
		var key id.ID
		var n uint64
		err := rows.Scan(&key, &n)
		found[key] = n
		return err
	}}
}

func (u *unit) readMarks(convs []id.ID) db.Read {
	convs = unique(convs)
	const query = "SELECT conversation_id, user_id, read_seq FROM members WHERE conversation_id "
	return db.Read{SQL: query + in(len(convs)), Args: anys(convs), Row: func(rows *sql.Rows) error {
		var k memberKey
		var seq uint64
		err := rows.Scan(&k.conversation, &k.user, &seq)
		u.reads[k] = seq
		return err
	}}
}

func (u *unit) posted(clients []id.ID) db.Read {
	clients = unique(clients)
	return db.Read{SQL: messageColumns + "WHERE m.client_id " + in(len(clients)), Args: anys(clients), Row: func(rows *sql.Rows) error {
		m, err := scanMessage(rows)
		u.existing[clientKey{m.SenderID, m.ClientID}] = m
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
	if _, ok := u.convs[where.id]; !ok {
		return fmt.Errorf("messages: conversation %v has no row", where.id)
	}
	for _, user := range where.members {
		if _, ok := u.clocks[user]; !ok {
			return fmt.Errorf("messages: the clock of %v has no row", user)
		}
	}
	return nil
}

// apply numbers one write, or says why it is not written.
func (u *unit) apply(w *write) outcome {
	if w.isRead() {
		return u.applyRead(w)
	}
	key := clientKey{w.sender, w.clientID}
	if m, ok := u.existing[key]; ok {
		if m.ConversationID != w.where.id || m.Body != w.body {
			return outcome{err: errs.New(errs.ClientIDReused, "This client_id was used for another message. Nothing was written; make a new one for each message.")}
		}
		return outcome{message: m, replay: true}
	}
	u.convs[w.where.id]++
	m := Message{
		ConversationID: w.where.id, Seq: u.convs[w.where.id], ID: id.New(),
		SenderID: w.sender, ClientID: w.clientID, Body: w.body, CreatedAt: u.at,
	}
	u.existing[key] = m // the same key again in this batch is a replay
	u.messages = append(u.messages, m)
	for _, user := range w.where.members {
		k := memberKey{w.where.id, user}
		mark := u.marks[k]
		mark.activity = u.append(entry{UserID: user, Kind: kindMessage, ConversationID: m.ConversationID, Seq: m.Seq, ActorID: w.sender, Message: m})
		if user == w.sender {
			mark.readSeq = m.Seq
		}
		u.marks[k] = mark
	}
	return outcome{message: m}
}

// applyRead moves a read mark forward, never back and never past the end.
func (u *unit) applyRead(w *write) outcome {
	k := memberKey{w.where.id, w.sender}
	mark := u.marks[k]
	last := u.convs[w.where.id]
	current := max(u.reads[k], mark.readSeq)
	target := min(w.readSeq, last)
	if target <= current {
		return outcome{readSeq: current, lastSeq: last}
	}
	mark.readSeq = target
	u.marks[k] = mark
	for _, user := range w.where.members {
		u.append(entry{UserID: user, Kind: kindRead, ConversationID: w.where.id, Seq: target, ActorID: w.sender})
	}
	return outcome{readSeq: target, lastSeq: last}
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
	log := db.Insert{Table: "user_events", Columns: []string{"user_id", "event_seq", "kind", "conversation_id", "seq", "actor_id", "created_at"}}
	for _, e := range u.entries {
		log.Rows = append(log.Rows, e.UserID, e.EventSeq, e.Kind, e.ConversationID, e.Seq, e.ActorID, e.CreatedAt)
	}
	clocks := db.Insert{Table: "user_clocks", Columns: []string{"user_id", "last_seq", "trimmed_seq"}, Set: []string{"last_seq"}}
	for _, user := range sorted(u.clocks) {
		clocks.Rows = append(clocks.Rows, user, u.clocks[user], 0)
	}
	conversations := db.Insert{Table: "conversations", Columns: []string{"id", "kind", "last_seq", "created_at"}, Set: []string{"last_seq"}}
	for _, c := range sorted(u.convs) {
		conversations.Rows = append(conversations.Rows, c, 0, u.convs[c], u.at)
	}
	list := []db.Insert{messages, log, clocks, conversations, u.members(), {Table: "outbox", Columns: outbox.Columns, Rows: u.row.Values()}}
	if len(u.messages) == 0 {
		list = slices.DeleteFunc(list, func(i db.Insert) bool { return i.Table == "messages" || i.Table == "conversations" })
	}
	return list
}

// members moves members' read marks and activity, never back.
func (u *unit) members() db.Insert {
	keys := slices.SortedFunc(maps.Keys(u.marks), func(a, b memberKey) int {
		return cmp.Or(a.user.Compare(b.user), a.conversation.Compare(b.conversation))
	})
	list := db.Insert{
		Table: "members", Columns: []string{"conversation_id", "user_id", "read_seq", "activity", "joined_at"},
		Max: []string{"read_seq", "activity"},
	}
	for _, k := range keys {
		list.Rows = append(list.Rows, k.conversation, k.user, u.marks[k].readSeq, u.marks[k].activity, u.at)
	}
	return list
}

// events are what the outbox row stands for. Members of a conversation get the
// same content, encoded once.
func (u *unit) events() ([]bus.Message, error) {
	list := make([]bus.Message, 0, len(u.entries))
	var kind string
	var data json.RawMessage
	for i, e := range u.entries {
		if i == 0 || !e.sameContent(u.entries[i-1]) {
			var err error
			if kind, data, err = e.content(); err != nil {
				return nil, err
			}
		}
		list = append(list, e.event(u.epoch, e.frame(u.epoch, kind, data)))
	}
	return list, nil
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
