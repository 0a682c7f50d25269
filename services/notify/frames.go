package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"chatapp/libs/errs"
	"chatapp/libs/events"
)

// Close codes are API: clients decide by them whether and how to come back.
const (
	closeRestart  = 1012 // this node stops; reason "retry_after_ms=<n>"
	closeInvalid  = 1007 // text that is not UTF-8
	closeInternal = 1011
	closeBadFrame = 4400
	closeSession  = 4401 // token expired or session ended
	closeOther    = 4403 // reauth with somebody else's token
	closeSlow     = 4408 // does not read fast enough; resume loses nothing
	closeTooFast  = 4429
)

// snapshotURL is where a client starts anew after a resync.
const snapshotURL = "/api/v1/conversations"

// format is how a client wants its entries. Entries are encoded once per
// format and shared by all of the user's connections.
type format uint8

const (
	formatSocket   format = iota // frame {"type":"event","event":Entry}
	formatSocketID               // the same, a new message shown by its ids only
	formatStream                 // server-sent event
	formatStreamID
	formats // how many there are
)

// withPayload is f for the client's payload parameter: "", "full" or "id".
func (f format) withPayload(payload string) (format, error) {
	switch payload {
	case "", "full":
		return f, nil
	case "id":
		return f + 1, nil
	}
	return f, errs.New(errs.InvalidParameter, `payload is "full" or "id".`)
}

func (f format) stream() bool { return f >= formatStream }

// as returns e encoded in f, encoding it at most once. The feed's lock is held.
func (e *entry) as(f format) []byte {
	if e.encoded[f] == nil {
		e.encoded[f] = e.encode(f)
	}
	return e.encoded[f]
}

func (e *entry) encode(f format) []byte {
	raw := e.raw
	if f == formatSocketID || f == formatStreamID {
		raw = idsOnly(raw)
	}
	if !f.stream() {
		const head, tail = `{"type":"event","event":`, `}`
		out := make([]byte, 0, len(head)+len(raw)+len(tail))
		return append(append(append(out, head...), raw...), tail...)
	}
	var kind struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(raw, &kind) != nil || bytes.ContainsAny([]byte(kind.Type), "\r\n") {
		kind.Type = "unknown"
	}
	return streamEvent(e.at.String(), kind.Type, raw)
}

// streamEvent writes one server-sent event; data is JSON, and goes on one line.
func streamEvent(id, kind string, data []byte) []byte {
	if bytes.ContainsAny(data, "\r\n") {
		var line bytes.Buffer
		if json.Compact(&line, data) == nil {
			data = line.Bytes()
		}
	}
	return fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", id, kind, data)
}

// idsOnly leaves of a new message its two ids, for clients that fetch the rest
// themselves; every other entry stays as it is.
func idsOnly(raw []byte) []byte {
	var e events.Entry
	if err := json.Unmarshal(raw, &e); err != nil || e.Type != events.TypeMessageCreated {
		return raw
	}
	var data struct {
		ID             string `json:"id"`
		ConversationID string `json:"conversation_id"`
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return raw
	}
	e.Data = encode(data)
	return encode(e)
}

// encode marshals what cannot fail: strings, numbers and valid JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("notify: encoding a frame: %v", err))
	}
	return b
}

func welcomeFrame(f format, at cursor, heartbeat int) []byte {
	if f.stream() {
		return fmt.Appendf(nil, "id: %s\n\n", at) // sets Last-Event-ID, shows no event
	}
	return encode(struct {
		Type      string `json:"type"`
		Cursor    string `json:"cursor"`
		Heartbeat int    `json:"heartbeat"`
	}{"welcome", at.String(), heartbeat})
}

func resyncFrame(f format, reason errs.Slug, head cursor) []byte {
	frame := encode(struct {
		Type     string    `json:"type"`
		Reason   errs.Slug `json:"reason"`
		Cursor   string    `json:"cursor"`
		Snapshot string    `json:"snapshot"`
	}{"resync", reason, head.String(), snapshotURL})
	if f.stream() {
		return streamEvent(head.String(), "resync", frame)
	}
	return frame
}

func typingFrame(f format, t events.Typing) []byte {
	return hintFrame(f, "typing", struct {
		Type string `json:"type"`
		events.Typing
	}{"typing", t})
}

func personFrame(f format, user string) []byte {
	return hintFrame(f, "person", struct {
		Type   string `json:"type"`
		UserID string `json:"user_id"`
	}{"person", user})
}

// hintFrame has no cursor: nobody goes on from it.
func hintFrame(f format, kind string, v any) []byte {
	frame := encode(v)
	if f.stream() {
		return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, frame)
	}
	return frame
}

func errorFrame(err error) []byte {
	e := errs.Of(err)
	return encode(struct {
		Type   string    `json:"type"`
		Slug   errs.Slug `json:"slug"`
		Detail string    `json:"detail"`
	}{"error", e.Slug, e.Detail})
}

// clientFrame is any frame a client sends; which fields count depends on Type.
type clientFrame struct {
	Type           string `json:"type"`
	Cursor         string `json:"cursor"`
	Payload        string `json:"payload"`
	ConversationID string `json:"conversation_id"`
	Token          string `json:"token"`
}

// parseFrame reads one frame: one JSON object with a type. Fields we do not
// know are for newer servers and ignored.
func parseFrame(data []byte) (clientFrame, error) {
	var f clientFrame
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&f); err != nil {
		return clientFrame{}, errors.New("frame is not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return clientFrame{}, errors.New("data after the frame")
	}
	if f.Type == "" {
		return clientFrame{}, errors.New("frame has no type")
	}
	return f, nil
}
