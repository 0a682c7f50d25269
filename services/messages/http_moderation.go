package messages

import (
	"context"
	"net/http"
	"strings"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// moderationRoutes are the routes about reports and about what moderators and
// administrators may see.
func (s *Service) moderationRoutes(h *httpx.Server) {
	httpx.Register(h, op(http.MethodPost, "/api/v1/reports", "report", "Report a person or a message to the moderators",
		"201; 200 and the open report when you reported the same already. 404 for what you cannot see. At most 20 a day. A moderator sees a copy of the message."), s.postReport)
	answersAlso(h, "/api/v1/reports", "200", "201", "Reported; 200 is the answer when you had reported the same")
	httpx.Register(h, op(http.MethodGet, "/api/v1/moderation/reports", "list-reports", "Reports, newest first",
		"For moderators and administrators; 404 to others."), s.listReports)
	httpx.Register(h, op(http.MethodPost, "/api/v1/moderation/reports/{id}/close", "close-report", "Close a report",
		"Records what was decided, in the audit log too. removed: the text of the message is erased at the same time, for everybody, and they are told (`message.erased`); 400 for a report about a person. suspended: the account is suspended by another call, before. 409 when it is closed already."), s.closeReport)
	httpx.Register(h, op(http.MethodGet, "/api/v1/moderation/messages", "search-messages", "Look into other people's messages",
		"For administrators, where the operator switched it on (CHAT_MESSAGE_SEARCH); 404 otherwise. Give from or to. Each page that is read is first written to the audit log, with the reason; what cannot be recorded is not shown."), s.searchMessages)
}

type reportBody struct {
	UserID    *id.ID `json:"user_id,omitempty" format:"uuid" doc:"The person; give this or message_id"`
	MessageID *id.ID `json:"message_id,omitempty" format:"uuid" doc:"The message"`
	Reason    string `json:"reason" enum:"spam,harassment,illegal,other"`
	Note      string `json:"note,omitempty" maxLength:"1000"`
}

type reportInput struct{ Body reportBody }

type reportedOutput struct {
	Status int
	Body   struct {
		ID string `json:"id"`
	}
}

func (s *Service) postReport(ctx context.Context, in *reportInput) (*reportedOutput, error) {
	if err := plain("body.note", in.Body.Note); err != nil {
		return nil, err
	}
	r, err := s.reportOf(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	stored, known, err := s.store.saveReport(ctx, r, auditorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &reportedOutput{Status: http.StatusCreated}
	if known {
		out.Status = http.StatusOK
	}
	out.Body.ID = stored.String()
	return out, nil
}

// plain refuses NUL, which not every database keeps.
func plain(location, text string) error {
	if strings.ContainsRune(text, 0) {
		return errs.Invalid(location, "A text must not contain NUL characters.")
	}
	return nil
}

type reportView struct {
	ID           string      `json:"id"`
	State        string      `json:"state" enum:"open,closed"`
	Reporter     personView  `json:"reporter"`
	Person       personView  `json:"person" doc:"Who is reported"`
	MessageID    string      `json:"message_id,omitempty"`
	Body         string      `json:"body,omitempty" doc:"The message as it was when it was reported"`
	SentAt       *time.Time  `json:"sent_at,omitempty"`
	Reason       string      `json:"reason" enum:"spam,harassment,illegal,other"`
	Note         string      `json:"note"`
	CreatedAt    time.Time   `json:"created_at"`
	Decision     string      `json:"decision,omitempty" enum:"dismissed,removed,suspended"`
	DecisionNote string      `json:"decision_note,omitempty"`
	DecidedBy    *personView `json:"decided_by,omitempty"`
	DecidedAt    *time.Time  `json:"decided_at,omitempty"`
}

func (p Person) view() personView {
	return personView{ID: p.ID.String(), Username: p.Username, DisplayName: p.DisplayName}
}

func (f filed) view() reportView {
	v := reportView{
		ID: f.id.String(), State: "open", Reporter: f.from.view(), Person: f.about.view(), Body: f.body, SentAt: utc(f.sentAt),
		Reason: f.reason, Note: f.note, CreatedAt: f.at.UTC(), Decision: f.decision, DecisionNote: f.decisionNote, DecidedAt: utc(f.decidedAt),
	}
	if f.message != nil {
		v.MessageID = f.message.String()
	}
	if f.closed {
		by := f.decidedBy.view()
		v.State, v.DecidedBy = "closed", &by
	}
	return v
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	v := t.UTC()
	return &v
}

type reportsInput struct {
	State  string `query:"state" enum:"open,closed" default:"open"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

type reportsOutput struct {
	Body struct {
		Items      []reportView `json:"items"`
		NextCursor *string      `json:"next_cursor" doc:"null on the last page"`
	}
}

type reportPosition struct {
	Below id.ID `json:"b"`
}

func (s *Service) listReports(ctx context.Context, in *reportsInput) (*reportsOutput, error) {
	if err := mustModerate(ctx); err != nil {
		return nil, err
	}
	var from reportPosition
	if in.Cursor != "" {
		if err := httpx.DecodeCursor(in.Cursor, &from); err != nil {
			return nil, err
		}
	}
	list, err := s.store.reports(ctx, in.State == "closed", from.Below, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &reportsOutput{}
	out.Body.Items = []reportView{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next := httpx.EncodeCursor(reportPosition{Below: list[in.Limit-1].id})
		out.Body.NextCursor = &next
	}
	for _, f := range list {
		out.Body.Items = append(out.Body.Items, f.view())
	}
	return out, nil
}

type closeInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Decision string `json:"decision" enum:"dismissed,removed,suspended" doc:"removed: erase the message; suspended: the account was suspended"`
		Note     string `json:"note,omitempty" maxLength:"1000"`
	}
}

type reportOutput struct{ Body reportView }

func (s *Service) closeReport(ctx context.Context, in *closeInput) (*reportOutput, error) {
	if err := mustModerate(ctx); err != nil {
		return nil, err
	}
	if err := plain("body.note", in.Body.Note); err != nil {
		return nil, err
	}
	v := verdict{report: in.ID, decision: in.Body.Decision, note: in.Body.Note, by: auditorOf(ctx)}
	written, err := s.store.closeReport(ctx, v)
	if err != nil {
		return nil, err
	}
	if written != nil {
		s.publish(written)
	}
	f, err := s.store.report(ctx, in.ID)
	return &reportOutput{Body: f.view()}, err
}

type searchInput struct {
	From   string    `query:"from" maxLength:"64" doc:"Who wrote: a username or an id"`
	To     string    `query:"to" maxLength:"64" doc:"To whom: a username or an id"`
	Text   string    `query:"text" maxLength:"200" doc:"Part of the text; upper and lower case are the same"`
	Since  time.Time `query:"since" doc:"Not before"`
	Until  time.Time `query:"until" doc:"Before"`
	Reason string    `query:"reason" required:"true" minLength:"10" maxLength:"500" doc:"Why you look; recorded for ever"`
	Cursor string    `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

type foundView struct {
	ID             string     `json:"id"`
	ConversationID string     `json:"conversation_id"`
	From           personView `json:"from"`
	To             personView `json:"to"`
	Body           string     `json:"body"`
	CreatedAt      time.Time  `json:"created_at"`
}

type searchOutput struct {
	Body struct {
		Items      []foundView `json:"items"`
		NextCursor *string     `json:"next_cursor" doc:"null on the last page"`
	}
}

// searchPosition is where a page of a search ended.
type searchPosition struct {
	At time.Time `json:"a"`
	ID id.ID     `json:"i"`
}

func (s *Service) searchMessages(ctx context.Context, in *searchInput) (*searchOutput, error) {
	if !s.deps.Config.SearchesMessages() || authn.From(ctx).Role != "admin" {
		return nil, errNothingHere()
	}
	q := search{from: in.From, to: in.To, text: strings.TrimSpace(in.Text), since: in.Since, until: in.Until, reason: strings.TrimSpace(in.Reason)}
	var below searchPosition
	if in.Cursor != "" {
		if err := httpx.DecodeCursor(in.Cursor, &below); err != nil {
			return nil, err
		}
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	if err := s.store.auditSearch(ctx, q, auditorOf(ctx)); err != nil {
		return nil, err
	}
	list, err := s.store.search(ctx, q, below, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &searchOutput{}
	out.Body.Items = []foundView{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		last := list[in.Limit-1]
		next := httpx.EncodeCursor(searchPosition{At: last.CreatedAt, ID: last.ID})
		out.Body.NextCursor = &next
	}
	for _, f := range list {
		out.Body.Items = append(out.Body.Items, foundView{
			ID: f.ID.String(), ConversationID: f.ConversationID.String(), From: f.from.view(), To: f.to.view(), Body: f.Body, CreatedAt: f.CreatedAt.UTC(),
		})
	}
	return out, nil
}

// minReason is how long a reason is at least, in bytes.
const minReason = 10

// check refuses a search without a person or a reason.
func (q search) check() error {
	invalid := func(parameter, text string) error {
		e := errs.New(errs.InvalidParameter, text)
		e.Fields = []errs.Field{{Location: "query." + parameter, Message: text}}
		return e
	}
	switch {
	case q.from == "" && q.to == "":
		return invalid("from", "Give who wrote or to whom.")
	case len(q.reason) < minReason:
		return invalid("reason", "Give a reason of at least 10 characters.")
	case strings.ContainsRune(q.text+q.reason+q.from+q.to, 0):
		return invalid("text", "A text must not contain NUL characters.")
	}
	return nil
}
