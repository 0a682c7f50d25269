package auth

import (
	"net/http"

	sealing "chatapp/libs/audit"
	"chatapp/libs/httpx"
)

// activityRoutes are the routes about what happened to the caller's account.
func (s *Service) activityRoutes() {
	httpx.Register(s.http, own(http.MethodGet, "/api/v1/auth/events", "list-account-events", http.StatusOK,
		"What happened to the caller's account, the newest first"), sealing.Own(s.store.db))
}
