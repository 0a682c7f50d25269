package auth

import (
	"context"
	"net/http"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// activityRoutes are the routes about what happened to the caller's account.
func (s *Service) activityRoutes() {
	httpx.Register(s.http, own(http.MethodGet, "/api/v1/auth/events", "list-account-events", http.StatusOK,
		"What happened to the caller's account, the newest first"), s.handleActivity)
}

// ActivityItem is one thing that happened to an account: without an address and
// a place, because those are guesses that frighten people.
type ActivityItem struct {
	ID      id.ID     `json:"id" format:"uuid"`
	At      time.Time `json:"at"`
	Event   string    `json:"event" example:"login" doc:"sign-up, login, login-failed, login-limited, logout, session-ended, token-reused, password-changed, password-reset, email-confirmed, mail-...; more may follow"`
	Device  string    `json:"device" example:"Firefox on Linux" doc:"Where it was done"`
	Current bool      `json:"current" doc:"In the session that asks"`
}

// place is where a page of the list ends.
type place struct {
	At time.Time `json:"at"`
	ID id.ID     `json:"id"`
}

type activityInput struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

type activityOutput struct {
	Body struct {
		Items      []ActivityItem `json:"items"`
		NextCursor *string        `json:"next_cursor" doc:"Pass as cursor for the next page; null on the last one"`
	}
}

func (s *Service) handleActivity(ctx context.Context, in *activityInput) (*activityOutput, error) {
	var before *place
	if in.Cursor != "" {
		before = &place{}
		if err := httpx.DecodeCursor(in.Cursor, before); err != nil {
			return nil, err
		}
		if before.At.IsZero() || before.ID.IsZero() {
			return nil, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
		}
	}
	who := authn.From(ctx)
	rows, err := s.store.auditOf(ctx, who.UserID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &activityOutput{}
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		last := rows[in.Limit-1]
		next := httpx.EncodeCursor(place{At: last.At.UTC(), ID: last.ID})
		out.Body.NextCursor = &next
	}
	out.Body.Items = make([]ActivityItem, 0, len(rows))
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, ActivityItem{
			ID: r.ID, At: r.At.UTC(), Event: r.Event, Device: deviceName(r.UserAgent),
			Current: r.SessionID != nil && *r.SessionID == who.SessionID,
		})
	}
	return out, nil
}
