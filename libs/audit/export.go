package audit

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// Entry is one event as it is exported: with its hash and its seal, so that a
// copy can be compared with the log. Seal 0: not sealed yet.
type Entry struct {
	Service   string    `json:"service"`
	ID        id.ID     `json:"id"`
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	AccountID *id.ID    `json:"account_id,omitempty"`
	SessionID *id.ID    `json:"session_id,omitempty"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Detail    *string   `json:"detail,omitempty"` // as it stands in the log, to the letter; nil where there is none
	Hash      string    `json:"hash"`
	Seal      int64     `json:"seal"`
	SealHash  string    `json:"seal_hash,omitempty"`
}

// Span is a time from Since up to and without Until; a zero end is open.
type Span struct{ Since, Until time.Time }

type exported struct {
	Row      Row    `gorm:"embedded"`
	SealSeq  *int64 `gorm:"column:seal_seq"`
	SealHash []byte `gorm:"column:seal_hash"`
}

func (x exported) entry(service string) Entry {
	r := x.Row
	e := Entry{
		Service: service, ID: r.ID, At: r.At.UTC(), Event: r.Event, AccountID: r.AccountID, SessionID: r.SessionID,
		IP: r.IP, UserAgent: r.UserAgent, Detail: r.Detail, Hash: r.hash().String(),
	}
	if x.SealSeq != nil && len(x.SealHash) == len(Hash{}) {
		e.Seal, e.SealHash = *x.SealSeq, Hash(x.SealHash).String()
	}
	return e
}

// Export hands every event of a span to emit, the oldest first. It reads in
// pages: nothing is locked, and events that are written meanwhile may be in it.
// Errors: unavailable, emit's.
func Export(ctx context.Context, d *db.DB, service string, span Span, emit func(Entry) error) error {
	const page = 500
	var after *Row
	for {
		var list []exported
		if err := exportPage(d.R.WithContext(ctx), span, after).Limit(page).Find(&list).Error; err != nil {
			return err
		}
		for i := range list {
			if err := emit(list[i].entry(service)); err != nil {
				return err
			}
			after = &list[i].Row
		}
		if len(list) < page {
			return nil
		}
	}
}

func exportPage(tx *gorm.DB, span Span, after *Row) *gorm.DB {
	tx = tx.Table("audit_log AS a").Select("a.*, s.seal_seq, k.hash AS seal_hash").
		Joins("LEFT JOIN audit_seal_rows AS s ON s.row_id = a.id").
		Joins("LEFT JOIN audit_seals AS k ON k.seq = s.seal_seq").Order("a.at, a.id")
	if !span.Since.IsZero() {
		tx = tx.Where("a.at >= ?", span.Since.UTC())
	}
	if !span.Until.IsZero() {
		tx = tx.Where("a.at < ?", span.Until.UTC())
	}
	if after != nil {
		tx = tx.Where("a.at > ? OR (a.at = ? AND a.id > ?)", after.At, after.At, after.ID)
	}
	return tx
}
