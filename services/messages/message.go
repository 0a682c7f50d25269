package messages

import (
	"crypto/sha256"
	"strings"
	"time"
	"unicode/utf8"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// MaxBody is the longest message in characters (code points), after trimming.
const MaxBody = 8000

// Message is one message. ConversationID and Seq say where it stands; ID names
// it for ever.
type Message struct {
	ConversationID id.ID
	Seq            uint64
	ID             id.ID
	SenderID       id.ID
	ClientID       id.ID
	Body           string
	CreatedAt      time.Time
}

// messageID is the id of the message that sender posts under the given key: the
// same for every retry, and nobody else's. So one unique key is enough for
// both, and each index less makes every post cheaper.
func messageID(sender, client id.ID) id.ID {
	sum := sha256.Sum256(append(sender[:], client[:]...))
	v := id.ID(sum[:16])
	v[6], v[8] = v[6]&0x0f|0x80, v[8]&0x3f|0x80 // a UUID of version 8
	return v
}

// wire is m as everybody outside sees it.
func (m Message) wire() events.Message {
	return events.Message{
		ID: m.ID.String(), ConversationID: m.ConversationID.String(), Seq: m.Seq,
		SenderID: m.SenderID.String(), ClientID: m.ClientID.String(), Body: m.Body, CreatedAt: m.CreatedAt.UTC(),
	}
}

// cleanBody trims a text and checks it. Everything but NUL is kept as given:
// how to show it is the reader's business.
func cleanBody(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", errs.Invalid("body.body", "A message must have a text.")
	case n > MaxBody:
		return "", errs.Invalid("body.body", "A message has at most 8,000 characters.")
	case strings.ContainsRune(s, 0):
		e := errs.New(errs.InvalidText, "A message must not contain NUL characters.")
		e.Fields = []errs.Field{{Location: "body.body", Message: e.Detail}}
		return "", e
	}
	return s, nil
}
