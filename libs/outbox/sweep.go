package outbox

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// How the sweep looks for rows that nobody published.
const (
	sweepEvery = time.Second
	sweepAge   = 2 * time.Second // younger rows are still with the process that wrote them
	sweepRows  = 500
)

// sweeping publishes left-over rows until ctx ends. It starts with everything
// there is: after a crash nothing waits.
func (r *Relay) sweeping(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if r.b.Connected() {
			r.sweepOnce(ctx, n == 0)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.sweep:
		case <-tick.C:
		}
	}
}

// sweepOnce publishes until no more rows are found or one could not be.
func (r *Relay) sweepOnce(ctx context.Context, all bool) {
	total := 0
	for ctx.Err() == nil {
		age := sweepAge
		if all {
			age = 0
		}
		n, err := r.sweepBatch(ctx, age)
		total += n.acked
		if err != nil && ctx.Err() == nil {
			r.log.Warn("the outbox could not be swept", "error", err)
		}
		if err != nil || n.failed > 0 {
			return
		}
		// A full batch without an ack is all under way with the relay itself.
		if n.found < sweepRows || n.acked == 0 {
			break
		}
	}
	r.mu.Lock()
	recovered := r.failed && ctx.Err() == nil
	r.failed = r.failed && !recovered
	r.mu.Unlock()
	if total > 0 || recovered {
		r.log.Info("left-over events published", "events", total)
	}
}

// batch counts the rows of one look at the table: found there, acknowledged
// now, and failed; the others are under way with the relay itself.
type batch struct{ found, acked, failed int }

// sweepBatch publishes up to sweepRows rows and deletes the acknowledged ones.
//
// On MySQL the rows stay locked meanwhile, and other replicas skip them. SQLite
// has one process and one writer, which must not be held while waiting for the
// broker, so there the three steps stand alone.
func (r *Relay) sweepBatch(ctx context.Context, age time.Duration) (n batch, err error) {
	if r.d.Dialect == db.SQLite {
		return r.sweepIn(ctx, r.d.R.WithContext(ctx), age, func(ids []id.ID) error {
			return r.d.Tx(ctx, deleteRowsFn(ids))
		})
	}
	err = r.d.W.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked})
		n, err = r.sweepIn(ctx, locked, age, func(ids []id.ID) error { return deleteRowsFn(ids)(tx) })
		return err
	})
	return n, err
}

func (r *Relay) sweepIn(ctx context.Context, read *gorm.DB, age time.Duration, remove func([]id.ID) error) (batch, error) {
	var rows []Row
	// A row from the future was written by a clock that was wrong: its age says
	// nothing, so it is taken at once.
	now := time.Now().UTC()
	err := read.Table("outbox").Where("created_at <= ? OR created_at > ?", now.Add(-age), now.Add(age)).Order("created_at, id").Limit(sweepRows).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return batch{}, err
	}
	acked := r.publishAll(ctx, rows)
	if len(acked) > 0 {
		err = remove(acked)
	}
	return batch{found: len(rows), acked: len(acked), failed: r.missing(rows, acked)}, err
}

// missing counts the rows that are neither acknowledged nor still under way
// with the relay itself.
func (r *Relay) missing(rows []Row, acked []id.ID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(rows) - len(acked)
	for _, row := range rows {
		if _, ok := r.busy[row.ID]; ok {
			n--
		}
	}
	return max(n, 0)
}

// publishAll publishes rows (but not those the relay is busy with) and waits
// for their acks; it returns the ids that were acknowledged.
func (r *Relay) publishAll(_ context.Context, rows []Row) []id.ID {
	var (
		mu    sync.Mutex
		acked []id.ID
		wait  sync.WaitGroup
	)
	for _, row := range rows {
		r.mu.Lock()
		_, busy := r.busy[row.ID]
		r.mu.Unlock()
		if busy {
			continue
		}
		wait.Add(1)
		settle := func(err error) {
			if err == nil {
				mu.Lock()
				acked = append(acked, row.ID)
				mu.Unlock()
			}
			wait.Done()
		}
		if err := r.b.PublishAsync(r.message(row), settle); err != nil {
			settle(err)
		}
	}
	wait.Wait() // ends: the bus settles each publish within its ack timeout
	return acked
}

// deleteRowsFn deletes rows by id, in one statement, within tx.
func deleteRowsFn(ids []id.ID) func(tx *gorm.DB) error {
	return func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM outbox WHERE id IN ?", ids).Error
	}
}
