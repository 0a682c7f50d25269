package users

import (
	"context"
	"net/http"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

func (s *Service) blockRoutes(server *httpx.Server) {
	httpx.Register(server, operation("list-blocked", http.MethodGet, "/api/v1/users/me/blocks",
		"The people you blocked, by username", http.StatusBadRequest, http.StatusUnauthorized), s.listBlocked)
	httpx.Register(server, operation("block-user", http.MethodPut, "/api/v1/users/me/blocks/{id}",
		"Block a person: you two no longer find or write to each other",
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict), s.blockUser)
	httpx.Register(server, operation("unblock-user", http.MethodDelete, "/api/v1/users/me/blocks/{id}",
		"Unblock a person", http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound), s.unblockUser)
}

type blockInput struct {
	ID string `path:"id" format:"uuid"`
}

func (s *Service) blockUser(ctx context.Context, in *blockInput) (*struct{}, error) {
	return s.changeBlock(ctx, in, true)
}

func (s *Service) unblockUser(ctx context.Context, in *blockInput) (*struct{}, error) {
	return s.changeBlock(ctx, in, false)
}

func (s *Service) changeBlock(ctx context.Context, in *blockInput, active bool) (*struct{}, error) {
	other, err := id.Parse(in.ID)
	if err != nil {
		return nil, noSuchPerson()
	}
	return nil, s.setBlock(ctx, authn.From(ctx).UserID, other, active)
}

type listBlockedInput struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

func (s *Service) listBlocked(ctx context.Context, in *listBlockedInput) (*listUsersOutput, error) {
	after, err := decodePage(in.Cursor)
	if err != nil {
		return nil, err
	}
	people, err := s.store.blocked(ctx, authn.From(ctx).UserID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return asPage(people, in.Limit), nil
}
