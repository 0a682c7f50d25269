package security

import (
	"fmt"
	"net/http"
	"testing"

	"chatapp/internal/client"
)

// adminRows are the routes of administration: only administrators, and moderators
// of some, see that they are there. What is done is done to somebody who has no part in the matrix.
func adminRows() []row {
	const people = "/api/v1/admin/people/"
	victim, doomed := "", 0
	on := func(suffix string, body any) func(*testing.T, *cast, role) call {
		return func(t *testing.T, c *cast, _ role) call {
			if victim == "" {
				victim = c.newcomer(t, "outsider")
			}
			return call{path: people + victim + suffix, body: body, target: victim}
		}
	}
	return []row{
		{"GET /api/v1/auth/sign-up", get("/api/v1/auth/sign-up"), open(200), nil},
		{"GET /api/v1/auth/announcement", get("/api/v1/auth/announcement"), private(200), nil},
		{"GET /api/v1/admin/people", get("/api/v1/admin/people"), only(200, moderator, admin), nil},
		{"GET /api/v1/admin/people/{id}", on("", nil), only(200, moderator, admin), nil},
		{"POST /api/v1/admin/people/{id}/suspend", on("/suspend", map[string]string{"reason": "x"}), only(204, moderator, admin), nil},
		{"POST /api/v1/admin/people/{id}/restore", on("/restore", nil), only(204, moderator, admin), nil},
		{"POST /api/v1/admin/people/{id}/sign-out", on("/sign-out", nil), only(204, admin), nil},
		{"POST /api/v1/admin/people/{id}/reset-password", on("/reset-password", nil), only(409, admin), nil}, // no address
		{"POST /api/v1/admin/people/{id}/reset-factors", on("/reset-factors", nil), only(204, admin), nil},
		{"POST /api/v1/admin/people/{id}/delete", func(t *testing.T, c *cast, _ role) call {
			doomed++
			name := fmt.Sprintf("doomed%d", doomed)
			id := c.newcomer(t, name)
			return call{path: people + id + "/delete", body: map[string]string{"username": name}, target: id}
		}, only(204, admin), nil},
		{"PUT /api/v1/admin/people/{id}/role", on("/role", map[string]string{"role": "user"}), only(204, admin), nil},
		{"GET /api/v1/admin/settings", get("/api/v1/admin/settings"), only(200, admin), nil},
		{"PUT /api/v1/admin/settings", send("/api/v1/admin/settings", map[string]string{"sign_up": "open"}), only(200, admin), nil},
		{"GET /api/v1/admin/invitations", get("/api/v1/admin/invitations"), only(200, admin), nil},
		{"POST /api/v1/admin/invitations", send("/api/v1/admin/invitations", map[string]int{"max_uses": 1, "expires_in": 60}), only(201, admin), nil},
		{"DELETE /api/v1/admin/invitations/{id}", func(t *testing.T, c *cast, _ role) call {
			id := c.invitation(t)
			return call{path: "/api/v1/admin/invitations/" + id, target: id}
		}, only(204, admin), nil},
		{"GET /api/v1/admin/statistics", get("/api/v1/admin/statistics"), only(200, admin), nil},
	}
}

// newcomer signs somebody up who is in nobody's lists.
func (c *cast) newcomer(t *testing.T, name string) string {
	t.Helper()
	p := client.New(c.world.Front)
	must(t, p.Register(t.Context(), name))
	return p.ID()
}

// invitation makes one and returns its id.
func (c *cast) invitation(t *testing.T) string {
	t.Helper()
	var made struct{ Invitation struct{ ID string } }
	must(t, c.people[admin].JSON(t.Context(), http.MethodPost, "/api/v1/admin/invitations", map[string]int{"max_uses": 1, "expires_in": 60}, &made))
	return made.Invitation.ID
}
