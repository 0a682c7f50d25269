package messages

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
)

// administrationRoutes are the routes about how long messages are kept and about
// how many there are; for others than administrators there is nothing.
func (s *Service) administrationRoutes(h *httpx.Server) {
	httpx.Register(h, administers(h, op(http.MethodGet, "/api/v1/moderation/retention", "get-retention", "How long the texts of messages are kept",
		"For administrators; 404 to others. With `days`: also how many texts would be erased if that were the setting.")), s.getRetention)
	httpx.Register(h, administers(h, op(http.MethodPut, "/api/v1/moderation/retention", "put-retention", "Decide how long the texts of messages are kept",
		"For administrators; 404 to others. Keeping less takes effect an hour later (`takes_effect_at`), and can be taken back until then; what is erased after that is gone. 409 when somebody else changed it since `version`. Copies in reports stay until the report is closed.")), s.putRetention)
	httpx.Register(h, administers(h, op(http.MethodGet, "/api/v1/moderation/statistics", "get-message-statistics", "Figures about messages",
		"For administrators; 404 to others. They are some seconds old, and people are counted to ten minutes.")), s.getFigures)
}

// administers makes an operation one of administrators.
func administers(h *httpx.Server, o huma.Operation) huma.Operation {
	o.Middlewares = append(o.Middlewares, h.RequireRole(authn.RoleAdmin))
	return o
}

type retentionView struct {
	Days          int        `json:"days" doc:"How many days texts are kept; 0: for ever"`
	Version       uint64     `json:"version" doc:"To send along with a change"`
	TakesEffectAt *time.Time `json:"takes_effect_at,omitempty" doc:"Until then previous_days holds"`
	PreviousDays  int        `json:"previous_days" doc:"What held before; 0: for ever"`
	ChangedAt     *time.Time `json:"changed_at,omitempty"`
	Preview       *preview   `json:"preview,omitempty" doc:"When asked for with days"`
}

type preview struct {
	Messages uint64 `json:"messages" doc:"At most so many texts would be erased; counted by days"`
	Complete bool   `json:"complete" doc:"false: messages from before an upgrade are still being counted, so there may be more"`
}

type retentionOutput struct{ Body retentionView }

func (r Retention) view() retentionView {
	return retentionView{Days: r.Days, Version: r.Version, TakesEffectAt: utc(r.TakesEffectAt), PreviousDays: r.Previous, ChangedAt: utc(r.ChangedAt)}
}

type retentionQuery struct {
	Days int `query:"days" minimum:"1" maximum:"3650" doc:"Also count what would be erased by this"`
}

func (s *Service) getRetention(ctx context.Context, in *retentionQuery) (*retentionOutput, error) {
	r, err := s.Retention(ctx)
	if err != nil {
		return nil, err
	}
	out := &retentionOutput{Body: r.view()}
	if in.Days > 0 {
		p := preview{}
		if p.Messages, p.Complete, err = s.WouldErase(ctx, in.Days); err != nil {
			return nil, err
		}
		out.Body.Preview = &p
	}
	return out, nil
}

type retentionInput struct {
	Body struct {
		Days    int    `json:"days" minimum:"0" maximum:"3650" doc:"0: for ever"`
		Version uint64 `json:"version" doc:"Of the setting that you saw"`
	}
}

func (s *Service) putRetention(ctx context.Context, in *retentionInput) (*retentionOutput, error) {
	r, err := s.setRetention(ctx, in.Body.Days, in.Body.Version, auditorOf(ctx))
	if err != nil {
		return nil, err
	}
	return &retentionOutput{Body: r.view()}, nil
}

type messageDay struct {
	Date     string `json:"date" format:"date" doc:"UTC"`
	Messages uint64 `json:"messages"`
}

type figuresOutput struct {
	Body struct {
		Messages      uint64       `json:"messages"`
		Conversations uint64       `json:"conversations"`
		OpenReports   uint64       `json:"open_reports"`
		WritersDay    uint64       `json:"writers_day" doc:"People who wrote within the last 24 hours"`
		WritersWeek   uint64       `json:"writers_week" doc:"... 7 days"`
		WritersMonth  uint64       `json:"writers_month" doc:"... 30 days"`
		Days          []messageDay `json:"days" doc:"The last 30, the oldest first"`
		Complete      bool         `json:"complete" doc:"false: messages from before an upgrade are still being counted"`
	}
}

func (s *Service) getFigures(ctx context.Context, _ *struct{}) (*figuresOutput, error) {
	f, err := s.store.figures(ctx, now())
	if err != nil {
		return nil, err
	}
	out := &figuresOutput{}
	b := &out.Body
	b.Messages, b.Conversations, b.OpenReports, b.Complete = f.Messages, f.Conversations, f.OpenReports, f.Complete
	b.WritersDay, b.WritersWeek, b.WritersMonth = f.Writers[0], f.Writers[1], f.Writers[2]
	for _, d := range f.Days {
		b.Days = append(b.Days, messageDay{Date: d.Day, Messages: d.Messages})
	}
	return out, nil
}
