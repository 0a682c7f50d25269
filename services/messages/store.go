package messages

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// store holds every SQL statement of the service (the transaction that writes
// messages is in store_commit.go). Statements are portable between MySQL and
// SQLite; what differs is an upsert, and dialect() has it.
type store struct {
	db         *db.DB
	knownEpoch atomic.Pointer[string]
}

// now is the one way to make a stored time: both databases keep microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// onDuplicate completes an INSERT: keep the row that is there.
func (s *store) onDuplicate(key string) string {
	if s.db.Dialect == db.SQLite {
		return " ON CONFLICT DO NOTHING"
	}
	return " ON DUPLICATE KEY UPDATE " + key + " = " + key
}

// epoch returns which history this database is. It is made once, by whichever
// replica comes first, and changed by a restore.
func (s *store) epoch(ctx context.Context) (string, error) {
	if e := s.knownEpoch.Load(); e != nil {
		return *e, nil
	}
	var fresh [epochDigits / 2]byte
	_, _ = rand.Read(fresh[:]) // never fails since Go 1.24
	w := s.db.W.WithContext(ctx)
	insert := "INSERT INTO meta (name, value) VALUES ('epoch', ?)" + s.onDuplicate("name")
	if err := w.Exec(insert, hex.EncodeToString(fresh[:])).Error; err != nil {
		return "", err
	}
	var value string
	if err := w.Raw("SELECT value FROM meta WHERE name = 'epoch'").Scan(&value).Error; err != nil {
		return "", err
	}
	s.knownEpoch.Store(&value)
	return value, nil
}

// NewEpoch gives the logs in schema d another epoch: every client whose cursor is
// of the old one loads anew instead of going on. For a restored database, which
// has forgotten what some clients know. Processes that run keep the old one.
func NewEpoch(ctx context.Context, d *db.DB) (string, error) {
	var fresh [epochDigits / 2]byte
	_, _ = rand.Read(fresh[:]) // never fails since Go 1.24
	value := hex.EncodeToString(fresh[:])
	err := d.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM meta WHERE name = 'epoch'").Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO meta (name, value) VALUES ('epoch', ?)", value).Error
	})
	return value, err
}

func (s *store) personExists(ctx context.Context, user id.ID) (bool, error) {
	var n int
	err := s.db.R.WithContext(ctx).Raw("SELECT COUNT(*) FROM people WHERE user_id = ?", user).Scan(&n).Error
	return n > 0, err
}

// savePerson keeps the newest version of a profile, in whatever order they come,
// and reports whether somebody who was known has changed.
func (s *store) savePerson(ctx context.Context, user id.ID, p events.ProfileChanged) (changed bool, err error) {
	insert := "INSERT INTO people (user_id, username, display_name, version) VALUES (?, ?, ?, ?)" + s.onDuplicate("user_id")
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec(insert, user, p.Username, p.DisplayName, p.Version).Error; err != nil {
			return err
		}
		update := tx.Exec("UPDATE people SET username = ?, display_name = ?, version = ? WHERE user_id = ? AND version < ?",
			p.Username, p.DisplayName, p.Version, user, p.Version)
		changed = update.RowsAffected > 0
		return update.Error
	})
	return changed, err
}

// openConversation returns the id of the conversation with this key, making it
// and its members' clocks when there is none and first allows it. Two who open
// at once get one.
func (s *store) openConversation(ctx context.Context, kind Kind, key []byte, members []id.ID, first func() error) (id.ID, error) {
	var found id.ID
	find := func(g *gorm.DB) error {
		return g.Raw("SELECT id FROM conversations WHERE direct_key = ?", key).Row().Scan(&found)
	}
	if err := find(s.db.R.WithContext(ctx)); err == nil {
		return found, nil
	}
	if err := first(); err != nil {
		return found, err
	}
	t := now()
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, members); err != nil {
			return err
		}
		fresh := id.New()
		insert := "INSERT INTO conversations (id, kind, direct_key, created_at) VALUES (?, ?, ?, ?)" + s.onDuplicate("direct_key")
		if err := tx.Exec(insert, fresh, kind, key, t).Error; err != nil {
			return err
		}
		if err := find(tx); err != nil {
			return err
		}
		if found != fresh {
			return nil // another request was first, and has committed the members
		}
		for _, user := range members {
			err := tx.Exec("INSERT INTO members (conversation_id, user_id, last_seq, read_seq, activity) VALUES (?, ?, 0, 0, 0)", fresh, user).Error
			if err != nil {
				return err
			}
		}
		if err := applyPolicies(tx, fresh, members); err != nil {
			return err
		}
		return applyBlocks(tx, fresh, members)
	})
	return found, err
}

// findDirect returns the conversation with this key and its last_seq; Nil and 0
// when there is none.
func (s *store) findDirect(ctx context.Context, key []byte) (found id.ID, last uint64, err error) {
	rows, err := s.db.R.WithContext(ctx).Raw("SELECT c.id, m.last_seq FROM conversations c JOIN members m ON m.conversation_id = c.id WHERE c.direct_key = ? LIMIT 1", key).Rows()
	if err != nil {
		return found, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&found, &last); err != nil {
			return found, 0, err
		}
	}
	return found, last, db.Wrap(rows.Err())
}

// membership returns who is in a conversation; nobody when there is none.
func (s *store) membership(ctx context.Context, conversation id.ID) (membership, error) {
	m := membership{id: conversation}
	rows, err := s.db.R.WithContext(ctx).Raw("SELECT user_id FROM members WHERE conversation_id = ? ORDER BY user_id", conversation).Rows()
	if err != nil {
		return m, err
	}
	defer rows.Close()
	for rows.Next() {
		var user id.ID
		if err := rows.Scan(&user); err != nil {
			return m, err
		}
		m.members = append(m.members, user)
	}
	return m, db.Wrap(rows.Err())
}

// conversationColumns is a conversation as member m sees it, with its last
// message lm, the other member p and the peer's profile pp: one query for a
// whole list.
const conversationColumns = `
SELECT c.id, c.kind, m.last_seq, c.created_at, m.read_seq, m.activity,
       COALESCE(p.user_id, m.user_id), CASE WHEN (p.gate & 3) > 0 THEN 0 ELSE COALESCE(p.shown_seq, p.read_seq, m.read_seq) END, m.blocked, m.gate, COALESCE(p.gate & 16, 0), COALESCE(pp.username, ''), COALESCE(pp.display_name, ''),
       lm.id, lm.sender_id, lm.client_id, lm.body, lm.created_at
FROM members m
JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN members p ON p.conversation_id = m.conversation_id AND p.user_id <> m.user_id
LEFT JOIN people pp ON pp.user_id = COALESCE(p.user_id, m.user_id)
LEFT JOIN messages lm ON lm.conversation_id = m.conversation_id AND lm.seq = m.last_seq
WHERE m.user_id = ?`

// conversation returns one conversation of user; not-found for a stranger.
func (s *store) conversation(ctx context.Context, user, conversation id.ID) (Conversation, error) {
	list, err := s.scanConversations(ctx, conversationColumns+" AND m.conversation_id = ?", user, conversation)
	if err == nil && len(list) == 0 {
		err = errNoConversation()
	}
	if err != nil {
		return Conversation{}, err
	}
	return list[0], nil
}

// lastSeq returns the end of a conversation of user; not-found for a stranger.
func (s *store) lastSeq(ctx context.Context, user, conversation id.ID) (uint64, error) {
	var last []uint64
	err := s.db.R.WithContext(ctx).Raw(
		"SELECT last_seq FROM members WHERE conversation_id = ? AND user_id = ?", conversation, user).Scan(&last).Error
	if err == nil && len(last) == 0 {
		err = errNoConversation()
	}
	if err != nil {
		return 0, err
	}
	return last[0], nil
}

// listed is which conversations are in a list, by the state of the request.
var listed = map[string]string{
	"":              "(m.gate & 2) = 0",
	requestIncoming: "(m.gate & 3) = 1",
	requestIgnored:  "(m.gate & 2) > 0",
}

// conversations returns up to limit of user's conversations that have messages,
// the newest first, beginning below the given activity (0: from the top). which
// is a request's state; "" means all but what is ignored.
func (s *store) conversations(ctx context.Context, user id.ID, which string, below uint64, limit int) ([]Conversation, error) {
	query, args := conversationColumns+" AND m.activity > 0 AND "+listed[which], []any{user}
	if below > 0 {
		query, args = query+" AND m.activity < ?", append(args, below)
	}
	return s.scanConversations(ctx, query+" ORDER BY m.activity DESC LIMIT ?", append(args, limit)...)
}

// countConversations counts what conversations gives page by page.
func (s *store) countConversations(ctx context.Context, user id.ID, which string) (*int, error) {
	var n int
	err := s.db.R.WithContext(ctx).Raw("SELECT COUNT(*) FROM members m WHERE m.user_id = ? AND m.activity > 0 AND "+listed[which], user).Scan(&n).Error
	return &n, db.Wrap(err)
}

// unreadBelow reports whether one of user's conversations below an activity has
// unread messages; those of requests do not count.
func (s *store) unreadBelow(ctx context.Context, user id.ID, below uint64) (bool, error) {
	var found []int
	err := s.db.R.WithContext(ctx).Raw("SELECT 1 FROM members m WHERE m.user_id = ? AND m.activity > 0 AND m.activity < ? AND m.last_seq > m.read_seq AND (m.gate & 3) = 0 LIMIT 1", user, below).Scan(&found).Error
	return len(found) > 0, db.Wrap(err)
}

// conversationsFrom returns the next of all conversations of user that have
// messages, in the order of their ids.
func (s *store) conversationsFrom(ctx context.Context, user, after id.ID, limit int) ([]Conversation, error) {
	return s.scanConversations(ctx, conversationColumns+" AND m.activity > 0 AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?", user, after, limit)
}

func (s *store) scanConversations(ctx context.Context, query string, args ...any) ([]Conversation, error) {
	rows, err := s.db.R.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Conversation
	for rows.Next() {
		var c Conversation
		var last Message
		var body *string
		var sent *time.Time
		err := rows.Scan(&c.ID, &c.Kind, &c.LastSeq, &c.CreatedAt, &c.ReadSeq, &c.Activity,
			&c.Peer.ID, &c.PeerReadSeq, &c.Blocked, &c.gate, &c.peerGate, &c.Peer.Username, &c.Peer.DisplayName,
			&last.ID, &last.SenderID, &last.ClientID, &body, &sent)
		if err != nil {
			return nil, fmt.Errorf("messages: reading conversations: %w", err)
		}
		if body != nil {
			last.ConversationID, last.Seq, last.Body, last.CreatedAt = c.ID, c.LastSeq, *body, *sent
			c.Last = &last
		}
		list = append(list, c)
	}
	return list, db.Wrap(rows.Err())
}

const messageColumns = "SELECT m.conversation_id, m.seq, m.id, m.sender_id, m.client_id, m.body, m.created_at FROM messages m "

// message returns a message of a conversation that user is in; not-found
// otherwise, whether the message exists or not.
func (s *store) message(ctx context.Context, user, message id.ID) (Message, error) {
	list, err := s.scanMessages(s.db.R.WithContext(ctx),
		messageColumns+"JOIN members u ON u.conversation_id = m.conversation_id AND u.user_id = ? WHERE m.id = ?", user, message)
	if err == nil && len(list) == 0 {
		err = errs.New(errs.NotFound, "There is no such message.")
	}
	if err != nil {
		return Message{}, err
	}
	return list[0], nil
}

// messages returns a stretch of a conversation, oldest first: one range read
// of the primary key.
func (s *store) messages(ctx context.Context, conversation id.ID, at PageInput) ([]Message, error) {
	query, args := messageColumns+"WHERE m.conversation_id = ?", []any{conversation}
	order := " ORDER BY m.seq DESC LIMIT ?"
	switch {
	case at.After.IsSet:
		query, args, order = query+" AND m.seq > ?", append(args, at.After.Value), " ORDER BY m.seq LIMIT ?"
	case at.Before.IsSet:
		query, args = query+" AND m.seq < ?", append(args, at.Before.Value)
	}
	list, err := s.scanMessages(s.db.R.WithContext(ctx), query+order, append(args, at.Limit)...)
	if !at.After.IsSet {
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	return list, err
}

func (s *store) scanMessages(g *gorm.DB, query string, args ...any) ([]Message, error) {
	rows, err := g.Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Message
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, fmt.Errorf("messages: reading messages: %w", err)
		}
		list = append(list, m)
	}
	return list, db.Wrap(rows.Err())
}

// scanMessage reads one row of messageColumns.
func scanMessage(rows *sql.Rows) (m Message, err error) {
	return m, rows.Scan(&m.ConversationID, &m.Seq, &m.ID, &m.SenderID, &m.ClientID, &m.Body, &m.CreatedAt)
}

// in writes "IN (?,?,…)" for n values.
func in(n int) string { return "IN (?" + strings.Repeat(",?", n-1) + ")" }
