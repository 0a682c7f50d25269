package messages

import (
	"context"
	"net/http"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

func caller(ctx context.Context) id.ID { return authn.From(ctx).UserID }

func (s *Service) postMessage(ctx context.Context, in *postInput) (*messageOutput, error) {
	body, err := cleanBody(in.Body.Body)
	if err != nil {
		return nil, err
	}
	if in.Body.ClientID.IsZero() {
		return nil, errs.Invalid("body.client_id", "Make a new UUID for each message.")
	}
	where, err := s.addressee(ctx, in.Body.To, in.Body.ConversationID)
	if err != nil {
		return nil, err
	}
	w := &write{where: where, sender: caller(ctx), by: auditorOf(ctx), clientID: in.Body.ClientID, body: body}
	o := s.commit.do(ctx, w)
	if errs.Is(o.err, errs.Undeliverable) || errs.Is(o.err, errs.AwaitingAnswer) {
		o = s.postedBefore(ctx, w, o)
	}
	if o.err != nil {
		return nil, o.err
	}
	out := &messageOutput{Status: http.StatusCreated, ETag: etag(o.message), Body: o.message.wire()}
	if o.replay {
		out.Status = http.StatusOK
	}
	return out, nil
}

// postedBefore answers the retry of a post that was saved before one of the two
// blocked the other or had heard enough: that takes nothing back (idempotent for ever).
func (s *Service) postedBefore(ctx context.Context, w *write, refused outcome) outcome {
	m, err := s.store.message(ctx, w.sender, messageID(w.sender, w.clientID))
	switch {
	case err == nil:
		return w.again(m)
	case errs.Is(err, errs.NotFound):
		return refused
	default:
		return outcome{err: err}
	}
}

// addressee finds the conversation of a post: by its id, or by the person.
func (s *Service) addressee(ctx context.Context, to, conversation *id.ID) (membership, error) {
	if (to == nil) == (conversation == nil) {
		return membership{}, errs.Invalid("body.to", "Give either to (a person) or conversation_id.")
	}
	if conversation != nil {
		return s.direct.of(ctx, *conversation, caller(ctx))
	}
	return s.openWith(ctx, *to)
}

func (s *Service) openWith(ctx context.Context, user id.ID) (membership, error) {
	if err := s.people.ensure(ctx, caller(ctx), user); err != nil {
		return membership{}, err
	}
	return s.direct.open(ctx, caller(ctx), user)
}

// etag identifies a version of a message: the one that was written, or the one
// without a text.
func etag(m Message) string {
	if m.Body == "" {
		return `"` + m.ID.String() + `-2"`
	}
	return `"` + m.ID.String() + `-1"`
}

func (s *Service) getMessage(ctx context.Context, in *getMessageInput) (*messageOutput, error) {
	m, err := s.store.message(ctx, caller(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := &messageOutput{Status: http.StatusOK, ETag: etag(m), Body: m.wire()}
	if in.IfNoneMatch == out.ETag {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

func (s *Service) listMessages(ctx context.Context, in *listInput) (*listOutput, error) {
	last, err := s.store.lastSeq(ctx, caller(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return s.page(ctx, in.ID, last, in.PageInput)
}

func (s *Service) listMessagesWith(ctx context.Context, in *listWithInput) (*listOutput, error) {
	if err := s.people.ensure(ctx, in.With); err != nil {
		return nil, err
	}
	found, last, err := s.store.findDirect(ctx, directKey(caller(ctx), in.With))
	if err != nil {
		return nil, err
	}
	return s.page(ctx, found, last, in.PageInput)
}

// page reads a stretch of a conversation whose newest message is last.
func (s *Service) page(ctx context.Context, conversation id.ID, last uint64, at PageInput) (*listOutput, error) {
	if at.Before.IsSet && at.After.IsSet {
		e := errs.New(errs.InvalidParameter, "Give before or after, not both.")
		e.Fields = []errs.Field{{Location: "query.after", Message: e.Detail}}
		return nil, e
	}
	if at.Limit == 0 {
		at.Limit = s.deps.Config.MessagesToLoad
	}
	out := &listOutput{Body: messagePage{Items: []events.Message{}}}
	if last == 0 {
		return out, nil
	}
	list, err := s.store.messages(ctx, conversation, at)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		out.Body.Items = append(out.Body.Items, m.wire())
	}
	// seq is dense from 1, so the edges of the page say what lies beyond it.
	first, final := at.After.Value+1, at.After.Value
	if at.Before.IsSet {
		first, final = at.Before.Value, max(at.Before.Value, 1)-1
	}
	if len(list) > 0 {
		first, final = list[0].Seq, list[len(list)-1].Seq
	}
	out.Body.HasOlder, out.Body.HasNewer = first > 1, final < last
	return out, nil
}

func (s *Service) openConversation(ctx context.Context, in *openInput) (*conversationOutput, error) {
	m, err := s.openWith(ctx, in.Body.UserID)
	if err != nil {
		return nil, err
	}
	return s.getConversation(ctx, &conversationInput{ID: m.id})
}

func (s *Service) getConversation(ctx context.Context, in *conversationInput) (*conversationOutput, error) {
	c, err := s.store.conversation(ctx, caller(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &conversationOutput{Body: c.view()}, nil
}

// filters are the states of a request that the lists are of.
var filters = map[string]string{"requests": requestIncoming, "ignored": requestIgnored}

func (s *Service) listConversations(ctx context.Context, in *conversationsInput) (*conversationsOutput, error) {
	var from listPosition
	if in.Cursor != "" {
		if err := httpx.DecodeCursor(in.Cursor, &from); err != nil {
			return nil, err
		}
	}
	// The position first, then the list: what happens between the two is then
	// seen twice, never missed.
	head, err := s.head(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	list, err := s.store.conversations(ctx, caller(ctx), filters[in.Filter], from.Below, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &conversationsOutput{}
	if in.Filter != "" {
		if out.Body.Total, err = s.store.countConversations(ctx, caller(ctx), filters[in.Filter]); err != nil {
			return nil, err
		}
	}
	out.Body.Items, out.Body.Cursor = []conversationView{}, head.Cursor
	for _, c := range list[:min(len(list), in.Limit)] {
		out.Body.Items = append(out.Body.Items, c.view())
	}
	if len(list) > in.Limit {
		below := list[in.Limit-1].Activity
		next := httpx.EncodeCursor(listPosition{Below: below})
		out.Body.NextCursor = &next
		if in.Filter == "" {
			out.Body.MoreUnread, err = s.store.unreadBelow(ctx, caller(ctx), below)
		}
	}
	return out, err
}

func (s *Service) markRead(ctx context.Context, in *readInput) (*readOutput, error) {
	where, err := s.direct.of(ctx, in.ID, caller(ctx))
	if err != nil {
		return nil, err
	}
	o := s.commit.do(ctx, &write{where: where, sender: caller(ctx), readSeq: in.Body.Seq})
	if o.err != nil {
		return nil, o.err
	}
	out := &readOutput{}
	out.Body.ConversationID, out.Body.ReadSeq = where.id.String(), o.readSeq
	out.Body.Unread = Conversation{LastSeq: o.lastSeq, ReadSeq: o.readSeq}.Unread()
	return out, nil
}
