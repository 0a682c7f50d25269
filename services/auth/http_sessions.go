package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// sessionRoutes are the routes about the caller's own sessions.
func (s *Service) sessionRoutes() {
	httpx.Register(s.http, own(http.MethodGet, "/api/v1/auth/sessions", "list-sessions", http.StatusOK,
		"The caller's devices that are signed in"), s.handleSessions)
	httpx.Register(s.http, own(http.MethodDelete, "/api/v1/auth/sessions/{id}", "end-session", http.StatusNoContent,
		"Sign one device out; its sockets close"), s.handleEndSession)
	httpx.Register(s.http, own(http.MethodPost, "/api/v1/auth/sessions/end-others", "end-other-sessions", http.StatusNoContent,
		"Sign all other devices out"), s.handleEndOthers)
}

// own is an operation on the caller's own account.
func own(method, path, name string, status int, summary string) huma.Operation {
	op := public(method, path, name, status, summary)
	op.Security = httpx.Bearer
	return op
}

// SessionItem is one device that is signed in.
type SessionItem struct {
	ID         id.ID     `json:"id" format:"uuid"`
	Device     string    `json:"device" example:"Firefox on Linux"`
	Current    bool      `json:"current" doc:"The session that asks"`
	CreatedAt  time.Time `json:"created_at" doc:"When it signed in"`
	LastUsedAt time.Time `json:"last_used_at" doc:"When it last renewed its token"`
}

type sessionsOutput struct {
	Body struct {
		Items []SessionItem `json:"items" doc:"The one last used first"`
	}
}

func (s *Service) handleSessions(ctx context.Context, _ *struct{}) (*sessionsOutput, error) {
	list, err := s.Devices(ctx, authn.From(ctx))
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{}
	out.Body.Items = make([]SessionItem, 0, len(list))
	for _, d := range list {
		out.Body.Items = append(out.Body.Items, SessionItem{
			ID: d.ID, Device: d.Name, Current: d.Current, CreatedAt: d.CreatedAt, LastUsedAt: d.LastUsedAt,
		})
	}
	return out, nil
}

type sessionInput struct {
	ID id.ID `path:"id" format:"uuid"`
}

func (s *Service) handleEndSession(ctx context.Context, in *sessionInput) (*struct{}, error) {
	return nil, s.EndDevice(ctx, authn.From(ctx), in.ID, s.client(ctx))
}

func (s *Service) handleEndOthers(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, s.EndOtherDevices(ctx, authn.From(ctx), s.client(ctx))
}
