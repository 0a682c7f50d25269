package messages

import (
	"encoding/json"
	"math"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

type postInput struct {
	Body struct {
		To             *id.ID `json:"to,omitempty" format:"uuid" doc:"The person to write to; give this or conversation_id"`
		ConversationID *id.ID `json:"conversation_id,omitempty" format:"uuid" doc:"The conversation to write to"`
		ClientID       id.ID  `json:"client_id" format:"uuid" doc:"Made by the client, new for each message; repeat it when retrying"`
		Body           string `json:"body" doc:"The text: 1 to 8,000 characters after trimming"`
	}
}

type messageOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   events.Message
}

// hotPost serves posts without reflection.
var hotPost = httpx.Hot[postInput, messageOutput]{
	Decode: func(body []byte, in *postInput) bool {
		return httpx.FlatStrings(body, in.set) && in.Body.Body != "" && !in.Body.ClientID.IsZero()
	},
	Encode: func(out *messageOutput) (int, string, any) { return out.Status, out.ETag, &out.Body },
}

// set sets one field; false when its value is not plainly right.
func (in *postInput) set(name, value string) bool {
	if name == "body" {
		in.Body.Body = value
		return true
	}
	v, err := id.Parse(value)
	switch name {
	case "to":
		in.Body.To = &v
	case "conversation_id":
		in.Body.ConversationID = &v
	case "client_id":
		in.Body.ClientID = v
	default:
		return false
	}
	return err == nil
}

type getMessageInput struct {
	ID          id.ID  `path:"id" format:"uuid"`
	IfNoneMatch string `header:"If-None-Match"`
}

// PageInput is the stretch of a conversation that a reader asks for.
type PageInput struct {
	Before seqParam `query:"before" doc:"Only messages with a lower seq"`
	After  seqParam `query:"after" doc:"Only messages with a higher seq, beginning with the oldest of them; 0 begins with the very first"`
	Limit  int      `query:"limit" minimum:"1" maximum:"100" doc:"How many; CHAT_MESSAGES_TO_LOAD (15) when absent"`
}

// seqParam is a seq that may be absent: 0 is a position like any other.
type seqParam struct {
	Value uint64
	IsSet bool
}

// Schema implements huma.SchemaProvider.
func (seqParam) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[uint64](), true, "")
}

// Receiver implements huma.ParamWrapper.
func (p *seqParam) Receiver() reflect.Value { return reflect.ValueOf(&p.Value).Elem() }

// OnParamSet implements huma.ParamReactor. Past the largest BIGINT there is as
// little as at it.
func (p *seqParam) OnParamSet(isSet bool, _ any) {
	p.IsSet, p.Value = isSet, min(p.Value, math.MaxInt64)
}

type listWithInput struct {
	With id.ID `query:"with" required:"true" format:"uuid" doc:"The other person"`
	PageInput
}

type listInput struct {
	ID id.ID `path:"id" format:"uuid"`
	PageInput
}

type messagePage struct {
	Items    []events.Message `json:"items" doc:"Oldest to newest"`
	HasOlder bool             `json:"has_older"`
	HasNewer bool             `json:"has_newer"`
}

type listOutput struct{ Body messagePage }

type openInput struct {
	Body struct {
		UserID id.ID `json:"user_id" format:"uuid"`
	}
}

type personView struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
}

// conversationView is a conversation as its member sees it.
type conversationView struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind" enum:"direct,self"`
	Peer        personView      `json:"peer" doc:"The other person; yourself when kind is self"`
	LastMessage *events.Message `json:"last_message" doc:"null in a conversation without messages"`
	LastSeq     uint64          `json:"last_seq"`
	ReadSeq     uint64          `json:"read_seq" doc:"How far you have read"`
	PeerReadSeq uint64          `json:"peer_read_seq" doc:"How far the other person has read"`
	Unread      uint64          `json:"unread"`
	Blocked     bool            `json:"blocked" doc:"You blocked the other person: neither can write. That they blocked you is never told"`
	PeerGone    bool            `json:"peer_gone" doc:"The other person deleted the account: nothing can be written any more"`
	Request     string          `json:"request" enum:"none,incoming,ignored" doc:"incoming: a message request that you have not answered; ignored: one that you put aside. Load it again when a conversation.read of yours arrives"`
	CreatedAt   time.Time       `json:"created_at"`
}

func (c Conversation) view() conversationView {
	v := conversationView{
		ID: c.ID.String(), Kind: c.Kind.String(),
		Peer:    personView{ID: c.Peer.ID.String(), Username: c.Peer.Username, DisplayName: c.Peer.DisplayName},
		LastSeq: c.LastSeq, ReadSeq: c.ReadSeq, PeerReadSeq: c.PeerReadSeq, Unread: c.Unread(), Blocked: c.Blocked, PeerGone: c.peerGate != 0, Request: c.gate.name(),
		CreatedAt: c.CreatedAt.UTC(),
	}
	if c.Last != nil {
		m := c.Last.wire()
		v.LastMessage = &m
	}
	return v
}

type conversationInput struct {
	ID id.ID `path:"id" format:"uuid"`
}

type conversationOutput struct{ Body conversationView }

type conversationsInput struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"30"`
	Filter string `query:"filter" enum:"requests,ignored" doc:"Only message requests, or only those that you put aside; absent: everything but those"`
}

type conversationsOutput struct {
	Body struct {
		Items      []conversationView `json:"items"`
		NextCursor *string            `json:"next_cursor" doc:"null on the last page"`
		Cursor     string             `json:"cursor" doc:"Where to begin reading events"`
		Total      *int               `json:"total,omitempty" doc:"With filter: how many conversations there are on all pages"`
		MoreUnread bool               `json:"more_unread" doc:"Without filter: whether a conversation on a later page has unread messages, requests aside"`
	}
}

// listPosition is inside the opaque cursor of the conversation list.
type listPosition struct {
	Below uint64 `json:"b"`
}

type readInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Seq uint64 `json:"seq" doc:"The last message seen"`
	}
}

type readOutput struct {
	Body struct {
		ConversationID string `json:"conversation_id"`
		ReadSeq        uint64 `json:"read_seq"`
		Unread         uint64 `json:"unread"`
	}
}

type eventsInput struct {
	After string `query:"after" doc:"A cursor; absent: from the oldest entry kept"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// rawEntry is an entry as it was encoded once, for every way it travels.
type rawEntry json.RawMessage

// MarshalJSON implements json.Marshaler.
func (e rawEntry) MarshalJSON() ([]byte, error) { return e, nil }

// Schema implements huma.SchemaProvider.
func (rawEntry) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[Entry](), true, "Entry")
}

// Entry describes an entry for the OpenAPI document.
type Entry struct {
	Cursor string         `json:"cursor"`
	Seq    uint64         `json:"seq" doc:"Dense: the number before is the entry before"`
	Type   string         `json:"type" doc:"message.created (data: Message), conversation.read (data: conversation_id, user_id, read_seq), message.erased (data: conversation_id, seq, message_id); ignore others"`
	Time   time.Time      `json:"time"`
	Data   map[string]any `json:"data"`
}

type eventsOutput struct {
	Body struct {
		Items   []rawEntry `json:"items"`
		Cursor  string     `json:"cursor" doc:"after of the next page"`
		HasMore bool       `json:"has_more"`
	}
}
