package audit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
)

const (
	sealEvery = time.Second
	sealBatch = 500 // rows of one seal
	tellEvery = time.Hour

	// lookBack is how far behind the newest sealed row the sealer looks every
	// time. Transactions take seconds; what was committed even later, or by a
	// clock that is behind, is found by a look at the whole table.
	lookBack = time.Minute
	fullLook = time.Hour

	// late is how long after its time a row may be sealed while others were
	// sealed all along. It is more than fullLook.
	late = 2 * time.Hour
)

// Sealer seals the audit log of one service. Any number of replicas may run one.
type Sealer struct {
	Service string
	DB      *db.DB
	Log     *slog.Logger
	Now     func() time.Time

	looked time.Time // at the whole table
	told   time.Time // the tip, in the log
}

// Run seals until ctx ends, then returns nil. Errors are logged: the next time
// may go better.
func (s *Sealer) Run(ctx context.Context) error {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		err := s.Seal(ctx)
		if err == nil {
			err = s.tell(ctx)
		}
		if err != nil && ctx.Err() == nil && !db.IsUnavailable(err) {
			s.Log.WarnContext(ctx, "the audit log could not be sealed, will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Seal puts all rows that are not sealed under seals. When another replica does
// the same at the moment there is nothing to do. Error: unavailable.
func (s *Sealer) Seal(ctx context.Context) error {
	now := s.Now()
	everything := now.Sub(s.looked) >= fullLook
	for {
		n, err := s.sealOnce(ctx, everything, now)
		if db.IsDuplicate(err) {
			return nil // another replica made the seal with this number
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	if everything {
		s.looked = now
	}
	return nil
}

// sealOnce makes one seal and returns its number of rows. Two replicas that do
// so at once meet at the seal's number: the primary key lets one of them pass,
// and the other's transaction leaves nothing.
func (s *Sealer) sealOnce(ctx context.Context, everything bool, now time.Time) (n int, err error) {
	if tip, err := newest(s.DB.R.WithContext(ctx)); err != nil {
		return 0, err
	} else if rows, err := unsealed(s.DB.R.WithContext(ctx), since(tip, everything), 1); err != nil || len(rows) == 0 {
		return 0, err
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		tip, err := newest(tx)
		if err != nil {
			return err
		}
		rows, err := unsealed(tx, since(tip, everything), sealBatch)
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		made, members := s.next(tip, rows, now)
		if err := tx.Create(&made).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(&members, sealBatch).Error
	})
	return n, err
}

// next is the seal over rows that follows tip.
func (s *Sealer) next(tip seal, rows []Row, now time.Time) (seal, []sealed) {
	made := seal{Seq: tip.Seq + 1, At: now.UTC().Truncate(time.Microsecond), Through: tip.Through, RowCount: len(rows), Previous: tip.Hash}
	members := make([]sealed, 0, len(rows))
	for _, r := range rows {
		h := r.hash()
		members = append(members, sealed{RowID: r.ID, SealSeq: made.Seq, RowHash: h[:]})
		// A row from the future says nothing about how far we are.
		if r.At.After(made.Through) && !r.At.After(made.At) {
			made.Through = r.At.UTC()
		}
	}
	slices.SortFunc(members, func(a, b sealed) int { return a.RowID.Compare(b.RowID) })
	h := made.digest(s.Service, members)
	made.Hash = h[:]
	return made, members
}

// tell logs the tip, at the start and then every hour.
func (s *Sealer) tell(ctx context.Context) error {
	now := s.Now()
	if now.Sub(s.told) < tellEvery {
		return nil
	}
	tip, err := newest(s.DB.R.WithContext(ctx))
	if err != nil || tip.Seq == 0 {
		return err
	}
	s.told = now
	s.Log.InfoContext(ctx, "the audit log is sealed up to here; keep this line elsewhere", "tip", s.Service+":"+tip.tip().String())
	return nil
}

// newest returns the last seal; before the first one, one that a first can
// follow.
func newest(tx *gorm.DB) (seal, error) {
	var last seal
	err := tx.Order("seq DESC").Limit(1).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return seal{Previous: make([]byte, len(Hash{})), Hash: make([]byte, len(Hash{})), Through: time.Unix(0, 0).UTC()}, nil
	}
	return last, err
}

// since is from when on rows are looked for.
func since(tip seal, everything bool) time.Time {
	if everything || tip.Seq == 0 {
		return time.Unix(0, 0).UTC()
	}
	return tip.Through.Add(-lookBack)
}

// unsealed returns rows without a seal, the oldest first, at most limit.
func unsealed(tx *gorm.DB, from time.Time, limit int) (rows []Row, err error) {
	err = tx.Table("audit_log AS a").Select("a.*").
		Joins("LEFT JOIN audit_seal_rows AS s ON s.row_id = a.id").
		Where("s.row_id IS NULL AND a.at >= ?", from).
		Order("a.at, a.id").Limit(limit).Find(&rows).Error
	return rows, err
}
