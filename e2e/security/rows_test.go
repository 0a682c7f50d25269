package security

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// call is one request. target is the id of the owner's thing in it, which
// somebody who may not know of it must not tell from an id that nobody has.
type call struct {
	path   string
	body   any
	target string
	media  string         // the body's content type; "" = JSON
	as     *client.Client // who sends it, when not the role's own device
}

// row says of one operation of the document what everybody is answered.
type row struct {
	op   string // "GET /api/v1/messages/{id}"
	call func(t *testing.T, c *cast, who role) call
	want answers
	// moves lists who may change what the owner sees: a message arrives, say.
	moves []role
}

// answers are the statuses by role.
type answers map[role]int

// open routes answer everybody alike.
func open(status int) answers {
	a := answers{}
	for _, who := range everybody {
		a[who] = status
	}
	return a
}

// private routes act on what the caller has: everybody who is signed in.
func private(status int) answers {
	return only(status, signedIn...)
}

// only these roles; others who are signed in are told that there is no such thing.
func only(status int, roles ...role) answers {
	a := open(http.StatusUnauthorized)
	for _, who := range signedIn {
		a[who] = http.StatusNotFound
	}
	return a.but(status, roles...)
}

func (a answers) but(status int, roles ...role) answers {
	a = maps.Clone(a)
	for _, who := range roles {
		a[who] = status
	}
	return a
}

// get asks for a fixed path.
func get(path string) func(*testing.T, *cast, role) call {
	return func(*testing.T, *cast, role) call { return call{path: path} }
}

// send sends a fixed body.
func send(path string, body any) func(*testing.T, *cast, role) call {
	return func(*testing.T, *cast, role) call { return call{path: path, body: body} }
}

// rows is the matrix. A route of the document without a row fails the test.
func rows() []row {
	return slices.Concat(authRows(), factorRows(), oidcRows(), adminRows(), usersRows(), messagesRows(), requestRows())
}

func authRows() []row {
	return []row{
		{"GET /.well-known/jwks.json", get("/.well-known/jwks.json"), open(200), nil},
		{"GET /api/v1/auth/account", get("/api/v1/auth/account"), private(200), nil},
		{"POST /api/v1/auth/email", send("/api/v1/auth/email", map[string]string{"email": "new@example.org", "current_password": "not the password"}), private(403), nil},
		{"POST /api/v1/auth/email/confirm", send("/api/v1/auth/email/confirm", map[string]string{"token": "guessed"}), open(400), nil},
		{"POST /api/v1/auth/email/resend", send("/api/v1/auth/email/resend", nil), private(400).but(202, owner), nil},
		{"POST /api/v1/auth/forgot", send("/api/v1/auth/forgot", map[string]string{"login": "owner"}), open(202), nil},
		{"POST /api/v1/auth/login", func(*testing.T, *cast, role) call {
			// Nobody's name: so many wrong passwords for one name would be slowed down.
			return call{path: "/api/v1/auth/login", body: map[string]string{"login": client.NewID()[:30], "password": "not the password"}}
		}, open(401), nil},
		{"POST /api/v1/auth/logout", func(t *testing.T, c *cast, who role) call {
			return call{path: "/api/v1/auth/logout", as: c.spare(t, who)}
		}, private(204).but(204, suspended), []role{owner}}, // a suspended person's cookie goes, too
		{"POST /api/v1/auth/account/delete", send("/api/v1/auth/account/delete", map[string]string{}), private(403), nil},
		{"POST /api/v1/auth/password", send("/api/v1/auth/password", map[string]string{"current_password": "not the password", "password": "another-long-pass-7"}), private(403), nil},
		{"POST /api/v1/auth/refresh", send("/api/v1/auth/refresh", nil), private(200), []role{owner}},
		{"POST /api/v1/auth/register", send("/api/v1/auth/register", map[string]string{"username": "owner", "password": client.Password}), open(409), nil},
		{"POST /api/v1/auth/reset", send("/api/v1/auth/reset", map[string]string{"token": "guessed", "password": "another-long-pass-7"}), open(400), nil},
		{"GET /api/v1/auth/sessions", get("/api/v1/auth/sessions"), private(200), nil},
		{"POST /api/v1/auth/sessions/end-others", send("/api/v1/auth/sessions/end-others", nil), private(204), []role{owner}},
		{"DELETE /api/v1/auth/sessions/{id}", func(t *testing.T, c *cast, who role) call {
			id := c.device(t, owner)
			return call{path: "/api/v1/auth/sessions/" + id, target: id}
		}, only(204, owner), []role{owner}},
		{"GET /api/v1/auth/usernames/{username}", get("/api/v1/auth/usernames/owner"), open(200), nil},
	}
}

// oidcRows are of an installation that offers no provider.
func oidcRows() []row {
	const provider = "/api/v1/auth/oidc/nobody/"
	return []row{
		{"GET /api/v1/auth/oidc", get("/api/v1/auth/oidc"), open(200), nil},
		{"GET /api/v1/auth/oidc/{provider}/start", get(provider + "start"), open(404), nil},
		{"GET /api/v1/auth/oidc/{provider}/callback", get(provider + "callback?code=x&state=y"), open(404), nil},
		{"POST /api/v1/auth/oidc/{provider}/link", send(provider+"link", map[string]string{"current_password": "not the password"}), private(404), nil},
		{"GET /api/v1/auth/oidc/links", get("/api/v1/auth/oidc/links"), private(200), nil},
		{"DELETE /api/v1/auth/oidc/links/{provider}", get("/api/v1/auth/oidc/links/nobody"), private(404), nil},
	}
}

func usersRows() []row {
	return []row{
		{"GET /api/v1/users", get("/api/v1/users?query=owner"), private(200), nil},
		{"GET /api/v1/users/me", get("/api/v1/users/me"), private(200), nil},
		{"PATCH /api/v1/users/me", func(*testing.T, *cast, role) call {
			return call{path: "/api/v1/users/me", body: map[string]string{"language": "de"}}
		}, private(200), []role{owner}},
		{"GET /api/v1/users/me/blocks", get("/api/v1/users/me/blocks"), private(200), nil},
		{"PUT /api/v1/users/me/blocks/{id}", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/users/me/blocks/" + c.id(blocked)}
		}, private(204).but(400, blocked), nil},
		{"DELETE /api/v1/users/me/blocks/{id}", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/users/me/blocks/" + c.id(peer)}
		}, private(204).but(400, peer), nil},
		{"PUT /api/v1/users/me/picture", func(*testing.T, *cast, role) call {
			return call{path: "/api/v1/users/me/picture", body: "no picture", media: "image/png"}
		}, private(415), nil},
		{"DELETE /api/v1/users/me/picture", send("/api/v1/users/me/picture", nil), private(204), nil},
		{"GET /api/v1/users/{id}/pictures/{picture_id}/{size}", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/users/" + c.id(owner) + "/pictures/" + client.NewID() + "/64"}
		}, open(404), nil},
		{"GET /api/v1/users/me/privacy", get("/api/v1/users/me/privacy"), private(200), nil},
		{"PUT /api/v1/users/me/privacy", send("/api/v1/users/me/privacy", map[string]bool{"listed": true, "show_last_seen": true, "show_read_receipts": true}), private(200), nil},
		{"GET /api/v1/users/{id}", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/users/" + c.id(owner), target: c.id(owner)}
		}, private(200), nil},
	}
}

func messagesRows() []row {
	in := func(suffix string, body any) func(*testing.T, *cast, role) call {
		return func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/conversations/" + c.conversation + suffix, body: body, target: c.conversation}
		}
	}
	return []row{
		{"GET /api/v1/conversations", get("/api/v1/conversations"), private(200), nil},
		{"POST /api/v1/conversations", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/conversations", body: map[string]string{"user_id": c.id(peer)}}
		}, private(200), nil},
		{"GET /api/v1/conversations/{id}", in("", nil), only(200, owner, peer), nil},
		{"GET /api/v1/conversations/{id}/messages", in("/messages", nil), only(200, owner, peer), nil},
		{"PUT /api/v1/conversations/{id}/read", in("/read", map[string]int{"seq": 1}), only(200, owner, peer), []role{owner, peer}},
		{"GET /api/v1/events", get("/api/v1/events"), private(200), nil},
		{"GET /api/v1/events/stream", func(_ *testing.T, _ *cast, who role) call {
			if slices.Contains(outside, who) {
				return call{path: "/api/v1/events/stream"}
			}
			return call{path: "/api/v1/events/stream?after=nonsense"} // an answer that ends
		}, private(400), nil},
		{"GET /api/v1/messages", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/messages?with=" + c.id(owner)}
		}, private(200), nil},
		{"POST /api/v1/messages", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/messages", target: c.conversation, body: map[string]string{
				"conversation_id": c.conversation, "client_id": client.NewID(), "body": harness.SecretBody,
			}}
		}, only(201, owner, peer), []role{owner, peer}},
		{"GET /api/v1/messages/{id}", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/messages/" + c.message, target: c.message}
		}, only(200, owner, peer), nil},
		{"GET /api/v1/ws", get("/api/v1/ws"), open(426), nil}, // who may shake hands: services/notify,
	}
}

// factorRows are about second steps: everybody has their own, and none here has one.
func factorRows() []row {
	wrong := map[string]string{} // no password: a wrong one too often would be slowed down
	nobodys := map[string]string{"challenge": strings.Repeat("A", 43), "code": "000000"}
	own := func(path string, body any, want answers) row {
		return row{"POST /api/v1/auth/" + path, send("/api/v1/auth/"+path, body), want, nil}
	}
	passkey := map[string]any{"challenge": strings.Repeat("A", 43), "passkey": map[string]any{}}
	one := "passkeys/" + client.NewID()
	return []row{
		own("login/second", nobodys, open(401)),
		own("login/second/passkey", map[string]string{"challenge": strings.Repeat("A", 43)}, open(401)),
		{"GET /api/v1/auth/factors", get("/api/v1/auth/factors"), private(200), nil},
		own("factors/totp", wrong, private(403)),
		own("factors/totp/activate", map[string]string{"code": "000000"}, private(403)),
		own("factors/totp/remove", wrong, private(403)),
		own("factors/recovery-codes", wrong, private(403)),
		// At an address of digits there are no passkeys; with them: services/auth.
		own("passkeys/login/begin", nil, open(404)),
		own("passkeys/login/finish", passkey, open(400)),
		own("passkeys/confirm", nil, private(404)),
		own("passkeys/register/begin", wrong, private(404)),
		own("passkeys/register/finish", map[string]any{"name": "x", "passkey": map[string]any{}}, private(400)),
		{"PATCH /api/v1/auth/passkeys/{id}", send("/api/v1/auth/"+one, map[string]string{"name": "x"}), private(404), nil},
		{"POST /api/v1/auth/passkeys/{id}/remove", send("/api/v1/auth/"+one+"/remove", wrong), private(403), nil},
		{"GET /api/v1/auth/events", get("/api/v1/auth/events"), private(200), nil},
		{"GET /api/v1/users/me/activity", get("/api/v1/users/me/activity"), private(200), nil},
		{"GET /api/v1/messages/activity", get("/api/v1/messages/activity"), private(200), nil},
	}
}

// requestRows are about who may write to whom, about reports and about the file of
// one's data.
func requestRows() []row {
	in := func(suffix string) func(*testing.T, *cast, role) call {
		return func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/conversations/" + c.conversation + suffix, target: c.conversation}
		}
	}
	export := func(suffix string) func(*testing.T, *cast, role) call {
		return func(t *testing.T, c *cast, _ role) call {
			id := c.export(t)
			return call{path: "/api/v1/data-exports/" + id + suffix, target: id}
		}
	}
	return []row{
		{"GET /api/v1/contact-policy", get("/api/v1/contact-policy"), private(200), nil},
		{"PUT /api/v1/contact-policy", send("/api/v1/contact-policy", map[string]any{"who_may_write": "everyone", "ask_first": false}), private(200), nil},
		{"POST /api/v1/conversations/{id}/accept", in("/accept"), only(200, owner, peer), nil}, // it is no request:
		{"POST /api/v1/conversations/{id}/ignore", in("/ignore"), only(200, owner, peer), nil}, // nothing happens
		{"POST /api/v1/reports", func(_ *testing.T, c *cast, _ role) call {
			return call{path: "/api/v1/reports", target: c.message, body: map[string]string{"message_id": c.message, "reason": "spam"}}
		}, only(201, peer).but(400, owner), nil}, // one's own message
		{"POST /api/v1/data-exports", send("/api/v1/data-exports", nil), private(202), nil},
		{"GET /api/v1/data-exports", get("/api/v1/data-exports"), private(200), nil},
		{"GET /api/v1/data-exports/{id}/file", export("/file"), only(200, owner), nil},
		{"DELETE /api/v1/data-exports/{id}", export(""), only(204, owner), nil},
		{"GET /api/v1/moderation/reports", get("/api/v1/moderation/reports"), only(200, moderator, admin), nil},
		{"POST /api/v1/moderation/reports/{id}/close", func(*testing.T, *cast, role) call {
			return call{path: "/api/v1/moderation/reports/" + client.NewID() + "/close", body: map[string]string{"decision": "dismissed"}}
		}, only(404), nil},
		{"GET /api/v1/moderation/messages", get("/api/v1/moderation/messages?from=owner&reason=curious+about+the+owner"), only(404), nil}, // switched off
		{"GET /api/v1/moderation/retention", get("/api/v1/moderation/retention?days=30"), only(200, admin), nil},
		{"PUT /api/v1/moderation/retention", send("/api/v1/moderation/retention", map[string]int{"days": 0, "version": 0}), only(200, admin), nil},
		{"GET /api/v1/moderation/statistics", get("/api/v1/moderation/statistics"), only(200, admin), nil},
	}
}
