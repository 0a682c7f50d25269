package users

import (
	"net/http"

	"chatapp/libs/audit"
	"chatapp/libs/httpx"
)

func (s *Service) activityRoutes(server *httpx.Server) {
	httpx.Register(server, operation("list-profile-activity", http.MethodGet, "/api/v1/users/me/activity",
		"What you changed of your profile and whom you blocked, the newest first; not to what, and not whom",
		http.StatusBadRequest, http.StatusUnauthorized), audit.Own(s.store.db))
}
