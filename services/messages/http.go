package messages

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/audit"
	"chatapp/libs/httpx"
)

// newServer reads as a table of contents of the service.
func (s *Service) newServer(o httpx.Options) *httpx.Server {
	h := httpx.New(o)
	httpx.RegisterHot(h, op(http.MethodPost, "/api/v1/messages", "post-message", "Write to a person or a conversation",
		"Answers 201 after the message was saved, for every member. `client_id` makes it idempotent for ever: the same key with the same text answers 200 and the first message, with another text 409. 403 `undeliverable` when one of the two blocked the other; it does not say which, nor whether somebody new may write at all (contact-policy). 403 `awaiting-answer` after 3 messages of a request."), hotPost, s.postMessage)
	httpx.Register(h, op(http.MethodGet, "/api/v1/messages", "list-messages-with", "Messages with one person",
		"Oldest to newest; empty when the two never wrote."), s.listMessagesWith)
	httpx.Register(h, op(http.MethodGet, "/api/v1/messages/{id}", "get-message", "One message",
		"404 to everybody who is not in its conversation."), s.getMessage)
	httpx.Register(h, op(http.MethodPost, "/api/v1/conversations", "open-conversation", "Open the conversation with a person",
		"The same conversation every time, from either side. Your own id opens your notes."), s.openConversation)
	httpx.Register(h, op(http.MethodGet, "/api/v1/conversations", "list-conversations", "My conversations, newest first",
		"`cursor` is the position of your event log just before the list was read: connect the WebSocket from it and nothing is missed."), s.listConversations)
	httpx.Register(h, op(http.MethodGet, "/api/v1/conversations/{id}", "get-conversation", "One conversation", ""), s.getConversation)
	httpx.Register(h, op(http.MethodGet, "/api/v1/conversations/{id}/messages", "list-messages", "A page of a conversation",
		"Oldest to newest. Without `before` and `after`: the latest. `seq` is dense, so pages never overlap or skip."), s.listMessages)
	httpx.Register(h, op(http.MethodPut, "/api/v1/conversations/{id}/read", "mark-read", "Mark as read up to a message",
		"The mark only ever moves forward."), s.markRead)
	httpx.Register(h, op(http.MethodGet, "/api/v1/events", "list-events", "My event log",
		"Dense and in order: a missing number is a missed event. 410 `cursor-expired` and 409 `cursor-ahead` mean: load the conversations again and go on from their `cursor`."), s.listEvents)
	httpx.Register(h, op(http.MethodGet, "/api/v1/messages/activity", "list-message-activity", "What I did, newest first",
		"Answers to requests, who may write first, reports; for moderators and administrators also what they decided and looked for. No texts."), audit.Own(s.deps.DB))
	s.requestRoutes(h)
	s.moderationRoutes(h)
	s.administrationRoutes(h)
	s.exportRoutes(h)
	nullable(h, "ConversationView", "last_message")
	answersAlso(h, "/api/v1/messages", "200", "201", "Saved; 200 is the answer to a repetition")
	return h
}

// answersAlso documents the second success of a POST, which looks like the first.
func answersAlso(h *httpx.Server, path, status, also, description string) {
	answers := h.API.OpenAPI().Paths[path].Post.Responses
	second := *answers[status]
	second.Description = description
	answers[also] = &second
}

// nullable says in the document that a property may be null: huma has no tag
// for that on a property that refers to another schema.
func nullable(h *httpx.Server, schema, property string) {
	p := h.API.OpenAPI().Components.Schemas.Map()[schema].Properties
	p[property] = &huma.Schema{AnyOf: []*huma.Schema{p[property], {Type: "null"}}, Description: p[property].Description}
}

// op describes one operation.
func op(method, path, id, summary, description string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Description: description,
		Tags: []string{"messages"}, Errors: []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusServiceUnavailable},
	}
}

func (s *Service) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	var after *cursor
	if in.After != "" {
		c, err := parseCursor(in.After)
		if err != nil {
			return nil, err
		}
		after = &c
	}
	p, err := s.readLog(ctx, caller(ctx), after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Items = make([]rawEntry, len(p.entries))
	for i, raw := range p.entries {
		out.Body.Items[i] = rawEntry(raw)
	}
	out.Body.Cursor, out.Body.HasMore = cursor{p.epoch, p.last}.String(), p.more()
	return out, nil
}
