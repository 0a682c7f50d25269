package messages

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// markPage is how many conversations get a mark at once.
const markPage = 500

// retention reads the setting; locked, it stays as it is until the transaction
// ends.
func (s *store) retention(g *gorm.DB, locked bool) (r Retention, err error) {
	query := "SELECT days, previous, takes_effect_at, version, changed_at FROM retention WHERE id = 1"
	if locked && s.db.Dialect != db.SQLite { // there a transaction is the only writer
		query += db.ForUpdate
	}
	var rows []Retention
	if err := g.Raw(query).Scan(&rows).Error; err != nil {
		return r, db.Wrap(err)
	}
	if len(rows) == 0 {
		return r, errors.New("messages: the table retention is empty")
	}
	return rows[0], nil
}

// setRetention stores another setting and says so in the audit log. From then on
// nothing is erased that the setting before asked for. Error: conflict.
func (s *store) setRetention(ctx context.Context, days int, version uint64, by auditor) (next Retention, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		old, err := s.retention(tx, true)
		if err != nil {
			return err
		}
		if old.Version != version {
			return errs.New(errs.Conflict, "Somebody else changed this meanwhile. Look at it again.")
		}
		at := now()
		if days == old.Days {
			next = old
			return nil
		}
		next = old.wanting(days, at)
		err = tx.Exec("UPDATE retention SET days = ?, previous = ?, takes_effect_at = ?, version = ?, changed_at = ? WHERE id = 1",
			next.Days, next.Previous, next.TakesEffectAt, next.Version, at).Error
		if err != nil {
			return err
		}
		what := map[string]string{"from": daysText(old.Days), "to": daysText(days)}
		if next.TakesEffectAt != nil {
			what["takes_effect_at"] = next.TakesEffectAt.Format(time.RFC3339)
		}
		return s.audit(tx, auditRow{at: at, event: eventRetention, by: by, detail: detail(what)})
	})
	return next, err
}

// wouldErase adds up the texts of all days up to that of cutoff.
func (s *store) wouldErase(ctx context.Context, cutoff time.Time) (texts uint64, complete bool, err error) {
	r := s.db.R.WithContext(ctx)
	var sum struct{ Messages, Erased uint64 }
	err = r.Raw("SELECT COALESCE(SUM(messages), 0) AS messages, COALESCE(SUM(erased), 0) AS erased FROM message_days WHERE day <= ?", dayOf(cutoff)).Scan(&sum).Error
	if err != nil {
		return 0, false, db.Wrap(err)
	}
	state, err := s.meta(r, metaCountAt)
	return sum.Messages - min(sum.Messages, sum.Erased), state == countedAll, db.Wrap(err)
}

// lease makes me the replica that erases, or keeps it so, for leaseTime; false
// while another one is, and where there is nothing to erase.
func (s *store) lease(ctx context.Context, me id.ID, at time.Time) (bool, error) {
	r, err := s.retention(s.db.R.WithContext(ctx), false)
	if err != nil || r.holds(at) == 0 {
		return false, err
	}
	done := s.db.W.WithContext(ctx).Exec("UPDATE retention SET lease_by = ?, lease_until = ? WHERE id = 1 AND (lease_by = ? OR lease_until IS NULL OR lease_until < ?)",
		me, at.Add(leaseTime), me, at)
	return done.RowsAffected > 0, db.Wrap(done.Error)
}

// markConversations gives the next conversations a mark, in the order of their
// ids, which is that of their age. The newest wait: one of them may still be
// committed with an older id, and nothing in them is due.
func (s *store) markConversations(ctx context.Context) (_ int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var walked id.ID
		if err := tx.Raw("SELECT walked FROM retention WHERE id = 1").Row().Scan(&walked); err != nil {
			return err
		}
		var list []struct {
			ID        id.ID
			CreatedAt time.Time
		}
		err := tx.Raw("SELECT id, created_at FROM conversations WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
			walked, firstID(now().Add(-clockSlack)), markPage).Scan(&list).Error
		if more = len(list) == markPage; err != nil || len(list) == 0 {
			return err
		}
		insert := "INSERT INTO retention_marks (conversation_id, erased_seq, due_at) VALUES (?, 0, ?)" + s.onDuplicate("conversation_id")
		for _, c := range list {
			if err := tx.Exec(insert, c.ID, c.CreatedAt).Error; err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE retention SET walked = ? WHERE id = 1", list[len(list)-1].ID).Error
	})
	return 0, more, err
}

// firstID is below every id that is made at that time or later.
func firstID(at time.Time) (first id.ID) {
	ms := uint64(max(at.UnixMilli(), 0))
	for i := range 6 {
		first[i] = byte(ms >> (40 - 8*i))
	}
	return first
}

// mark is how far a conversation was erased.
type mark struct {
	ConversationID id.ID
	ErasedSeq      uint64
	DueAt          time.Time
}

// eraseDue erases old texts of the conversations that are longest due, as many as
// fit into one short transaction. It holds the setting meanwhile: who changes it
// waits for a moment, and then nothing more is erased by the old one.
func (s *store) eraseDue(ctx context.Context) (erased int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		erased, more = 0, false
		r, err := s.retention(tx, true)
		if err != nil {
			return err
		}
		cutoff, some := r.cutoff(now())
		if !some {
			return nil
		}
		var due []mark
		err = tx.Raw("SELECT conversation_id, erased_seq, due_at FROM retention_marks WHERE due_at < ? ORDER BY due_at LIMIT ?", cutoff, retainMarks).Scan(&due).Error
		if err != nil {
			return err
		}
		more = len(due) > 0
		for _, m := range due {
			n, err := s.eraseBefore(tx, m, cutoff)
			if erased += n; err != nil || erased >= retainRows {
				return err
			}
		}
		return nil
	})
	return erased, more, err
}

// eraseBefore erases the texts behind the mark that are older than cutoff, up to
// the first that is not, and moves the mark.
func (s *store) eraseBefore(tx *gorm.DB, m mark, cutoff time.Time) (erased int, err error) {
	var list []struct {
		Seq       uint64
		CreatedAt time.Time
		Kept      bool
	}
	err = tx.Raw("SELECT seq, created_at, body <> '' AS kept FROM messages WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
		m.ConversationID, m.ErasedSeq, retainRows).Scan(&list).Error
	if err != nil {
		return 0, err
	}
	// Nothing behind: what comes is younger than now, but for the clocks.
	next, days := mark{m.ConversationID, m.ErasedSeq, now().Add(-clockSlack)}, map[string]uint64{}
	if len(list) == retainRows {
		next.DueAt = m.DueAt // there is more to look at
	}
	for _, one := range list {
		if !one.CreatedAt.Before(cutoff) {
			next.DueAt = one.CreatedAt
			break
		}
		next.ErasedSeq = one.Seq
		if one.Kept {
			days[dayOf(one.CreatedAt)]++
			erased++
		}
	}
	if erased > 0 {
		err := tx.Exec("UPDATE messages SET body = '' WHERE conversation_id = ? AND seq > ? AND seq <= ?", m.ConversationID, m.ErasedSeq, next.ErasedSeq).Error
		if err != nil {
			return 0, err
		}
	}
	err = tx.Exec("UPDATE retention_marks SET erased_seq = ?, due_at = ? WHERE conversation_id = ?", next.ErasedSeq, next.DueAt, m.ConversationID).Error
	if err != nil {
		return 0, err
	}
	return erased, s.addDays(tx, "erased", days)
}

// eraseCopies erases the copies of old messages in reports that are closed.
func (s *store) eraseCopies(ctx context.Context) (_ int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		more = false
		r, err := s.retention(tx, true)
		if err != nil {
			return err
		}
		cutoff, some := r.cutoff(now())
		if !some {
			return nil
		}
		var old []id.ID
		err = tx.Raw("SELECT id FROM reports WHERE state = 1 AND sent_at < ? ORDER BY sent_at LIMIT ?", cutoff, retainRows).Scan(&old).Error
		if more = len(old) == retainRows; err != nil || len(old) == 0 {
			return err
		}
		return tx.Exec("UPDATE reports SET body = '', sent_at = NULL WHERE id "+in(len(old)), anys(old)...).Error
	})
	return 0, more, err
}
