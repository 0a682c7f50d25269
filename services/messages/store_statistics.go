package messages

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// The rows of meta about counting: since when processes count what they write,
// and up to where what is older was counted.
const (
	metaCountSince = "count_since"
	metaCountAt    = "count_at"
	countedAll     = "done"
)

// addFigures adds to the figures. Rows are taken in one order, so that replicas
// do not wait for each other crosswise.
func (s *store) addFigures(ctx context.Context, days map[string]uint64, writers map[id.ID]time.Time) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.addDays(tx, "messages", days); err != nil {
			return err
		}
		return s.addWriters(tx, writers)
	})
}

// addDays adds to one column of days.
func (s *store) addDays(tx *gorm.DB, column string, days map[string]uint64) error {
	for _, day := range slices.Sorted(maps.Keys(days)) {
		err := tx.Exec("INSERT INTO message_days (day, messages, erased) VALUES (?, 0, 0)"+s.onDuplicate("day"), day).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE message_days SET "+column+" = "+column+" + ? WHERE day = ?", days[day], day).Error; err != nil {
			return err
		}
	}
	return nil
}

func (s *store) addWriters(tx *gorm.DB, writers map[id.ID]time.Time) error {
	for _, user := range slices.SortedFunc(maps.Keys(writers), id.ID.Compare) {
		at := writers[user]
		err := tx.Exec("INSERT INTO writers (user_id, last_at) VALUES (?, ?)"+s.onDuplicate("user_id"), user, at).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE writers SET last_at = ? WHERE user_id = ? AND last_at < ?", at, user, at).Error; err != nil {
			return err
		}
	}
	return nil
}

// countOld counts up to rows messages that were written before processes counted
// what they write; true when there are none left.
func (s *store) countOld(ctx context.Context, at time.Time, rows int) (done bool, err error) {
	if state, err := s.meta(s.db.R.WithContext(ctx), metaCountAt); err != nil || state == countedAll {
		return err == nil, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		for name, value := range map[string]string{metaCountSince: at.UTC().Format(time.RFC3339Nano), metaCountAt: ""} {
			if err := tx.Exec("INSERT INTO meta (name, value) VALUES (?, ?)"+s.onDuplicate("name"), name, value).Error; err != nil {
				return err
			}
		}
		// Whoever counts holds this row: one after the other.
		if err := tx.Exec("UPDATE meta SET value = value WHERE name = ?", metaCountAt).Error; err != nil {
			return err
		}
		var next string
		next, err = s.countPage(tx, rows)
		done = next == countedAll
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE meta SET value = ? WHERE name = ?", next, metaCountAt).Error
	})
	return done && err == nil, err
}

func (s *store) meta(g *gorm.DB, name string) (string, error) {
	var values []string
	err := g.Raw("SELECT value FROM meta WHERE name = ?", name).Scan(&values).Error
	if err != nil || len(values) == 0 {
		return "", err
	}
	return values[0], nil
}

// countPage counts the next messages and returns where they end.
func (s *store) countPage(tx *gorm.DB, rows int) (next string, err error) {
	text, err := s.meta(tx, metaCountSince)
	if err != nil {
		return "", err
	}
	since, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", err
	}
	at, err := s.meta(tx, metaCountAt)
	if err != nil || at == countedAll {
		return at, err
	}
	list, err := s.messagesAfter(tx, at, rows)
	if err != nil {
		return "", err
	}
	days, writers := map[string]uint64{}, map[id.ID]time.Time{}
	for _, m := range list {
		if !m.CreatedAt.Before(since) {
			continue
		}
		days[dayOf(m.CreatedAt)]++
		if m.CreatedAt.After(writers[m.SenderID]) && since.Sub(m.CreatedAt) < writersKept {
			writers[m.SenderID] = m.CreatedAt
		}
	}
	next = countedAll
	if len(list) == rows {
		last := list[rows-1]
		next = last.ConversationID.String() + " " + strconv.FormatUint(last.Seq, 10)
	}
	if err := s.addDays(tx, "messages", days); err != nil {
		return "", err
	}
	return next, s.addWriters(tx, writers)
}

// messagesAfter returns messages in the order of the primary key, without their
// texts, from behind the place that countPage named.
func (s *store) messagesAfter(tx *gorm.DB, at string, rows int) (list []Message, err error) {
	const columns = "SELECT conversation_id, seq, sender_id, created_at FROM messages WHERE "
	var from id.ID
	if at != "" {
		conversation, number, _ := strings.Cut(at, " ")
		seq, failed := strconv.ParseUint(number, 10, 64)
		if from, err = id.Parse(conversation); cmp.Or(err, failed) != nil {
			return nil, cmp.Or(err, failed)
		}
		err = tx.Raw(columns+"conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?", from, seq, rows).Scan(&list).Error
		if err != nil || len(list) == rows {
			return list, err
		}
	}
	var rest []Message
	err = tx.Raw(columns+"conversation_id > ? ORDER BY conversation_id, seq LIMIT ?", from, rows-len(list)).Scan(&rest).Error
	return append(list, rest...), err
}

// figures are what administrators see about messages.
type figures struct {
	Messages      uint64
	Conversations uint64
	OpenReports   uint64
	Writers       [3]uint64 // within 1, 7 and 30 days
	Days          []dayFigure
	Complete      bool // all that was written before anybody counted is counted
}

type dayFigure struct {
	Day      string
	Messages uint64
}

// figureDays is how many days are shown one by one.
const figureDays = 30

// figures reads a few thousand rows at most, whatever number of messages there
// is; only the conversations are counted one by one, in an index.
func (s *store) figures(ctx context.Context, at time.Time) (f figures, err error) {
	r := s.db.R.WithContext(ctx)
	for _, q := range []struct {
		to   *uint64
		sql  string
		args []any
	}{
		{&f.Messages, "SELECT COALESCE(SUM(messages), 0) FROM message_days", nil},
		{&f.Conversations, "SELECT COUNT(*) FROM conversations", nil},
		{&f.OpenReports, "SELECT COUNT(*) FROM reports WHERE state = 0", nil},
		{&f.Writers[0], writersSince, []any{at.AddDate(0, 0, -1)}},
		{&f.Writers[1], writersSince, []any{at.AddDate(0, 0, -7)}},
		{&f.Writers[2], writersSince, []any{at.AddDate(0, 0, -30)}},
	} {
		if err := r.Raw(q.sql, q.args...).Scan(q.to).Error; err != nil {
			return f, err
		}
	}
	first := at.AddDate(0, 0, 1-figureDays)
	var found []dayFigure
	if err := r.Raw("SELECT day, messages FROM message_days WHERE day >= ?", dayOf(first)).Scan(&found).Error; err != nil {
		return f, err
	}
	count := map[string]uint64{}
	for _, d := range found {
		count[d.Day] = d.Messages
	}
	for i := range figureDays {
		day := dayOf(first.AddDate(0, 0, i))
		f.Days = append(f.Days, dayFigure{Day: day, Messages: count[day]})
	}
	state, err := s.meta(r, metaCountAt)
	f.Complete = state == countedAll
	return f, db.Wrap(err)
}

const writersSince = "SELECT COUNT(*) FROM writers WHERE last_at >= ?"

// forgetWriters removes who has not written for long.
func (s *store) forgetWriters(ctx context.Context, before time.Time) error {
	return db.Wrap(s.db.W.WithContext(ctx).Exec("DELETE FROM writers WHERE last_at < ?", before).Error)
}
