// Package events is the contract between the services: which events exist, on
// which subjects and streams they travel, and what their JSON looks like.
//
// Within version 1 fields are only ever added; a golden file per type
// (testdata/) is append-only, so a rename or removal fails the tests. It
// imports the standard library only, so anything may depend on it.
package events

import (
	"encoding/json"
	"strconv"
	"time"
)

// The JetStream streams, one per emitting service.
const (
	StreamAuth     = "AUTH"
	StreamUsers    = "USERS"
	StreamMessages = "MESSAGES"
)

// Streams maps each stream to the subjects it stores.
var Streams = map[string][]string{
	StreamAuth:     {"chat.auth.v1.>"},
	StreamUsers:    {"chat.users.v1.>"},
	StreamMessages: {"chat.messages.v1.committed.*"},
}

// Durable is a durable consumer: which service reads which events of a stream,
// and remembers how far it got.
type Durable struct {
	Service, Stream, Name, Subject string
}

// The durable consumers.
var (
	DurableAccounts = Durable{ServiceUsers, StreamAuth, "users", Subject(ServiceAuth, NameRegistered, "*")}
	DurableDeleted  = Durable{ServiceUsers, StreamAuth, "users-deleted", Subject(ServiceAuth, NameDeleted, "*")}
	DurableErased   = Durable{ServiceMessages, StreamAuth, "messages-deleted", Subject(ServiceAuth, NameDeleted, "*")}
	DurableMail     = Durable{ServiceAuth, StreamAuth, "auth-mail", Subject(ServiceAuth, NameMailRequested, "*")}
	DurableProfiles = Durable{ServiceMessages, StreamUsers, "messages-profiles", Subject(ServiceUsers, NameProfileChanged, "*")}
	DurableBlocks   = Durable{ServiceMessages, StreamUsers, "messages-blocks", Subject(ServiceUsers, NameBlockChanged, "*")}
	DurablePrivacy  = Durable{ServiceMessages, StreamUsers, "messages-privacy", Subject(ServiceUsers, NamePrivacyChanged, "*")}

	Durables = []Durable{DurableAccounts, DurableDeleted, DurableErased, DurableMail, DurableProfiles, DurableBlocks, DurablePrivacy}
)

// Event names; the full subject is Subject(service, name, key).
const (
	NameRegistered     = "registered"      // auth; body Registered
	NameDeleted        = "deleted"         // auth; body Deleted
	NameSessionRevoked = "session_revoked" // auth; body SessionRevoked
	NameMailRequested  = "mail_requested"  // auth, read by auth alone; body MailRequested
	NameProfileChanged = "profile_changed" // users; body ProfileChanged
	NameBlockChanged   = "block_changed"   // users; body BlockChanged
	NamePrivacyChanged = "privacy_changed" // users; body PrivacyChanged
	NameCommitted      = "committed"       // messages; body Committed
	NameLogged         = "logged"          // messages, core NATS only; body Entry
	NamePersonChanged  = "person_changed"  // messages, core NATS only; body PersonChanged
	NameTyping         = "typing"          // notify, core NATS only; body Typing
	NameSeen           = "seen"            // notify, core NATS only; body Seen
)

// The services that emit.
const (
	ServiceAuth     = "auth"
	ServiceUsers    = "users"
	ServiceMessages = "messages"
	ServiceNotify   = "notify"
)

// Request/reply subjects. Request and reply types are below.
const (
	RPCJWKS        = "chat.auth.rpc.v1.jwks"        // {} -> JWKSReply
	RPCAccount     = "chat.auth.rpc.v1.account"     // UserRequest -> Registered
	RPCProfile     = "chat.users.rpc.v1.profile"    // UserRequest -> ProfileChanged
	RPCAccountData = "chat.auth.rpc.v1.data"        // DataRequest -> DataReply
	RPCProfileData = "chat.users.rpc.v1.data"       // DataRequest -> DataReply
	RPCLog         = "chat.messages.rpc.v1.log"     // LogRequest -> LogReply
	RPCHeads       = "chat.messages.rpc.v1.heads"   // HeadsRequest -> HeadsReply
	RPCMembers     = "chat.messages.rpc.v1.members" // MembersRequest -> MembersReply
)

// Subject is the literal subject of one event: chat.<service>.v1.<name>.<key>.
// The key is the id of the user concerned, so one subscription per user
// suffices, and "*" gives a filter for all of them.
func Subject(service, name, key string) string {
	return "chat." + service + ".v1." + name + "." + key
}

// Registered says that an account exists. Emitted once per account.
type Registered struct {
	UserID      string    `json:"user_id"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at"`
}

// Deleted says that an account is gone for good. Emitted once per account, as
// the last word about it; consumers keep that they heard it, so that an older
// event that comes later brings nothing back.
type Deleted struct {
	UserID string    `json:"user_id"`
	Erase  bool      `json:"erase"` // the text of the person's messages goes too
	At     time.Time `json:"at"`
}

// SessionRevoked says that a session ended before its tokens expire: sign-out,
// reuse of a refresh token, or an operator.
type SessionRevoked struct {
	UserID    string    `json:"user_id"`
	SessionID string    `json:"session_id"`
	Reason    string    `json:"reason"` // "signed-out" | "token-reused" | "password-changed" | "second-factor-changed" | "suspended" | "role-changed" | "operator" | "deleted"
	At        time.Time `json:"at"`
}

// MailRequested asks the auth service, which is also the only one that may read
// it, to send one mail about an account. Token is the secret of the link in it.
type MailRequested struct {
	Kind      string     `json:"kind"`
	UserID    string     `json:"user_id"`
	To        string     `json:"to"`
	Name      string     `json:"name"`
	Token     string     `json:"token,omitempty"`
	Device    string     `json:"device,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // of the link: not sent after it
	At        time.Time  `json:"at"`
}

// ProfileChanged carries the whole public profile. Version grows with each
// change: a consumer keeps the highest and so survives any order of delivery.
type ProfileChanged struct {
	UserID      string `json:"user_id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	StatusText  string `json:"status_text,omitempty"`
	PictureID   string `json:"picture_id,omitempty"` // absent: no picture
	Version     uint64 `json:"version"`
}

// BlockChanged says whether UserID blocks BlockedID. Version grows with each
// change of this pair: a consumer keeps the highest.
type BlockChanged struct {
	UserID    string `json:"user_id"`
	BlockedID string `json:"blocked_id"`
	Blocked   bool   `json:"blocked"`
	Version   uint64 `json:"version"`
}

// PrivacyChanged says what UserID keeps from others, as far as another service
// must act on it. Version grows with each change: a consumer keeps the highest.
type PrivacyChanged struct {
	UserID           string `json:"user_id"`
	ShowReadReceipts bool   `json:"show_read_receipts"`
	Version          uint64 `json:"version"`
}

// Entry is one line of a user's event log, exactly as clients receive it over
// GET /events, the WebSocket and SSE. Seq is dense per user: a missing number
// is a missed event. Cursor is "<epoch>-<seq>".
type Entry struct {
	Cursor string          `json:"cursor"`
	Seq    uint64          `json:"seq"`
	Type   string          `json:"type"` // one of the Type… constants; clients ignore the ones they do not know
	Time   time.Time       `json:"time"`
	Data   json.RawMessage `json:"data"`
}

// Append appends e as JSON, byte for byte what json.Marshal writes when Data is
// what json.Marshal wrote and Cursor and Type are plain ASCII, as all are: an
// entry is written once for every member of a conversation.
func (e Entry) Append(b []byte) []byte {
	b = append(append(b, `{"cursor":"`...), e.Cursor...)
	b = strconv.AppendUint(append(b, `","seq":`...), e.Seq, 10)
	b = append(append(b, `,"type":"`...), e.Type...)
	b = e.Time.AppendFormat(append(b, `","time":"`...), time.RFC3339Nano)
	return append(append(append(b, `","data":`...), e.Data...), '}')
}

// Committed is what one transaction of the messages service added to the logs of
// users, for consumers that must not miss anything. Who only shows it at once
// listens to logged instead and reads the log where a number is missing. Its
// key is always KeyCommitted.
type Committed struct {
	Epoch   string   `json:"epoch"`
	Changes []Change `json:"changes"`
}

// Append appends c as JSON, as Entry.Append does.
func (c Committed) Append(b []byte) []byte {
	b = append(append(append(b, `{"epoch":"`...), c.Epoch...), `","changes":[`...)
	for i, change := range c.Changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"type":"`...), change.Type...)
		b = change.Time.AppendFormat(append(b, `","time":"`...), time.RFC3339Nano)
		b = append(append(b, `","data":`...), change.Data...)
		for j, place := range change.Logs {
			separator := ","
			if j == 0 {
				separator = `,"logs":[`
			}
			b = append(append(append(append(b, separator...), `{"user_id":"`...), place.UserID...), `","seq":`...)
			b = append(strconv.AppendUint(b, place.Seq, 10), '}')
		}
		b = append(b, `]}`...)
	}
	return append(b, `]}`...)
}

// KeyCommitted is the key of committed, which concerns no single user.
const KeyCommitted = "log"

// Change is one thing that happened, with all the logs that it stands in. Type,
// Time and Data are those of the Entry in each of them.
type Change struct {
	Type string          `json:"type"`
	Time time.Time       `json:"time"`
	Data json.RawMessage `json:"data"`
	Logs []LogPlace      `json:"logs"`
}

// LogPlace is one entry's place: whose log, and its number there.
type LogPlace struct {
	UserID string `json:"user_id"`
	Seq    uint64 `json:"seq"`
}

// Types of Entry.
const (
	TypeMessageCreated   = "message.created"   // data: Message
	TypeConversationRead = "conversation.read" // data: ConversationRead
	TypeMessageErased    = "message.erased"    // data: MessageErased
)

// Message is a message as everybody sees it. Seq is dense per conversation and
// is the only order there is. A message at Seq s also says that its sender has
// read everything up to s. No message is written without a text: an empty Body
// says that it was erased.
type Message struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id"`
	Seq            uint64    `json:"seq"`
	SenderID       string    `json:"sender_id"`
	ClientID       string    `json:"client_id"`
	Body           string    `json:"body"`
	CreatedAt      time.Time `json:"created_at"`
}

// ConversationRead says how far UserID has read. It only ever grows.
type ConversationRead struct {
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
	ReadSeq        uint64 `json:"read_seq"`
}

// MessageErased says that a moderator took the text of a message away. What
// shows it shows it without: Message says so, too, to whoever reads it anew.
type MessageErased struct {
	ConversationID string `json:"conversation_id"`
	Seq            uint64 `json:"seq"`
	MessageID      string `json:"message_id"`
}

// Typing says that UserID is writing in a conversation; valid for six seconds.
type Typing struct {
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
}

// KeyPersonChanged is the key of person_changed, which concerns many users.
const KeyPersonChanged = "some"

// PersonChanged tells at most MaxTold users that what they see of UserID has
// changed: UserID's own devices, and those who share a conversation. What it is
// now they ask for.
type PersonChanged struct {
	UserID string   `json:"user_id"`
	Tell   []string `json:"tell"`
}

// MaxTold is how many users one PersonChanged names.
const MaxTold = 500

// KeySeen is the key of seen, which concerns many users.
const KeySeen = "some"

// Seen says who is connected, or was a moment ago: at most MaxSeen users.
type Seen struct {
	UserIDs []string `json:"user_ids"`
}

// MaxSeen is how many users one Seen names.
const MaxSeen = 500

// JWKSReply answers RPCJWKS.
type JWKSReply struct {
	JWKS json.RawMessage `json:"jwks"`
}

// UserRequest asks about one user.
type UserRequest struct {
	UserID string `json:"user_id"`
}

// DataRequest asks for what a service keeps of a person, for that person to
// download. After is Next of the page before, "" for the first one.
type DataRequest struct {
	UserID string `json:"user_id"`
	After  string `json:"after,omitempty"`
}

// DataReply is one page of it; Next is "" on the last one.
type DataReply struct {
	Files []DataFile `json:"files"`
	Next  string     `json:"next,omitempty"`
}

// DataFile is a file of what a person downloads, or a piece of one. With JSON or
// Bytes it is whole. Without them it is a list: the Items of files of the same
// name, one after the other, possibly over several pages, are one list.
type DataFile struct {
	Name  string            `json:"name"`
	JSON  json.RawMessage   `json:"json,omitempty"`
	Bytes []byte            `json:"bytes,omitempty"`
	Items []json.RawMessage `json:"items,omitempty"`
}

// LogRequest asks for what follows After in a user's log; "" asks for nothing
// but the head.
type LogRequest struct {
	UserID string `json:"user_id"`
	After  string `json:"after"`
	Limit  int    `json:"limit"`
}

// LogReply holds entries (each an Entry) in order and the cursor of the log's
// head at that moment.
type LogReply struct {
	Events  []json.RawMessage `json:"events"`
	Cursor  string            `json:"cursor"`
	HasMore bool              `json:"has_more"`
}

// HeadsRequest asks for the heads of up to 1,000 users' logs.
type HeadsRequest struct {
	UserIDs []string `json:"user_ids"`
}

// HeadsReply maps user id to the last event_seq; a user without log is absent.
type HeadsReply struct {
	Epoch string            `json:"epoch"`
	Heads map[string]uint64 `json:"heads"`
}

// MembersRequest asks who else is in a conversation of UserID.
type MembersRequest struct {
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
}

// MembersReply lists all members, the asker included.
type MembersReply struct {
	UserIDs []string `json:"user_ids"`
}
