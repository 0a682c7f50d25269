package users

import (
	"context"
	"net/http"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
)

func (s *Service) privacyRoutes(server *httpx.Server) {
	httpx.Register(server, operation("get-privacy", http.MethodGet, "/api/v1/users/me/privacy",
		"What you show of yourself", http.StatusUnauthorized), s.getPrivacy)
	httpx.Register(server, operation("put-privacy", http.MethodPut, "/api/v1/users/me/privacy",
		"Change what you show of yourself", http.StatusBadRequest, http.StatusUnauthorized), s.putPrivacy)
}

// PrivacySettings is what a person shows of themselves; all of it at first.
type PrivacySettings struct {
	Listed           bool `json:"listed" doc:"In the directory and in searches; otherwise only your whole username finds you"`
	ShowLastSeen     bool `json:"show_last_seen" doc:"When you were last connected; otherwise you do not see that of others either"`
	ShowReadReceipts bool `json:"show_read_receipts" doc:"How far you have read; otherwise you do not see that of others either"`
}

type privacyOutput struct{ Body PrivacySettings }

func (s *Service) getPrivacy(ctx context.Context, _ *struct{}) (*privacyOutput, error) {
	p, err := s.profile(ctx, authn.From(ctx).UserID)
	return asPrivacy(p.Privacy, err)
}

type putPrivacyInput struct{ Body PrivacySettings }

func (s *Service) putPrivacy(ctx context.Context, in *putPrivacyInput) (*privacyOutput, error) {
	p, err := s.setPrivacy(ctx, authn.From(ctx).UserID, Privacy{
		Unlisted: !in.Body.Listed, HideLastSeen: !in.Body.ShowLastSeen, HideReceipts: !in.Body.ShowReadReceipts,
	})
	return asPrivacy(p, err)
}

func asPrivacy(p Privacy, err error) (*privacyOutput, error) {
	if err != nil {
		return nil, ofMe(err)
	}
	return &privacyOutput{p.settings()}, nil
}

func (p Privacy) settings() PrivacySettings {
	return PrivacySettings{Listed: !p.Unlisted, ShowLastSeen: !p.HideLastSeen, ShowReadReceipts: !p.HideReceipts}
}
