package client

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// User is one signed-in person: who they are, and what proves it.
type User struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role"`
}

// Session is the answer of register, login and refresh.
type Session struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	User        User   `json:"user"`
}

// Message is a message as the API shows it. Seq is dense per conversation.
type Message struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id"`
	Seq            uint64    `json:"seq"`
	SenderID       string    `json:"sender_id"`
	ClientID       string    `json:"client_id"`
	Body           string    `json:"body"`
	CreatedAt      time.Time `json:"created_at"`
}

// Conversation is one row of the conversation list.
type Conversation struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind"`
	Peer        User     `json:"peer"`
	LastMessage *Message `json:"last_message"`
	LastSeq     uint64   `json:"last_seq"`
	ReadSeq     uint64   `json:"read_seq"`
	PeerReadSeq uint64   `json:"peer_read_seq"`
	Unread      uint64   `json:"unread"`
}

// Entry is one line of a user's event log. Seq is dense per user.
type Entry struct {
	Cursor string          `json:"cursor"`
	Seq    uint64          `json:"seq"`
	Type   string          `json:"type"`
	Time   time.Time       `json:"time"`
	Data   json.RawMessage `json:"data"`
}

// Message decodes the data of a message.created entry; ok is false for every
// other type.
func (e Entry) Message() (m Message, ok bool) {
	if e.Type != "message.created" || json.Unmarshal(e.Data, &m) != nil {
		return Message{}, false
	}
	return m, true
}

// ParseCursor splits an event cursor. Real clients must not; a judge has to.
func ParseCursor(cursor string) (epoch string, seq uint64, err error) {
	epoch, number, ok := strings.Cut(cursor, "-")
	if !ok || len(epoch) != 16 {
		return "", 0, fmt.Errorf("malformed cursor %q", cursor)
	}
	seq, err = strconv.ParseUint(number, 10, 64)
	return epoch, seq, err
}

// Page is one page of a conversation, oldest to newest.
type Page struct {
	Items    []Message `json:"items"`
	HasOlder bool      `json:"has_older"`
	HasNewer bool      `json:"has_newer"`
}

// Conversations is one page of the conversation list, with the event cursor
// the list was read at.
type Conversations struct {
	Items      []Conversation `json:"items"`
	NextCursor *string        `json:"next_cursor"`
	Cursor     string         `json:"cursor"`
}

// Users is one page of the directory.
type Users struct {
	Items      []User  `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// Events is one page of the caller's event log.
type Events struct {
	Items   []Entry `json:"items"`
	Cursor  string  `json:"cursor"`
	HasMore bool    `json:"has_more"`
}

// Problem is an RFC 9457 answer. It is the error of every call that did not
// get the 2xx it asked for; Status 0 means that no answer came at all.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	Errors   []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	RetryAfter time.Duration `json:"-"` // what the header asks for; 0 = nothing
	Err        error         `json:"-"` // the transport's error when Status is 0
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Status == 0 {
		return "no answer: " + p.Err.Error()
	}
	return fmt.Sprintf("%d %s %s (request %s)", p.Status, p.Type, p.Detail, p.Instance)
}

// Unwrap returns the transport's error.
func (p *Problem) Unwrap() error { return p.Err }
