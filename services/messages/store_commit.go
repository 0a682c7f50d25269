package messages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
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
	rows     []outbox.Row
}

// commit writes a batch in one transaction and sets each write's outcome. It
// returns the events to publish. An error means that nothing was written.
//
// Conversations are locked first, then clocks, each in the order of their
// keys, so that two batches never wait for each other crosswise. Numbers are
// allocated under those locks: they are dense, and a later number was
// committed later.
func (s *store) commit(ctx context.Context, batch []*write) ([]outbox.Row, error) {
	epoch, err := s.epoch(ctx)
	if err != nil {
		return nil, err
	}
	var u *unit
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		u = &unit{epoch: epoch, at: now(), marks: map[memberKey]memberMark{}}
		if err := s.lock(tx, u, batch); err != nil {
			return err
		}
		for _, w := range batch {
			w.outcome = u.apply(w)
		}
		return s.save(tx, u)
	})
	if err != nil {
		return nil, err
	}
	return u.rows, nil
}

// lock reads everything the batch depends on, under locks.
func (s *store) lock(tx *gorm.DB, u *unit, batch []*write) error {
	var convs, users, readConvs, clients []id.ID
	for _, w := range batch {
		convs = append(convs, w.where.id)
		users = append(users, w.where.members...)
		if w.isRead() {
			readConvs = append(readConvs, w.where.id)
		} else {
			clients = append(clients, w.clientID)
		}
	}
	var err error
	if u.convs, err = s.lockCounters(tx, "SELECT id, last_seq FROM conversations WHERE id %s ORDER BY id", convs); err != nil {
		return err
	}
	if u.clocks, err = s.lockCounters(tx, "SELECT user_id, last_seq FROM user_clocks WHERE user_id %s ORDER BY user_id", users); err != nil {
		return err
	}
	if u.reads, err = s.readMarks(tx, readConvs); err != nil {
		return err
	}
	// After the locks: what a rival transaction just committed is visible.
	u.existing, err = s.existing(tx, clients)
	return err
}

func (s *store) lockCounters(tx *gorm.DB, query string, ids []id.ID) (map[id.ID]uint64, error) {
	ids = unique(ids)
	query = fmt.Sprintf(query, in(len(ids)))
	if s.db.Dialect == db.MySQL {
		query += " FOR UPDATE"
	}
	rows, err := tx.Raw(query, anys(ids)...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counters := make(map[id.ID]uint64, len(ids))
	for rows.Next() {
		var key id.ID
		var n uint64
		if err := rows.Scan(&key, &n); err != nil {
			return nil, err
		}
		counters[key] = n
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(counters) != len(ids) {
		return nil, errors.New("messages: a conversation or a clock has no row")
	}
	return counters, nil
}

func (s *store) readMarks(tx *gorm.DB, convs []id.ID) (map[memberKey]uint64, error) {
	marks := map[memberKey]uint64{}
	if len(convs) == 0 {
		return marks, nil
	}
	convs = unique(convs)
	rows, err := tx.Raw("SELECT conversation_id, user_id, read_seq FROM members WHERE conversation_id "+in(len(convs)), anys(convs)...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k memberKey
		var seq uint64
		if err := rows.Scan(&k.conversation, &k.user, &seq); err != nil {
			return nil, err
		}
		marks[k] = seq
	}
	return marks, rows.Err()
}

func (s *store) existing(tx *gorm.DB, clients []id.ID) (map[clientKey]Message, error) {
	found := map[clientKey]Message{}
	if len(clients) == 0 {
		return found, nil
	}
	clients = unique(clients)
	list, err := s.scanMessages(tx, messageColumns+"WHERE m.client_id "+in(len(clients)), anys(clients)...)
	for _, m := range list {
		found[clientKey{m.SenderID, m.ClientID}] = m
	}
	return found, err
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

// save writes what was numbered: one statement per table.
func (s *store) save(tx *gorm.DB, u *unit) error {
	if len(u.entries) == 0 {
		return nil // replays only
	}
	for _, e := range u.entries {
		data, err := e.encode(u.epoch)
		if err != nil {
			return err
		}
		user := e.UserID.String()
		u.rows = append(u.rows, outbox.Row{
			Subject: events.Subject(events.ServiceMessages, events.NameLogged, user),
			MsgID:   cursor{u.epoch, e.EventSeq}.String() + "-" + user,
			Type:    events.NameLogged, Payload: data, CreatedAt: u.at,
		})
	}
	if err := s.saveMessages(tx, u); err != nil {
		return err
	}
	args := make([]any, 0, 7*len(u.entries))
	for _, e := range u.entries {
		args = append(args, e.UserID, e.EventSeq, e.Kind, e.ConversationID, e.Seq, e.ActorID, e.CreatedAt)
	}
	if err := insert(tx, "INSERT INTO user_events (user_id, event_seq, kind, conversation_id, seq, actor_id, created_at) VALUES ", 7, args, ""); err != nil {
		return err
	}
	if err := saveCounters(tx, "user_clocks", "user_id", u.clocks); err != nil {
		return err
	}
	if err := s.saveMarks(tx, u); err != nil {
		return err
	}
	return outbox.Insert(tx, u.rows)
}

func (s *store) saveMessages(tx *gorm.DB, u *unit) error {
	if len(u.messages) == 0 {
		return nil
	}
	args := make([]any, 0, 7*len(u.messages))
	for _, m := range u.messages {
		args = append(args, m.ConversationID, m.Seq, m.ID, m.SenderID, m.ClientID, m.Body, m.CreatedAt)
	}
	if err := insert(tx, "INSERT INTO messages (conversation_id, seq, id, sender_id, client_id, body, created_at) VALUES ", 7, args, ""); err != nil {
		return err
	}
	return saveCounters(tx, "conversations", "id", u.convs)
}

// saveMarks moves members' read marks and activity. The rows exist: the INSERT
// part never takes effect and only says which row to update.
func (s *store) saveMarks(tx *gorm.DB, u *unit) error {
	keys := make([]memberKey, 0, len(u.marks))
	for k := range u.marks {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b memberKey) int {
		return cmp.Or(a.conversation.Compare(b.conversation), a.user.Compare(b.user))
	})
	args := make([]any, 0, 5*len(keys))
	for _, k := range keys {
		args = append(args, k.conversation, k.user, u.marks[k].readSeq, u.marks[k].activity, u.at)
	}
	tail := " ON DUPLICATE KEY UPDATE read_seq = GREATEST(read_seq, VALUES(read_seq)), activity = GREATEST(activity, VALUES(activity))"
	if s.db.Dialect == db.SQLite {
		tail = " ON CONFLICT (conversation_id, user_id) DO UPDATE SET read_seq = MAX(read_seq, excluded.read_seq), activity = MAX(activity, excluded.activity)"
	}
	return insert(tx, "INSERT INTO members (conversation_id, user_id, read_seq, activity, joined_at) VALUES ", 5, args, tail)
}

// saveCounters sets last_seq of several rows in one UPDATE.
func saveCounters(tx *gorm.DB, table, key string, counters map[id.ID]uint64) error {
	var when strings.Builder
	ids := make([]id.ID, 0, len(counters))
	for k := range counters {
		ids = append(ids, k)
	}
	ids = unique(ids)
	args := make([]any, 0, 3*len(ids))
	for _, k := range ids {
		when.WriteString(" WHEN ? THEN ?")
		args = append(args, k, counters[k])
	}
	args = append(args, anys(ids)...)
	return tx.Exec("UPDATE "+table+" SET last_seq = CASE "+key+when.String()+" END WHERE "+key+" "+in(len(ids)), args...).Error
}

// insert runs one multi-row INSERT of rows of the given width.
func insert(tx *gorm.DB, head string, width int, args []any, tail string) error {
	row := "(?" + strings.Repeat(",?", width-1) + ")"
	return tx.Exec(head+row+strings.Repeat(","+row, len(args)/width-1)+tail, args...).Error
}

// unique sorts ids and drops repetitions, in place.
func unique(ids []id.ID) []id.ID {
	slices.SortFunc(ids, id.ID.Compare)
	return slices.Compact(ids)
}

func anys(ids []id.ID) []any {
	list := make([]any, len(ids))
	for i, v := range ids {
		list[i] = v
	}
	return list
}
