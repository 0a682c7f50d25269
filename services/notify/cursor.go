package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

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
	n, errSeq := strconv.ParseUint(seq, 10, 63) // a BIGINT of the database
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

	pushed int64  // when it happened, in Unix nanoseconds; 0 when it was read from the log
	trace  string // the traceparent of its arrival here, "" when nobody follows it
}

var timeKey = []byte(`"time":"`)

// stamp notes when a pushed entry happened, for the push lag. The messages
// service writes the time before the data.
func (e *entry) stamp() {
	_, rest, ok := bytes.Cut(e.raw[:min(len(e.raw), 256)], timeKey)
	text, _, found := bytes.Cut(rest, []byte(`"`))
	var at time.Time
	if ok && found && at.UnmarshalText(text) == nil {
		e.pushed = at.UnixNano()
	}
}

var cursorFirst = []byte(`{"cursor":"`)

// parseEntry reads the position of an entry. The messages service writes the
// cursor first and the number next; when both agree, that is all that is
// looked at. Anything else is decoded with care.
func parseEntry(raw []byte) (*entry, error) {
	if at, ok := glance(raw); ok {
		return &entry{at: at, raw: raw}, nil
	}
	var e struct {
		Cursor string `json:"cursor"`
		Seq    uint64 `json:"seq"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("notify: entry: %w", err)
	}
	at, err := parseCursor(e.Cursor)
	if err != nil || at.seq == 0 || at.seq != e.Seq {
		return nil, fmt.Errorf("notify: entry has no usable position: %.40q, %d", e.Cursor, e.Seq)
	}
	return &entry{at: at, raw: raw}, nil
}

// glance reads `{"cursor":"<epoch>-<n>","seq":<n>,...}`.
func glance(raw []byte) (cursor, bool) {
	rest, ok := bytes.CutPrefix(raw, cursorFirst)
	text, rest, found := bytes.Cut(rest, []byte(`","seq":`))
	if !ok || !found || len(text) > len("0123456789abcdef-18446744073709551615") {
		return cursor{}, false
	}
	at, err := parseCursor(string(text))
	_, number, _ := bytes.Cut(text, []byte("-"))
	rest, ok = bytes.CutPrefix(rest, number)
	return at, err == nil && at.seq > 0 && ok && bytes.HasPrefix(rest, []byte(",")) && bytes.HasSuffix(rest, []byte("}"))
}
