// Package id is the one kind of identifier ChatApp hands out: a UUIDv7.
//
// Version 7 begins with the time, so rows land next to their neighbours in a
// B-tree, and ends in 74 random bits, so ids cannot be counted or guessed.
// Order between messages never comes from an id: it comes from sequences.
package id

import (
	"bytes"
	"database/sql/driver"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// ID is a UUID in 16 bytes, stored as BINARY(16) (MySQL) or BLOB (SQLite) and
// written as the usual 36 characters in JSON.
type ID [16]byte

// Nil is the zero ID: "none".
var Nil ID

// New returns a fresh UUIDv7. It panics only when the system has no randomness.
func New() ID { return ID(uuid.Must(uuid.NewV7())) }

// Parse reads the 36-character form, and only that: the other spellings uuid
// packages accept (braces, urn:, no dashes) would give one thing two names.
func Parse(s string) (ID, error) {
	if len(s) != 36 {
		return Nil, fmt.Errorf("id: %d characters, want a UUID of 36", len(s))
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return Nil, fmt.Errorf("id: not a UUID: %w", err)
	}
	return ID(u), nil
}

// String returns the 36-character lower-case form.
func (v ID) String() string { return uuid.UUID(v).String() }

// IsZero reports whether v is Nil (also used by encoding/json's omitzero).
func (v ID) IsZero() bool { return v == Nil }

// Compare orders ids bytewise, as both databases do; used to lock in one order.
func (v ID) Compare(o ID) int { return bytes.Compare(v[:], o[:]) }

// MarshalText implements encoding.TextMarshaler.
func (v ID) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; errors are Parse's.
func (v *ID) UnmarshalText(b []byte) (err error) {
	*v, err = Parse(string(b))
	return err
}

// Value implements driver.Valuer: 16 raw bytes.
func (v ID) Value() (driver.Value, error) { return append([]byte(nil), v[:]...), nil }

// AppendHex appends the 32 hexadecimal digits without dashes.
func (v ID) AppendHex(b []byte) []byte { return hex.AppendEncode(b, v[:]) }

// Scan implements sql.Scanner for 16 raw bytes; NULL becomes Nil.
func (v *ID) Scan(src any) error {
	switch b := src.(type) {
	case nil:
		*v = Nil
		return nil
	case []byte:
		if len(b) == len(v) {
			copy(v[:], b)
			return nil
		}
	case string:
		if len(b) == len(v) {
			copy(v[:], b)
			return nil
		}
	}
	return fmt.Errorf("id: cannot read %T as 16 bytes", src)
}

// GormDataType tells gorm the column kind, so that it never guesses "array".
func (ID) GormDataType() string { return "bytes" }
