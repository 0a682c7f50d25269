package messages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// clock is the state of one user's log: LastSeq is its head, entries up to
// TrimmedSeq are gone.
type clock struct {
	UserID     id.ID
	LastSeq    uint64
	TrimmedSeq uint64
}

// log returns a user's clock and up to limit entries after the given number,
// with the messages they refer to, in one query: a client that comes back
// costs one. A user without a log has the zero clock.
func (s *store) log(ctx context.Context, user id.ID, after uint64, limit int) (clock, []entry, error) {
	const query = `
SELECT k.last_seq, k.trimmed_seq, e.event_seq, e.kind, e.conversation_id, e.seq, e.actor_id, e.created_at,
       m.id, m.sender_id, m.client_id, m.body, m.created_at
FROM user_clocks k
LEFT JOIN user_events e ON e.user_id = k.user_id AND e.event_seq > ?
LEFT JOIN messages m ON e.kind = 1 AND m.conversation_id = e.conversation_id AND m.seq = e.seq
WHERE k.user_id = ? ORDER BY e.event_seq LIMIT ?`
	c := clock{UserID: user}
	rows, err := s.db.R.WithContext(ctx).Raw(query, after, user, max(limit, 1)).Rows()
	if err != nil {
		return c, nil, err
	}
	defer rows.Close()
	var list []entry
	for rows.Next() {
		var e entry
		var eventSeq, seq *uint64
		var kind *uint8
		var at, sent *time.Time
		var body *string
		err := rows.Scan(&c.LastSeq, &c.TrimmedSeq, &eventSeq, &kind, &e.ConversationID, &seq, &e.ActorID, &at,
			&e.Message.ID, &e.Message.SenderID, &e.Message.ClientID, &body, &sent)
		if err != nil {
			return c, nil, fmt.Errorf("messages: reading a log: %w", err)
		}
		if eventSeq == nil || len(list) == limit {
			continue // a clock without newer entries
		}
		e.UserID, e.EventSeq, e.Kind, e.Seq = user, *eventSeq, *kind, *seq
		if e.Kind == kindMessage && at != nil {
			e.Kind = kindErased
		} else if body != nil {
			e.Message.ConversationID, e.Message.Seq, e.Message.Body, e.Message.CreatedAt = e.ConversationID, e.Seq, *body, *sent
			e.ActorID, at = e.Message.SenderID, sent
		}
		if at != nil {
			e.CreatedAt = *at
		}
		list = append(list, e)
	}
	return c, list, db.Wrap(rows.Err())
}

// heads returns the heads of several users' logs in one query.
func (s *store) heads(ctx context.Context, users []id.ID) (map[string]uint64, error) {
	heads := make(map[string]uint64, len(users))
	if len(users) == 0 {
		return heads, nil
	}
	args := make([]any, len(users))
	for i, u := range users {
		args[i] = u
	}
	rows, err := s.db.R.WithContext(ctx).Raw("SELECT user_id, last_seq FROM user_clocks WHERE user_id "+in(len(users)), args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c clock
		if err := rows.Scan(&c.UserID, &c.LastSeq); err != nil {
			return nil, err
		}
		heads[c.UserID.String()] = c.LastSeq
	}
	return heads, db.Wrap(rows.Err())
}

const (
	trimUsers   = 200 // users looked at per query
	trimEntries = 500 // entries of one user removed per transaction
)

// trim removes entries older than cutoff, user by user in the order of the
// primary key, and returns how many. The newest entry of a log always stays.
func (s *store) trim(ctx context.Context, cutoff time.Time) (int, error) {
	total := 0
	for from := id.Nil; ; {
		var users []clock
		err := s.db.R.WithContext(ctx).Raw(
			"SELECT user_id, last_seq, trimmed_seq FROM user_clocks WHERE user_id > ? ORDER BY user_id LIMIT ?", from, trimUsers).Scan(&users).Error
		if err != nil || len(users) == 0 {
			return total, err
		}
		for _, c := range users {
			n, err := s.trimUser(ctx, c, cutoff)
			total += n
			if err != nil {
				return total, err
			}
		}
		from = users[len(users)-1].UserID
	}
}

func (s *store) trimUser(ctx context.Context, c clock, cutoff time.Time) (int, error) {
	total := 0
	for c.TrimmedSeq+1 < c.LastSeq {
		old, err := s.oldPrefix(ctx, c, cutoff)
		if err != nil || old == c.TrimmedSeq {
			return total, err
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			return errors.Join(
				tx.Exec("UPDATE user_clocks SET trimmed_seq = ? WHERE user_id = ? AND trimmed_seq < ?", old, c.UserID, old).Error,
				tx.Exec("DELETE FROM user_events WHERE user_id = ? AND event_seq <= ?", c.UserID, old).Error,
			)
		})
		if err != nil {
			return total, err
		}
		total += int(old - c.TrimmedSeq)
		c.TrimmedSeq = old
	}
	return total, nil
}

// oldPrefix returns the last number of the unbroken run of old entries at the
// log's beginning. Clocks may differ between replicas; numbers may not.
func (s *store) oldPrefix(ctx context.Context, c clock, cutoff time.Time) (uint64, error) {
	rows, err := s.db.R.WithContext(ctx).Raw(
		"SELECT e.event_seq, e.created_at, m.created_at FROM user_events e LEFT JOIN messages m ON m.conversation_id = e.conversation_id AND m.seq = e.seq "+
			"WHERE e.user_id = ? AND e.event_seq > ? AND e.event_seq < ? ORDER BY e.event_seq LIMIT ?",
		c.UserID, c.TrimmedSeq, c.LastSeq, trimEntries).Rows()
	if err != nil {
		return c.TrimmedSeq, err
	}
	defer rows.Close()
	old := c.TrimmedSeq
	for rows.Next() {
		var seq uint64
		var own, message *time.Time
		if err := rows.Scan(&seq, &own, &message); err != nil {
			return c.TrimmedSeq, err
		}
		if at := cmp.Or(own, message); at != nil && !at.Before(cutoff) {
			break
		}
		old = seq
	}
	return old, db.Wrap(rows.Err())
}
