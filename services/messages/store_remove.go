package messages

import (
	"context"

	"gorm.io/gorm"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// remove erases the text of the message that a report is about and logs that for
// every member of its conversation, whose clocks it holds as whoever writes does.
// It returns what was written, nil when the text was gone already. Errors:
// not-found, invalid-body for a report about a person.
func (s *store) remove(tx *gorm.DB, report id.ID, epoch string) (*unit, error) {
	where, m, err := reported(tx, report)
	if err != nil || len(where.members) == 0 {
		return nil, err
	}
	if err := s.holdClocks(tx, where.members); err != nil {
		return nil, err
	}
	done := tx.Exec("UPDATE messages SET body = '' WHERE conversation_id = ? AND seq = ? AND body <> ''", m.ConversationID, m.Seq)
	if done.Error != nil || done.RowsAffected == 0 {
		return nil, done.Error
	}
	u := &unit{epoch: epoch, at: now(), clocks: map[id.ID]uint64{}}
	var clocks []clock
	err = tx.Raw("SELECT user_id, last_seq, trimmed_seq FROM user_clocks WHERE user_id "+in(len(where.members)), anys(where.members)...).Scan(&clocks).Error
	if err != nil {
		return nil, err
	}
	for _, c := range clocks {
		u.clocks[c.UserID] = c.LastSeq
	}
	for _, user := range where.members {
		u.append(entry{UserID: user, Kind: kindErased, ConversationID: m.ConversationID, Seq: m.Seq, Message: m})
	}
	u.row = outbox.Row{ID: id.New(), Type: outboxLog, Payload: references(u.entries), CreatedAt: u.at}
	return u, s.writeErased(tx, u)
}

// writeErased writes the entries of u and moves the clocks.
func (s *store) writeErased(tx *gorm.DB, u *unit) error {
	for _, e := range u.entries {
		err := tx.Exec("INSERT INTO user_events (user_id, event_seq, kind, conversation_id, seq, created_at) VALUES (?, ?, ?, ?, ?, ?)",
			e.UserID, e.EventSeq, kindMessage, e.ConversationID, e.Seq, e.CreatedAt).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE user_clocks SET last_seq = ? WHERE user_id = ?", e.EventSeq, e.UserID).Error; err != nil {
			return err
		}
	}
	return outbox.Insert(tx, []outbox.Row{u.row})
}

// reported returns the message that a report is about and its conversation;
// nobody is in it when there is none any more. Errors: not-found, invalid-body.
func reported(tx *gorm.DB, report id.ID) (where membership, m Message, err error) {
	var about []struct{ MessageID *id.ID }
	if err := tx.Raw("SELECT message_id FROM reports WHERE id = ?", report).Scan(&about).Error; err != nil {
		return where, m, err
	}
	if len(about) == 0 {
		return where, m, errNoReport()
	}
	if about[0].MessageID == nil {
		return where, m, errs.Invalid("body.decision", "This report is about a person: there is no message to remove.")
	}
	var found []struct {
		ConversationID id.ID
		Seq            uint64
	}
	err = tx.Raw("SELECT conversation_id, seq FROM messages WHERE id = ?", *about[0].MessageID).Scan(&found).Error
	if err != nil || len(found) == 0 {
		return where, m, err
	}
	m = Message{ConversationID: found[0].ConversationID, Seq: found[0].Seq, ID: *about[0].MessageID}
	where.id = m.ConversationID
	err = tx.Raw("SELECT user_id FROM members WHERE conversation_id = ? ORDER BY user_id", where.id).Scan(&where.members).Error
	return where, m, err
}

func errNoReport() error { return errs.New(errs.NotFound, "There is no such report.") }

// closeReport closes an open report and, where that is the decision, removes the
// message. It returns what was written to logs, nil for nothing. Errors:
// not-found, invalid-body; conflict when it is closed already.
func (s *store) closeReport(ctx context.Context, v verdict) (written *unit, err error) {
	epoch, err := s.epoch(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		written = nil
		if v.decision == decisionRemoved {
			if written, err = s.remove(tx, v.report, epoch); err != nil {
				return err
			}
		}
		at := now()
		done := tx.Exec("UPDATE reports SET state = 1, open_key = NULL, decision = ?, decision_note = ?, decided_by = ?, decided_at = ? WHERE id = ? AND state = 0",
			v.decision, v.note, v.by.Account, at, v.report)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			var n int
			if err := tx.Raw("SELECT COUNT(*) FROM reports WHERE id = ?", v.report).Scan(&n).Error; err != nil {
				return err
			}
			if n == 0 {
				return errNoReport()
			}
			return errs.New(errs.Conflict, "This report is closed already.")
		}
		what := detail(map[string]string{"report": v.report.String(), "decision": v.decision, "note": v.note})
		return s.audit(tx, auditRow{at: at, event: eventReportClosed, by: v.by, detail: what})
	})
	return written, err
}
