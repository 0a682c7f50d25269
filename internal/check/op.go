package check

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Kind says what an operation is.
type Kind string

// The kinds of operations. Send is the moment before a post's first attempt;
// OK, Fail and Info (outcome unknown for ever) are its end and carry the same
// N. What reads carries Begin besides At, its end.
const (
	Person Kind = "person" // User and Name take part
	Talk   Kind = "talk"   // Users talk in Conv, which held Seq messages before
	Send   Kind = "send"   // User posts Hash under Client into Conv
	OK     Kind = "ok"     // answered 2xx with Message
	Fail   Kind = "fail"   // refused for good with Status
	Info   Kind = "info"   // given up: it may or may not be there

	Open   Kind = "open"   // Device of User is welcomed at Epoch, Event
	Resume Kind = "resume" // the same, after it asked to go on from where it was
	Resync Kind = "resync" // the server moved Device to Epoch, Event: what lies between is read elsewhere
	Close  Kind = "close"  // Device has no connection any more
	Revoke Kind = "revoke" // the session of Device was ended, and that was answered
	Push   Kind = "push"   // Entry came to Device; Shown after the client's dedupe

	Page  Kind = "page"  // User read Items of Conv before Seq (0: the latest), at most Limit
	Get   Kind = "get"   // User got message Client (its id) with Status and Message
	Read  Kind = "read"  // User moved the mark of Conv to Seq; Status, Rows[0] is the answer
	List  Kind = "list"  // User read the conversation list Rows
	Log   Kind = "log"   // User read the event log after Event: Entries
	Fault Kind = "fault" // fault N of kind Name begins
	Heal  Kind = "heal"  // its cause is gone
)

// Conflicting is the Name of a Send that reuses the key of an accepted message
// for another text, and so must be refused.
const Conflicting = "conflicting"

// Message is a message without its text, of which only a hash is kept.
type Message struct {
	ID     string `json:"id"`
	Conv   string `json:"c"`
	Seq    uint64 `json:"s"`
	Sender string `json:"u"`
	Client string `json:"k"`
	Hash   string `json:"h"`
}

// Entry is an entry of a user's event log: a message, or a read mark of User,
// or of a type that the checker does not know (neither).
type Entry struct {
	Epoch   string   `json:"ep"`
	Event   uint64   `json:"e"`
	Message *Message `json:"m,omitempty"`
	Conv    string   `json:"c,omitempty"`
	User    string   `json:"u,omitempty"`
	Seq     uint64   `json:"s,omitempty"`
}

// Row is a conversation as the list, or the answer to a read mark, shows it.
type Row struct {
	Conv    string   `json:"c"`
	LastSeq uint64   `json:"l"`
	ReadSeq uint64   `json:"r"`
	Unread  uint64   `json:"n"`
	Last    *Message `json:"m,omitempty"`
}

// Op is one line of a history. Which fields count depends on Kind. Times are
// nanoseconds: At and Begin on a monotonic clock that starts with the run, Wall
// since 1970.
type Op struct {
	Kind     Kind      `json:"k"`
	At       int64     `json:"t"`
	Begin    int64     `json:"b,omitempty"`
	Wall     int64     `json:"w,omitempty"`
	N        uint64    `json:"n,omitempty"`
	Name     string    `json:"name,omitempty"`
	User     string    `json:"u,omitempty"`
	Users    []string  `json:"us,omitempty"`
	Device   string    `json:"d,omitempty"`
	Conv     string    `json:"c,omitempty"`
	Client   string    `json:"id,omitempty"`
	Hash     string    `json:"h,omitempty"`
	Seq      uint64    `json:"s,omitempty"`
	Epoch    string    `json:"ep,omitempty"`
	Event    uint64    `json:"e,omitempty"`
	Status   int       `json:"st,omitempty"`
	Limit    int       `json:"lim,omitempty"`
	HasOlder bool      `json:"older,omitempty"`
	Shown    bool      `json:"shown,omitempty"`
	Final    bool      `json:"final,omitempty"` // read after everything had come to rest
	Message  *Message  `json:"m,omitempty"`
	Entry    *Entry    `json:"en,omitempty"`
	Items    []Message `json:"items,omitempty"`
	Entries  []Entry   `json:"log,omitempty"`
	Rows     []Row     `json:"rows,omitempty"`
}

// Encode writes a history as JSONL.
func Encode(w io.Writer, history []Op) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	for i := range history {
		if err := enc.Encode(&history[i]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Decode reads what Encode wrote. The error names the operation that is wrong.
func Decode(r io.Reader) ([]Op, error) {
	var history []Op
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	for {
		var o Op
		switch err := dec.Decode(&o); {
		case errors.Is(err, io.EOF):
			return history, nil
		case err != nil:
			return nil, fmt.Errorf("operation %d: %w", len(history)+1, err)
		}
		history = append(history, o)
	}
}
