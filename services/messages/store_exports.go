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

// partsBatch is how many parts one transaction removes: 4 MiB at most.
const partsBatch = 16

// errNotHeld ends an attempt that may not go on: the export was withdrawn or
// replaced, or another replica has taken over.
var errNotHeld = errors.New("messages: the export is not this attempt's any more")

// clock is the time by which replicas agree on leases: that of the database
// where they share one, for their own may differ.
func (s *store) clock(g *gorm.DB) (at time.Time, err error) {
	if s.db.Dialect == db.SQLite {
		return now(), nil
	}
	err = g.Raw("SELECT UTC_TIMESTAMP(6)").Scan(&at).Error
	return at.UTC(), err
}

const exportColumns = "SELECT user_id, id, state, done, total, size, tries, reason, created_at, failing_since, ready_at, expires_at FROM data_exports "

// export returns the newest export of a person; false when there is none, or
// none any more.
func (s *store) export(ctx context.Context, user id.ID) (dataExport, bool, error) {
	g := s.db.R.WithContext(ctx)
	at, err := s.clock(g)
	if err != nil {
		return dataExport{}, false, err
	}
	e, ok, err := exportOf(g, user)
	return e, ok && (e.ExpiresAt == nil || e.ExpiresAt.After(at)), err
}

func exportOf(g *gorm.DB, user id.ID) (dataExport, bool, error) {
	var rows []dataExport
	err := g.Raw(exportColumns+"WHERE user_id = ?", user).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return dataExport{}, false, err
	}
	return rows[0], true, nil
}

// askedExport is what became of asking for one.
type askedExport struct {
	dataExport
	known    bool  // it was under way
	replaced id.ID // whose pieces nobody needs any more; Nil: none
}

// askExport stores that a person wants an export, in the place of an older one,
// and records it. One that is under way stays. Requests of one person wait for
// each other, so that the count is right. Errors: rate-limited, unauthenticated
// for who is gone.
func (s *store) askExport(ctx context.Context, user id.ID, by auditor) (asked askedExport, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		asked = askedExport{}
		if err := s.holdClocks(tx, []id.ID{user}); err != nil {
			return err
		}
		if now, err := policyIn(tx, user); err != nil {
			return err
		} else if now.who == fromGone { // whose token lives a moment longer
			return errs.New(errs.Unauthenticated, "This account no longer exists. Sign in again.")
		}
		at, err := s.clock(tx)
		if err != nil {
			return err
		}
		old, there, err := exportOf(tx, user)
		if err != nil {
			return err
		}
		if asked.known = there && old.State.open(); asked.known {
			asked.dataExport = old
			return nil
		}
		if err := mayExport(tx, user, at); err != nil {
			return err
		}
		asked.dataExport, asked.replaced = dataExport{UserID: user, ID: id.New(), CreatedAt: at}, old.ID
		if err := tx.Exec("DELETE FROM data_exports WHERE user_id = ?", user).Error; err != nil {
			return err
		}
		err = tx.Exec("INSERT INTO data_exports (user_id, id, state, done, total, size, tries, reason, created_at, try_at) VALUES (?, ?, ?, 0, 0, 0, 0, '', ?, ?)",
			user, asked.ID, exportWaiting, at, at).Error
		if err != nil {
			return err
		}
		return s.audit(tx, auditRow{at: at, event: eventExportAsked, by: by, detail: detail(map[string]string{"export": asked.ID.String()})})
	})
	return asked, err
}

// mayExport counts the requests of the last day, which the audit log has. Error:
// rate-limited, until the oldest that counts is a day old.
func mayExport(tx *gorm.DB, user id.ID, at time.Time) error {
	var asked []time.Time
	err := tx.Raw("SELECT at FROM audit_log WHERE account_id = ? AND at > ? AND event = ? ORDER BY at", user, at.Add(-exportWindow), eventExportAsked).Scan(&asked).Error
	if err != nil || len(asked) < exportsPerDay {
		return err
	}
	free := asked[len(asked)-exportsPerDay].Add(exportWindow)
	return &errs.Error{Slug: errs.RateLimited, Detail: "That were 5 downloads of your data within a day. Try again later.", RetryAfter: max(free.Sub(at), time.Second)}
}

// claimExport begins an attempt at the export that has waited longest, or whose
// attempt was left behind; false when there is none.
func (s *store) claimExport(ctx context.Context, lease time.Duration) (dataExport, bool, error) {
	const due = "((state = 0 AND try_at <= ?) OR (state = 1 AND lease_until <= ?))"
	for {
		at, err := s.clock(s.db.R.WithContext(ctx))
		if err != nil {
			return dataExport{}, false, err
		}
		var rows []dataExport
		err = s.db.R.WithContext(ctx).Raw(exportColumns+"WHERE state < 2 AND "+due+" ORDER BY created_at LIMIT 1", at, at).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return dataExport{}, false, err
		}
		e := rows[0]
		e.worker = id.New()
		var claimed int64
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			done := tx.Exec("UPDATE data_exports SET state = ?, worker = ?, lease_until = ?, done = 0, total = 0, tries = tries + 1 WHERE user_id = ? AND id = ? AND "+due,
				exportRunning, e.worker, at.Add(lease), e.UserID, e.ID, at, at)
			claimed = done.RowsAffected
			return done.Error
		})
		if err != nil || claimed > 0 {
			e.State, e.Tries = exportRunning, e.Tries+1
			return e, err == nil, err
		}
	}
}

// held changes the row of an export that e is the attempt at, and runs fn, in one
// transaction; set is what to change besides. Error: errNotHeld.
func (s *store) held(ctx context.Context, e dataExport, set string, args func(at time.Time) []any, fn func(tx *gorm.DB) error) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		at, err := s.clock(tx)
		if err != nil {
			return err
		}
		done := tx.Exec("UPDATE data_exports SET "+set+" WHERE user_id = ? AND id = ? AND worker = ? AND state = 1", append(args(at), e.UserID, e.ID, e.worker)...)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return errNotHeld
		}
		return fn(tx)
	})
}

func nothingMore(*gorm.DB) error { return nil }

// renewExport holds an export for a while longer and says how far it is.
func (s *store) renewExport(ctx context.Context, e dataExport, lease time.Duration, done, total uint64) error {
	return s.held(ctx, e, "lease_until = ?, done = ?, total = ?", func(at time.Time) []any { return []any{at.Add(lease), done, total} }, nothingMore)
}

// saveExportPart stores the next piece of the file. What another attempt has begun
// it cannot spoil: that one's claim comes before or after, never between.
func (s *store) saveExportPart(ctx context.Context, e dataExport, lease time.Duration, n int, bytes []byte) error {
	return s.held(ctx, e, "lease_until = ?", func(at time.Time) []any { return []any{at.Add(lease)} }, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO data_export_parts (export_id, n, bytes) VALUES (?, ?, ?)", e.ID, n, bytes).Error
	})
}

// finishExport makes the file the person's to download.
func (s *store) finishExport(ctx context.Context, e dataExport, messages, size uint64, life time.Duration) error {
	const set = "state = 2, done = ?, total = ?, size = ?, worker = NULL, lease_until = NULL, failing_since = NULL, ready_at = ?, expires_at = ?"
	return s.held(ctx, e, set, func(at time.Time) []any { return []any{messages, messages, size, at, at.Add(life)} }, nothingMore)
}

// putBackExport lets any replica begin another attempt after a pause. first is
// when the attempts began to fail; nil: this one did not.
func (s *store) putBackExport(ctx context.Context, e dataExport, pause time.Duration, first *time.Time) error {
	const set = "state = 0, worker = NULL, lease_until = NULL, try_at = ?, failing_since = ?"
	return s.held(ctx, e, set, func(at time.Time) []any { return []any{at.Add(pause), first} }, nothingMore)
}

// failExport gives up.
func (s *store) failExport(ctx context.Context, e dataExport, reason string, life time.Duration) error {
	const set = "state = 3, worker = NULL, lease_until = NULL, reason = ?, expires_at = ?"
	return s.held(ctx, e, set, func(at time.Time) []any { return []any{reason, at.Add(life)} }, nothingMore)
}

// exportPart returns one piece of a file; nil when it is gone.
func (s *store) exportPart(ctx context.Context, export id.ID, n int) ([]byte, error) {
	var parts [][]byte
	err := s.db.R.WithContext(ctx).Raw("SELECT bytes FROM data_export_parts WHERE export_id = ? AND n = ?", export, n).Scan(&parts).Error
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	return parts[0], nil
}

// auditExport records that a file was downloaded, before it is.
func (s *store) auditExport(ctx context.Context, export id.ID, by auditor) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.audit(tx, auditRow{at: now(), event: eventExportTaken, by: by, detail: detail(map[string]string{"export": export.String()})})
	})
}

// dropExport removes an export of a person, whatever its state; false when it is
// none of theirs. An attempt that runs notices with its next step.
func (s *store) dropExport(ctx context.Context, user, export id.ID) (bool, error) {
	var gone int64
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		done := tx.Exec("DELETE FROM data_exports WHERE user_id = ? AND id = ?", user, export)
		gone = done.RowsAffected
		return done.Error
	})
	if err != nil || gone == 0 {
		return false, err
	}
	return true, s.removeParts(ctx, export)
}

// dropExportsOf removes what somebody who is gone asked for.
func (s *store) dropExportsOf(ctx context.Context, user id.ID) error {
	var list []id.ID
	err := s.db.W.WithContext(ctx).Raw("SELECT id FROM data_exports WHERE user_id = ?", user).Scan(&list).Error
	for _, export := range list {
		if _, err := s.dropExport(ctx, user, export); err != nil {
			return err
		}
	}
	return err
}

// removeParts removes the pieces of a file, a few in each transaction.
func (s *store) removeParts(ctx context.Context, export id.ID) error {
	for {
		var list []int
		err := s.db.R.WithContext(ctx).Raw("SELECT n FROM data_export_parts WHERE export_id = ? ORDER BY n LIMIT ?", export, partsBatch).Scan(&list).Error
		if err != nil || len(list) == 0 {
			return err
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM data_export_parts WHERE export_id = ? AND n <= ?", export, list[len(list)-1]).Error
		})
		if err != nil {
			return err
		}
	}
}

// sweepExports removes the exports whose time is over, and pieces that are left
// of others. It returns how many files it removed.
func (s *store) sweepExports(ctx context.Context) (int, error) {
	const page = 100
	r := s.db.R.WithContext(ctx)
	at, err := s.clock(r)
	if err != nil {
		return 0, err
	}
	var over []dataExport
	if err := r.Raw(exportColumns+"WHERE expires_at <= ? ORDER BY expires_at LIMIT ?", at, page).Scan(&over).Error; err != nil {
		return 0, err
	}
	for i, e := range over {
		if _, err := s.dropExport(ctx, e.UserID, e.ID); err != nil {
			return i, err
		}
	}
	var left []id.ID
	err = r.Raw("SELECT DISTINCT p.export_id FROM data_export_parts p LEFT JOIN data_exports e ON e.id = p.export_id WHERE e.id IS NULL LIMIT ?", page).Scan(&left).Error
	if err != nil {
		return len(over), err
	}
	for i, export := range left {
		if err := s.removeParts(ctx, export); err != nil {
			return len(over) + i, err
		}
	}
	return len(over) + len(left), nil
}
