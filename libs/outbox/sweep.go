package outbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// How the sweep looks for rows that nobody published.
const (
	sweepEvery     = time.Second
	sweepAge       = 2 * time.Second // younger rows are still with the process that wrote them
	sweepBatchRows = 1000
	sweepInFlight  = 2048 // events: with those of the relay below what the bus takes at once
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
		if err != nil && ctx.Err() == nil && !db.IsRetryable(err) {
			r.log.Warn("the outbox could not be swept", "error", err)
		}
		if err != nil || n.failed > 0 {
			return
		}
		// A full batch without an ack is all under way, here or elsewhere.
		if n.found < sweepBatchRows || n.acked == 0 {
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

// batch counts the rows of one look at the table: found there, and of these
// acknowledged now and failed. The others are under way, here or elsewhere.
type batch struct{ found, acked, failed int }

// sweepBatch publishes up to sweepBatchRows rows and deletes the acknowledged ones.
//
// On MySQL the rows stay locked meanwhile, and other replicas skip them. They
// are looked for without a lock and then claimed by primary key, in its order:
// whoever deletes rows locks in the same order, so there are no deadlocks.
// SQLite has one process and one writer, which must not be held while waiting
// for the broker, so there the steps stand alone.
func (r *Relay) sweepBatch(ctx context.Context, age time.Duration) (n batch, err error) {
	found, ids, err := r.candidates(ctx, age)
	if err != nil || len(ids) == 0 {
		return batch{found: found}, err
	}
	if r.d.Dialect == db.SQLite {
		return r.sweepRows(r.d.R.WithContext(ctx), found, ids, func(acked []id.ID) error {
			return r.d.Tx(ctx, deleteRowsFn(acked))
		})
	}
	err = r.d.W.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked})
		n, err = r.sweepRows(locked, found, ids, func(acked []id.ID) error { return deleteRowsFn(acked)(tx) })
		return err
	})
	return n, err
}

// candidates returns the ids of old rows, without those the relay is busy with
// (found counts them too).
func (r *Relay) candidates(ctx context.Context, age time.Duration) (found int, ids []id.ID, err error) {
	// A row from the future was written by a clock that was wrong: its age says
	// nothing, so it is taken at once.
	now := time.Now().UTC()
	var rows []Row
	err = r.d.R.WithContext(ctx).Table("outbox").Select("id").
		Where("created_at <= ? OR created_at > ?", now.Add(-age), now.Add(age)).
		Order("created_at, id").Limit(sweepBatchRows).Find(&rows).Error
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		if _, busy := r.busy[row.ID]; !busy {
			ids = append(ids, row.ID)
		}
	}
	slices.SortFunc(ids, id.ID.Compare)
	return len(rows), ids, err
}

func (r *Relay) sweepRows(read *gorm.DB, found int, ids []id.ID, remove func([]id.ID) error) (batch, error) {
	var rows []Row
	err := read.Table("outbox").Where("id IN ?", ids).Order("id").Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return batch{found: found}, err
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return a.CreatedAt.Compare(b.CreatedAt) })
	acked := r.publishAll(read.Statement.Context, rows)
	if len(acked) > 0 {
		err = remove(acked)
	}
	return batch{found: found, acked: len(acked), failed: len(rows) - len(acked)}, err
}

// publishAll publishes what rows stand for and waits for the acks; it returns
// the ids of the rows all of whose events were acknowledged.
func (r *Relay) publishAll(ctx context.Context, rows []Row) []id.ID {
	var (
		mu     sync.Mutex
		failed = map[id.ID]bool{}
		wait   sync.WaitGroup
		slots  = make(chan struct{}, sweepInFlight)
	)
	fail := func(row id.ID) {
		mu.Lock()
		defer mu.Unlock()
		failed[row] = true
	}
	parcels := make([]Parcel, len(rows))
	for i, row := range rows {
		var err error
		if parcels[i], err = r.open(ctx, row); err != nil {
			r.log.Warn("a row of the outbox cannot be read; trying again", "row", row.ID, "error", err)
			fail(row.ID)
		}
		for _, m := range parcels[i].Events {
			wait.Add(1)
			slots <- struct{}{} // comes back: the bus settles each publish within its ack timeout
			settle := func(err error) {
				if err != nil {
					fail(row.ID)
				}
				<-slots
				wait.Done()
			}
			if err := r.send(m, settle); err != nil {
				settle(err)
			}
		}
	}
	wait.Wait()
	var acked []id.ID
	for i, row := range rows {
		if !failed[row.ID] {
			acked = append(acked, row.ID)
			r.broadcast(parcels[i])
		}
	}
	return acked
}

func (r *Relay) open(ctx context.Context, row Row) (Parcel, error) {
	if r.unpack == nil || row.Subject != "" {
		return row.parcel(), nil
	}
	return r.unpack(ctx, row)
}

// deleteRowsFn deletes rows by id, in one statement and in the order of the
// primary key, within tx.
func deleteRowsFn(ids []id.ID) func(tx *gorm.DB) error {
	slices.SortFunc(ids, id.ID.Compare)
	return func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM outbox WHERE id IN ?", ids).Error
	}
}
