package messages

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// saveReport stores a report and returns its id; that of the open one when there
// is one about the same already (known). Error: rate-limited. Reports of one
// person wait for each other, so that the count is right.
func (s *store) saveReport(ctx context.Context, r report, by auditor) (stored id.ID, known bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, []id.ID{r.reporter}); err != nil {
			return err
		}
		var open []id.ID
		if err := tx.Raw("SELECT id FROM reports WHERE open_key = ?", r.openKey()).Scan(&open).Error; err != nil {
			return err
		}
		if known = len(open) > 0; known {
			stored = open[0]
			return nil
		}
		var today int
		err := tx.Raw("SELECT COUNT(*) FROM reports WHERE reporter_id = ? AND created_at > ?", r.reporter, r.at.Add(-reportWindow)).Scan(&today).Error
		if err != nil {
			return err
		}
		if today >= reportsPerDay {
			return &errs.Error{Slug: errs.RateLimited, Detail: "That were 20 reports within a day. Try again later.", RetryAfter: time.Hour}
		}
		stored = r.id
		err = tx.Exec("INSERT INTO reports (id, open_key, state, reporter_id, user_id, message_id, body, sent_at, reason, note, created_at, decision_note) "+
			"VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, '')",
			r.id, r.openKey(), r.reporter, r.user, r.message, r.body, r.sentAt, r.reason, r.note, r.at).Error
		if err != nil {
			return err
		}
		return s.audit(tx, auditRow{at: r.at, event: eventReported, by: by, detail: detail(map[string]string{"report": r.id.String(), "user": r.user.String()})})
	})
	return stored, known, err
}

const reportColumns = `
SELECT r.id, r.state, r.message_id, r.body, r.sent_at, r.reason, r.note, r.created_at, r.decision, r.decision_note, r.decided_at,
       r.reporter_id, COALESCE(a.username, ''), COALESCE(a.display_name, ''),
       r.user_id, COALESCE(b.username, ''), COALESCE(b.display_name, ''),
       r.decided_by, COALESCE(c.username, ''), COALESCE(c.display_name, '')
FROM reports r
LEFT JOIN people a ON a.user_id = r.reporter_id
LEFT JOIN people b ON b.user_id = r.user_id
LEFT JOIN people c ON c.user_id = r.decided_by
`

// filed is a report as it is stored, with who took part.
type filed struct {
	report
	closed       bool
	from, about  Person
	decision     string
	decisionNote string
	decidedBy    Person // no ID while the report is open
	decidedAt    *time.Time
}

// reports returns up to limit reports of a state, the newest first, beginning
// below the given one (Nil: from the top).
func (s *store) reports(ctx context.Context, closed bool, below id.ID, limit int) ([]filed, error) {
	query, args := reportColumns+"WHERE r.state = ?", []any{closed}
	if !below.IsZero() {
		query, args = query+" AND r.id < ?", append(args, below)
	}
	return s.scanReports(ctx, query+" ORDER BY r.id DESC LIMIT ?", append(args, limit)...)
}

// reportsBy returns the next reports that somebody made, in the order of their ids.
func (s *store) reportsBy(ctx context.Context, reporter, after id.ID, limit int) ([]filed, error) {
	return s.scanReports(ctx, reportColumns+"WHERE r.reporter_id = ? AND r.id > ? ORDER BY r.id LIMIT ?", reporter, after, limit)
}

// report returns one report. Error: not-found.
func (s *store) report(ctx context.Context, report id.ID) (filed, error) {
	list, err := s.scanReports(ctx, reportColumns+"WHERE r.id = ?", report)
	if err == nil && len(list) == 0 {
		err = errNoReport()
	}
	if err != nil {
		return filed{}, err
	}
	return list[0], nil
}

func (s *store) scanReports(ctx context.Context, query string, args ...any) ([]filed, error) {
	rows, err := s.db.R.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []filed
	for rows.Next() {
		var f filed
		var decidedBy *id.ID
		err := rows.Scan(&f.id, &f.closed, &f.message, &f.body, &f.sentAt, &f.reason, &f.note, &f.at, &f.decision, &f.decisionNote, &f.decidedAt,
			&f.from.ID, &f.from.Username, &f.from.DisplayName, &f.about.ID, &f.about.Username, &f.about.DisplayName,
			&decidedBy, &f.decidedBy.Username, &f.decidedBy.DisplayName)
		if err != nil {
			return nil, err
		}
		if decidedBy != nil {
			f.decidedBy.ID = *decidedBy
		}
		list = append(list, f)
	}
	return list, db.Wrap(rows.Err())
}
