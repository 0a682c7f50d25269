package messages

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/id"
)

// search is what an operator looks for in other people's messages.
type search struct {
	from, to     string // usernames or ids; one of them at least
	text         string
	since, until time.Time // zero: not bounded
	reason       string
}

// found is a message with who wrote it to whom.
type found struct {
	Message
	from, to Person
}

// auditSearch records a search before anything of it is shown.
func (s *store) auditSearch(ctx context.Context, q search, by auditor) error {
	what := map[string]string{"reason": q.reason, "from": q.from, "to": q.to, "text": q.text}
	for name, at := range map[string]time.Time{"since": q.since, "until": q.until} {
		if !at.IsZero() {
			what[name] = at.UTC().Format(time.RFC3339)
		}
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.audit(tx, auditRow{at: now(), event: eventMessagesSearch, by: by, detail: detail(what)})
	})
}

// named returns who a username or an id means; false for nobody.
func (s *store) named(ctx context.Context, name string) (user id.ID, ok bool, err error) {
	if user, err := id.Parse(name); err == nil {
		return user, true, nil
	}
	var users []id.ID
	err = s.db.R.WithContext(ctx).Raw("SELECT user_id FROM people WHERE username = ? LIMIT 1", strings.ToLower(name)).Scan(&users).Error
	if err != nil || len(users) == 0 {
		return user, false, err
	}
	return users[0], true, nil
}

// search returns up to limit messages, the newest first, beginning below the
// given position. It reads the conversations of one person, never all messages.
func (s *store) search(ctx context.Context, q search, below searchPosition, limit int) ([]found, error) {
	query := `
SELECT m.conversation_id, m.seq, m.id, m.sender_id, m.client_id, m.body, m.created_at,
       COALESCE(a.username, ''), COALESCE(a.display_name, ''), p.user_id, COALESCE(b.username, ''), COALESCE(b.display_name, '')
FROM members w
JOIN messages m ON m.conversation_id = w.conversation_id
JOIN members p ON p.conversation_id = m.conversation_id AND p.user_id <> m.sender_id
LEFT JOIN people a ON a.user_id = m.sender_id
LEFT JOIN people b ON b.user_id = p.user_id
WHERE w.user_id = ?`
	var args []any
	for _, side := range []struct{ name, column string }{{q.from, "m.sender_id"}, {q.to, "p.user_id"}} {
		if side.name == "" {
			continue
		}
		user, ok, err := s.named(ctx, side.name)
		if err != nil || !ok {
			return nil, err
		}
		if len(args) == 0 {
			args = append(args, user) // whose conversations
		}
		query, args = query+" AND "+side.column+" = ?", append(args, user)
	}
	add := func(use bool, condition string, values ...any) {
		if use {
			query, args = query+condition, append(args, values...)
		}
	}
	add(q.text != "", " AND LOWER(m.body) LIKE LOWER(?) ESCAPE '!'", "%"+likeText.Replace(q.text)+"%")
	add(!q.since.IsZero(), " AND m.created_at >= ?", q.since.UTC())
	add(!q.until.IsZero(), " AND m.created_at < ?", q.until.UTC())
	add(!below.At.IsZero(), " AND (m.created_at < ? OR (m.created_at = ? AND m.id < ?))", below.At, below.At, below.ID)
	return s.scanFound(ctx, query+" ORDER BY m.created_at DESC, m.id DESC LIMIT ?", append(args, limit)...)
}

var likeText = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func (s *store) scanFound(ctx context.Context, query string, args ...any) ([]found, error) {
	rows, err := s.db.R.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []found
	for rows.Next() {
		var f found
		err := rows.Scan(&f.ConversationID, &f.Seq, &f.ID, &f.SenderID, &f.ClientID, &f.Body, &f.CreatedAt,
			&f.from.Username, &f.from.DisplayName, &f.to.ID, &f.to.Username, &f.to.DisplayName)
		if err != nil {
			return nil, err
		}
		f.from.ID = f.SenderID
		list = append(list, f)
	}
	return list, rows.Err()
}
