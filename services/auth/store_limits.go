package auth

import (
	"context"
	"crypto/sha256"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

type attemptRow struct {
	AttemptKey   []byte `gorm:"column:attempt_key;primaryKey"`
	Kind         string `gorm:"column:kind"`
	Hits         int64  `gorm:"column:hits"`
	BlockedUntil *time.Time
	WindowEnds   time.Time
}

// TableName implements gorm's Tabler.
func (attemptRow) TableName() string { return "login_attempts" }

func rowsOf(counters []*counter) []attemptRow {
	rows := make([]attemptRow, 0, len(counters))
	for _, c := range counters {
		rows = append(rows, attemptRow{
			AttemptKey: c.Key[:], Kind: c.Kind, Hits: c.Hits,
			BlockedUntil: nonZero(c.BlockedUntil), WindowEnds: c.WindowEnds,
		})
	}
	return rows
}

// counters reads what is stored of these, by key.
func (st *store) counters(ctx context.Context, want []*counter) (map[[sha256.Size]byte]counter, error) {
	return readCounters(st.read(ctx), want)
}

func readCounters(tx *gorm.DB, want []*counter) (map[[sha256.Size]byte]counter, error) {
	keys := make([][]byte, 0, len(want))
	for _, c := range want {
		keys = append(keys, c.Key[:])
	}
	var rows []attemptRow
	if err := tx.Where("attempt_key IN ?", keys).Find(&rows).Error; err != nil {
		return nil, err
	}
	found := make(map[[sha256.Size]byte]counter, len(rows))
	for _, r := range rows {
		c := counter{Kind: r.Kind, Hits: r.Hits, BlockedUntil: timeOf(r.BlockedUntil), WindowEnds: r.WindowEnds.UTC()}
		copy(c.Key[:], r.AttemptKey)
		found[c.Key] = c
	}
	return found, nil
}

// lockCounters makes the rows exist and locks them, always in the same order,
// so that attempts wait for each other and never in a circle.
func (st *store) lockCounters(tx *gorm.DB, want []*counter, now time.Time) (map[[sha256.Size]byte]counter, error) {
	blank := rowsOf(want)
	for i := range blank {
		blank[i].Hits, blank[i].BlockedUntil, blank[i].WindowEnds = 0, nil, now
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&blank).Error; err != nil {
		return nil, err
	}
	return readCounters(st.db.ForUpdate(tx), want)
}

func saveCounters(tx *gorm.DB, counters []*counter) error {
	rows := rowsOf(counters)
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "attempt_key"}},
		DoUpdates: clause.AssignmentColumns([]string{"hits", "blocked_until", "window_ends"}),
	}).Create(&rows).Error
}

// reserve counts the attempt under locks, unless it has to wait; note is added
// to the audit log when it was the last one without a pause.
func (st *store) reserve(ctx context.Context, a *attempt, now time.Time, perIP int64, note auditRow) (wait time.Duration, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		try := *a
		// "known" is only ever read here: no row for strangers.
		counting := []*counter{&try.ip, &try.name, &try.pair}
		rows, err := st.lockCounters(tx, counting, now)
		if err != nil {
			return err
		}
		try.load(rows, now)
		if wait = try.wait(now, perIP); wait > 0 {
			return nil
		}
		limited := try.reserve(now)
		if err := saveCounters(tx, counting); err != nil {
			return err
		}
		*a = try
		if limited {
			return tx.Create(&note).Error
		}
		return nil
	})
	return wait, err
}

// release takes a reserved failure back, after a success or a fault of ours.
func (st *store) release(ctx context.Context, a *attempt, success bool, now time.Time) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		try := *a
		return st.releaseIn(tx, &try, success, now)
	})
}

func (st *store) releaseIn(tx *gorm.DB, a *attempt, success bool, now time.Time) error {
	changed := []*counter{&a.name, &a.pair}
	rows, err := st.lockCounters(tx, changed, now)
	if err != nil {
		return err
	}
	a.load(rows, now)
	a.release(success, now)
	if success {
		changed = append(changed, &a.known)
	}
	return saveCounters(tx, changed)
}

// countWithin counts one thing of which limit are free in each window; wait is
// > 0, and nothing is counted, when there were so many.
func (st *store) countWithin(ctx context.Context, c counter, now time.Time, limit int64, window time.Duration) (wait time.Duration, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		rows, err := st.lockCounters(tx, []*counter{&c}, now)
		if err != nil {
			return err
		}
		wait = 0
		next := rows[c.Key].current(now)
		if next.Hits >= limit {
			wait = next.WindowEnds.Sub(now)
			return nil
		}
		next = hit(next, now, window)
		return saveCounters(tx, []*counter{&next})
	})
	return wait, err
}
