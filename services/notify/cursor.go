package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"chatapp/libs/errs"
)

// cursor is a position in one user's log: the epoch of the database the log
// lives in and the number of the last entry seen. Written "<epoch>-<seq>", the
// epoch as 16 hex digits. Positions of different epochs cannot be compared.
type cursor struct{ epoch, seq uint64 }

// parseCursor reads the written form and nothing else, so that one position
// has one name; errors are errs invalid-cursor.
func parseCursor(s string) (cursor, error) {
	epoch, seq, ok := strings.Cut(s, "-")
	if !ok || len(epoch) != 16 || seq == "" || (seq[0] == '0' && len(seq) > 1) {
		return cursor{}, errInvalidCursor
	}
	e, errEpoch := strconv.ParseUint(epoch, 16, 64)
	n, errSeq := strconv.ParseUint(seq, 10, 64)
	if errEpoch != nil || errSeq != nil || seq[0] == '+' || epoch[0] == '+' {
		return cursor{}, errInvalidCursor
	}
	return cursor{e, n}, nil
}

var errInvalidCursor = errs.New(errs.InvalidCursor, `A cursor looks like "0123456789abcdef-42"; send back the one you were given.`)

// String is the written form.
func (c cursor) String() string { return fmt.Sprintf("%016x-%d", c.epoch, c.seq) }

// next is the only number that may follow c.
func (c cursor) next() uint64 { return c.seq + 1 }

// entry is one line of a user's log on its way to that user's sockets: the
// JSON as the messages service wrote it, of which only the position is looked
// at. It is encoded once per format, however many sockets get it; the feed's
// lock guards encoded.
type entry struct {
	at      cursor
	raw     []byte // an events.Entry, valid JSON; never changed
	encoded [formats][]byte
}

var cursorFirst = []byte(`{"cursor":"`)

// parseEntry reads the position of an entry. The cursor comes first in every
// entry our messages service writes, so the usual case costs no decoding.
func parseEntry(raw []byte) (*entry, error) {
	if !json.Valid(raw) {
		return nil, fmt.Errorf("notify: entry is not JSON (%d bytes)", len(raw))
	}
	text := ""
	if rest, ok := bytes.CutPrefix(raw, cursorFirst); ok {
		if end := bytes.IndexByte(rest, '"'); end > 0 {
			text = string(rest[:end])
		}
	}
	if text == "" {
		var e struct {
			Cursor string `json:"cursor"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("notify: entry: %w", err)
		}
		text = e.Cursor
	}
	at, err := parseCursor(text)
	if err != nil || at.seq == 0 {
		return nil, fmt.Errorf("notify: entry has no usable cursor: %.40q", text)
	}
	return &entry{at: at, raw: raw}, nil
}
