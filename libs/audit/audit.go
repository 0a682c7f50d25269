// Package audit makes a service's audit log tamper-evident.
//
// Services insert rows into audit_log in the transactions that the rows are
// about, unordered and without waiting for each other. A sealer puts what is not
// sealed yet under a seal, about every second: a hash over the rows and over the
// seal before it. Whoever changes, removes or adds rows later breaks the chain
// from there on, and Verify names the first row it sees.
//
// What the chain cannot show by itself: that its end was cut off, or that all of
// it was made anew by somebody who may do everything in the database. For that
// the newest seal's number and hash, the tip, is logged every hour and shown by
// Verify, for the operator to keep elsewhere; Verify takes it as the last word.
//
// Which rows a seal holds is written down (audit_seal_rows) and not derived from
// times: a row may be committed after a younger one was sealed. The tables are
// in schema.md.
//
// A service may have a column more in its log, detail, for what it says besides
// who and when. Its tables say whether it has: here a row either has a detail or
// has none, and the hash of one without is what it was before there were any.
//
// Files: audit (hashes), row (rows and how they are written), seal (the sealer),
// verify, export, own (what people see of what they did).
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"chatapp/libs/id"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Tip is the newest seal: what an operator keeps elsewhere. The zero Tip is that
// of a log without seals.
type Tip struct {
	Seq  int64
	Hash Hash
}

// String is the tip as ParseTip reads it: "<seq>:<hash>".
func (t Tip) String() string { return strconv.FormatInt(t.Seq, 10) + ":" + t.Hash.String() }

// ParseTip reads what String wrote.
func ParseTip(s string) (t Tip, err error) {
	number, digits, _ := strings.Cut(s, ":")
	t.Seq, err = strconv.ParseInt(number, 10, 64)
	raw, wrong := hex.DecodeString(digits)
	if err != nil || wrong != nil || len(raw) != len(t.Hash) || t.Seq < 1 {
		return Tip{}, errors.New("a tip is the number of a seal, a colon and 64 hexadecimal digits")
	}
	copy(t.Hash[:], raw)
	return t, nil
}

// hash covers every column, each with its length: no two rows have the same
// bytes, however their texts are cut.
func (r Row) hash() Hash {
	d := digest{sha256.New()}
	if r.Detail == nil {
		d.text("chatapp audit row 1")
	} else {
		d.text("chatapp audit row 2")
	}
	d.text(string(r.ID[:]))
	d.number(r.At.UnixMicro())
	d.text(r.Event)
	d.optional(r.AccountID)
	d.optional(r.SessionID)
	d.text(r.IP)
	d.text(r.UserAgent)
	if r.Detail != nil {
		d.text(*r.Detail)
	}
	return d.sum()
}

// sealed is one line of audit_seal_rows.
type sealed struct {
	RowID   id.ID  `gorm:"column:row_id;primaryKey"`
	SealSeq int64  `gorm:"column:seal_seq"`
	RowHash []byte `gorm:"column:row_hash"`
}

// TableName implements gorm's Tabler.
func (sealed) TableName() string { return "audit_seal_rows" }

// seal is one line of audit_seals. Through is the latest time of a row that was
// sealed up to here, and not after At.
type seal struct {
	Seq      int64     `gorm:"column:seq;primaryKey;autoIncrement:false"`
	At       time.Time `gorm:"column:at"`
	Through  time.Time `gorm:"column:through"`
	RowCount int       `gorm:"column:row_count"`
	Previous []byte    `gorm:"column:previous"`
	Hash     []byte    `gorm:"column:hash"`
}

// TableName implements gorm's Tabler.
func (seal) TableName() string { return "audit_seals" }

func (s seal) tip() Tip {
	t := Tip{Seq: s.Seq}
	copy(t.Hash[:], s.Hash)
	return t
}

// digest is what Hash of this seal has to be. rows are in the order of their ids.
func (s seal) digest(service string, rows []sealed) Hash {
	d := digest{sha256.New()}
	d.text("chatapp audit seal 1")
	d.text(service)
	d.number(s.Seq)
	d.number(s.At.UnixMicro())
	d.number(s.Through.UnixMicro())
	d.text(string(s.Previous))
	d.number(int64(s.RowCount))
	for _, r := range rows {
		d.text(string(r.RowID[:]))
		d.text(string(r.RowHash))
	}
	return d.sum()
}

// digest writes values so that they can be told apart.
type digest struct{ hash.Hash }

func (d digest) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	_, _ = d.Write(b[:]) // a hash takes everything
}

func (d digest) text(s string) {
	d.number(int64(len(s)))
	_, _ = d.Write([]byte(s))
}

func (d digest) optional(v *id.ID) {
	if v == nil {
		d.number(-1)
		return
	}
	d.text(string(v[:]))
}

func (d digest) sum() (h Hash) {
	d.Sum(h[:0])
	return h
}

func (s seal) String() string {
	return fmt.Sprintf("seal %d of %s", s.Seq, s.At.UTC().Format(time.RFC3339))
}
