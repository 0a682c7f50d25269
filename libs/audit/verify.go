package audit

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// Report is what Verify found.
type Report struct {
	Seals, Rows int
	Waiting     int // rows that are not sealed yet, because they are new
	Tip         Tip
	// Problems say what does not fit, the oldest first; empty: nothing. Only the
	// first of a kind in each seal is told, and at most mostProblems.
	Problems []string
}

// OK says whether the log is as it was sealed.
func (r Report) OK() bool { return len(r.Problems) == 0 }

const mostProblems = 20

func (r *Report) say(format string, args ...any) {
	if len(r.Problems) < mostProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify recomputes all seals of a service's audit log. kept are tips that were
// kept elsewhere: the chain must lead through them. Error: unavailable.
func Verify(ctx context.Context, d *db.DB, service string, kept ...Tip) (Report, error) {
	v := verifier{db: d.R.WithContext(ctx), service: service, kept: map[int64]Tip{}}
	for _, t := range kept {
		v.kept[t.Seq] = t
	}
	last, err := newest(v.db)
	if err != nil {
		return v.Report, err
	}
	before, err := v.chain(last)
	if err != nil {
		return v.Report, err
	}
	v.Tip = before.tip()
	for _, t := range kept {
		if t.Seq > before.Seq {
			v.say("seal %d is missing, which was kept elsewhere as %s: the end of the log was cut off", t.Seq, t)
		}
	}
	return v.Report, v.loose(before)
}

type verifier struct {
	Report
	db      *gorm.DB
	service string
	kept    map[int64]Tip
}

// chain walks the seals up to last and returns the last one it saw.
func (v *verifier) chain(last seal) (seal, error) {
	const batch = 200
	before := seal{Hash: make([]byte, len(Hash{})), Through: time.Unix(0, 0)}
	for before.Seq < last.Seq {
		var seals []seal
		err := v.db.Where("seq > ? AND seq <= ?", before.Seq, last.Seq).Order("seq").Limit(batch).Find(&seals).Error
		if err != nil || len(seals) == 0 {
			return before, err
		}
		for _, s := range seals {
			if err := v.seal(before, s); err != nil {
				return before, err
			}
			before = s
		}
	}
	return before, nil
}

// member is a row as its seal knows it and as it is now.
type member struct {
	Seal  sealed `gorm:"embedded"`
	Row   Row    `gorm:"embedded"`
	Found *id.ID `gorm:"column:found"` // nil: the row is gone
}

// members are the rows of a seal, in the order of their ids.
func members(tx *gorm.DB, seq int64) (list []member, err error) {
	err = tx.Table("audit_seal_rows AS s").
		Select("s.row_id, s.seal_seq, s.row_hash, a.id AS found, a.*").
		Joins("LEFT JOIN audit_log AS a ON a.id = s.row_id").
		Where("s.seal_seq = ?", seq).Order("s.row_id").Find(&list).Error
	return list, err
}

// seal checks one seal, which follows before.
func (v *verifier) seal(before, s seal) error {
	list, err := members(v.db, s.Seq)
	if err != nil {
		return err
	}
	v.Seals++
	v.Rows += len(list)
	if s.Seq != before.Seq+1 {
		v.say("seal %d is missing", before.Seq+1)
	} else if !bytes.Equal(s.Previous, before.Hash) {
		v.say("%s does not follow seal %d: one of the two was changed", s, before.Seq)
	}
	if t, ok := v.kept[s.Seq]; ok && !bytes.Equal(t.Hash[:], s.Hash) {
		v.say("%s has another hash than was kept elsewhere: the log was made anew", s)
	}
	said := len(v.Problems)
	plain := make([]sealed, 0, len(list))
	for _, m := range list {
		plain = append(plain, m.Seal)
		v.row(before, s, m)
	}
	if len(list) != s.RowCount {
		v.say("%s was made over %d rows and names %d", s, s.RowCount, len(list))
	}
	if h := s.digest(v.service, plain); !bytes.Equal(h[:], s.Hash) && len(v.Problems) == said {
		v.say("%s does not fit its %d rows: it or one of them was changed", s, len(list))
	}
	return nil
}

// row checks one row of seal s.
func (v *verifier) row(before, s seal, m member) {
	if m.Found == nil {
		v.say("row %s of %s is missing", m.Seal.RowID, s)
		return
	}
	if h := m.Row.hash(); !bytes.Equal(h[:], m.Seal.RowHash) {
		v.say("row %s of %s was changed", m.Seal.RowID, s)
		return
	}
	if m.Row.At.Before(before.Through.Add(-late)) {
		v.say("row %s says %s and was sealed only in %s: it was written later than it says, or a clock was wrong",
			m.Seal.RowID, m.Row.At.UTC().Format(time.RFC3339), s)
	}
}

// loose looks for rows that no seal up to the last holds, and for members of no
// seal. New rows are sealed within a second while the service runs, also while
// the chain was read: those wait as seen from the last seal.
func (v *verifier) loose(last seal) error {
	var rows []struct {
		Row     Row    `gorm:"embedded"`
		SealSeq *int64 `gorm:"column:seal_seq"`
	}
	err := v.db.Table("audit_log AS a").Select("a.*, s.seal_seq").
		Joins("LEFT JOIN audit_seal_rows AS s ON s.row_id = a.id").
		Where("s.row_id IS NULL OR s.seal_seq > ?", last.Seq).
		Order("a.at, a.id").Limit(sealBatch).Find(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.SealSeq == nil && r.Row.At.Before(last.Through.Add(-lookBack)) {
			v.say("row %s of %s is not sealed, younger ones are: it was inserted", r.Row.ID, r.Row.At.UTC().Format(time.RFC3339))
			continue
		}
		v.Waiting++
	}
	var lost []sealed
	err = v.db.Table("audit_seal_rows AS s").Select("s.row_id, s.seal_seq").
		Joins("LEFT JOIN audit_seals AS k ON k.seq = s.seal_seq").Where("k.seq IS NULL").
		Order("s.seal_seq, s.row_id").Limit(1).Find(&lost).Error
	for _, m := range lost {
		if m.SealSeq > last.Seq {
			// Made meanwhile, unless no seal like it is there now.
			now, err := newest(v.db)
			if err != nil || now.Seq >= m.SealSeq {
				return err
			}
		}
		v.say("row %s belongs to seal %d, which is missing", m.RowID, m.SealSeq)
	}
	return err
}
