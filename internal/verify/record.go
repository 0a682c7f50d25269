package verify

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// recorder keeps the history, in the order in which it happened.
type recorder struct {
	start time.Time

	mu    sync.Mutex
	ops   []check.Op
	last  uint64
	count Progress
	out   *bufio.Writer
	enc   *json.Encoder
	err   error // of writing
}

func newRecorder(w io.Writer) *recorder {
	r := &recorder{start: time.Now()}
	if w != nil {
		r.out = bufio.NewWriterSize(w, 1<<16)
		r.enc = json.NewEncoder(r.out)
	}
	return r
}

// now is the time of the run.
func (r *recorder) now() int64 { return int64(time.Since(r.start)) }

// number gives out numbers for sends and faults, from 1.
func (r *recorder) number() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	return r.last
}

// add writes o down as happening now.
func (r *recorder) add(o check.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	o.At, o.Wall = int64(now.Sub(r.start)), now.UnixNano()
	r.ops = append(r.ops, o)
	c := &r.count
	switch o.Kind {
	case check.Send:
		c.Attempted++
	case check.OK:
		c.Acked++
	case check.Fail:
		c.Refused++
	case check.Info:
		c.Unknown++
	case check.Push:
		c.Pushed++
	case check.Resume:
		c.Reconnects++
	case check.Fault:
		c.Faults++
	}
	if r.enc != nil && r.err == nil {
		r.err = r.enc.Encode(&o)
	}
}

func (r *recorder) retried() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Retries++
}

func (r *recorder) progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.count
	c.Elapsed = time.Since(r.start)
	return c
}

// history ends the recording.
func (r *recorder) history() ([]check.Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out != nil && r.err == nil {
		r.err = r.out.Flush()
	}
	return r.ops, r.err
}

// hash stands for a text in the history.
func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:8])
}

func message(m client.Message) *check.Message {
	return &check.Message{ID: m.ID, Conv: m.ConversationID, Seq: m.Seq, Sender: m.SenderID, Client: m.ClientID, Hash: hash(m.Body)}
}

func messages(list []client.Message) []check.Message {
	all := make([]check.Message, len(list))
	for i, m := range list {
		all[i] = *message(m)
	}
	return all
}

// entry reads an entry of the event log; what cannot be read has no position
// and will be missed.
func entry(e client.Entry) *check.Entry {
	epoch, _, err := client.ParseCursor(e.Cursor)
	if err != nil {
		return &check.Entry{}
	}
	out := &check.Entry{Epoch: epoch, Event: e.Seq}
	if m, ok := e.Message(); ok {
		out.Message = message(m)
		return out
	}
	var read struct {
		ConversationID string `json:"conversation_id"`
		UserID         string `json:"user_id"`
		ReadSeq        uint64 `json:"read_seq"`
	}
	if e.Type == "conversation.read" && json.Unmarshal(e.Data, &read) == nil {
		out.Conv, out.User, out.Seq = read.ConversationID, read.UserID, read.ReadSeq
	}
	return out
}

func row(v client.Conversation) check.Row {
	r := check.Row{Conv: v.ID, LastSeq: v.LastSeq, ReadSeq: v.ReadSeq, Unread: v.Unread}
	if v.LastMessage != nil {
		r.Last = message(*v.LastMessage)
	}
	return r
}
