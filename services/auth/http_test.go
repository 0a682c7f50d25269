package auth

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/testkit"
)

func TestSignUp(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		res := r.post("register", map[string]string{
			"username": "Ada", "email": "Ada@Example.org", "password": goodPassword, "display_name": " Ada Lovelace ",
		})
		s := r.signedIn(res, http.StatusCreated)
		if s.User.Username != "ada" || s.User.DisplayName != "Ada Lovelace" || s.User.Role != "user" ||
			s.TokenType != "Bearer" || s.ExpiresIn != 600 {
			t.Errorf("body %s", res.Body)
		}
		if strings.Contains(string(res.Body), s.cookie.Value) || res.Header.Get("Cache-Control") != "no-store" {
			t.Error("the refresh token is in the body, or the answer may be cached")
		}
		c := s.cookie
		if c.Name != "chat_refresh" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure ||
			c.Domain != "" || c.MaxAge < 2591990 || c.MaxAge > 2592000 {
			t.Errorf("cookie %v", c)
		}
		got := r.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
		var e events.Registered
		if err := json.Unmarshal(got[0].Data, &e); err != nil {
			t.Fatal(err)
		}
		if e.UserID != s.User.ID.String() || e.Username != "ada" || e.DisplayName != "Ada Lovelace" || time.Since(e.CreatedAt) > time.Minute {
			t.Errorf("event %+v", e)
		}
		who, err := r.svc.verifier.Verify(t.Context(), s.AccessToken)
		if err != nil || who.UserID != s.User.ID || who.Username != "ada" || who.Role != "user" || who.SessionID.IsZero() {
			t.Errorf("token of %+v, %v", who, err)
		}
		if got := r.audited(); !slices.Equal(got, []string{"sign-up"}) {
			t.Errorf("audit %v", got)
		}
		testkit.Eventually(t, 5*time.Second, func() bool { return r.rows("outbox") == 0 })
	})
}

func TestSignUpRefusals(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada := r.signedIn(r.post("register", map[string]string{"username": "ada", "email": "ada@example.org", "password": goodPassword}), 201)
		r.events.Expect(t, "chat.auth.v1.registered."+ada.User.ID.String())
		hashes := r.svc.hasher.computed.Load()
		for name, c := range map[string]struct {
			body string
			slug errs.Slug
			at   string
		}{
			"name taken":        {`{"username":"ADA","password":"long enough"}`, errs.IdentifierTaken, ""},
			"e-mail taken":      {`{"username":"eve","email":"ADA@example.ORG","password":"long enough"}`, errs.IdentifierTaken, ""},
			"reserved":          {`{"username":"admin","password":"long enough"}`, errs.IdentifierTaken, ""},
			"nobody":            {`{"password":"long enough"}`, errs.InvalidBody, "body.username"},
			"bad name":          {`{"username":"a b","password":"long enough"}`, errs.InvalidBody, "body.username"},
			"bad e-mail":        {`{"email":"a b","password":"long enough"}`, errs.InvalidBody, "body.email"},
			"bad display name":  {`{"username":"eve","password":"long enough","display_name":"a\u0000b"}`, errs.InvalidText, "body.display_name"},
			"no password":       {`{"username":"eve"}`, errs.InvalidBody, "body"},
			"short password":    {`{"username":"eve","password":"1234567"}`, errs.WeakPassword, "body.password"},
			"long password":     {`{"username":"eve","password":"` + strings.Repeat("x", 257) + `"}`, errs.WeakPassword, "body.password"},
			"name in password":  {`{"username":"eve","password":"steven EVE"}`, errs.WeakPassword, "body.password"},
			"role":              {`{"username":"eve","password":"long enough","role":"admin"}`, errs.InvalidBody, "body.role"},
			"id":                {`{"username":"eve","password":"long enough","id":"x"}`, errs.InvalidBody, "body.id"},
			"wrong type":        {`{"username":7,"password":"long enough"}`, errs.InvalidBody, "body.username"},
			"duplicate key":     {`{"username":"eve","username":"mal","password":"long enough"}`, errs.InvalidBody, ""},
			"not JSON":          {`username=eve`, errs.InvalidBody, ""},
			"lone surrogate":    {`{"username":"eve","password":"long \ud800 enough"}`, errs.InvalidText, ""},
			"10 MiB password":   {`{"username":"eve","password":"` + strings.Repeat("x", 10<<20) + `"}`, errs.TooLarge, ""},
			"null and no names": {`null`, errs.InvalidBody, ""},
		} {
			p := r.post("register", c.body).WantProblem(c.slug)
			if c.at != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.at) {
				t.Errorf("%s: errors %+v, want one at %s", name, p.Errors, c.at)
			}
			if p.Instance == "" {
				t.Errorf("%s: no request id", name)
			}
		}
		r.events.Expect(t)
		if n := r.rows("accounts"); n != 1 {
			t.Errorf("%d accounts, want 1", n)
		}
		if n := r.svc.hasher.computed.Load() - hashes; n != 0 {
			t.Errorf("%d hashes were computed for refused sign-ups", n)
		}
		one := r.post("register", `{"username":"ada","password":"long enough"}`).Problem()
		two := r.post("register", `{"email":"ada@example.org","password":"long enough"}`).Problem()
		if one.Detail != two.Detail {
			t.Errorf("name and e-mail give different texts: %q, %q", one.Detail, two.Detail)
		}
	})
}

func TestSignUpWithoutUsername(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		seen := map[string]bool{}
		for i, email := range []string{"one@example.org", "two@example.org", "three@example.org"} {
			s := r.signedIn(r.post("register", map[string]string{
				"email": email, "password": goodPassword, "display_name": "Grace Hopper",
			}), http.StatusCreated)
			if !strings.HasPrefix(s.User.Username, "grace.hopper") || i == 0 && s.User.Username != "grace.hopper" || seen[s.User.Username] {
				t.Errorf("username %q", s.User.Username)
			}
			seen[s.User.Username] = true
			r.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
		}
		s := r.signedIn(r.post("register", map[string]string{"email": "four@example.org", "password": goodPassword}), http.StatusCreated)
		if strings.Contains(s.User.Username, "four") || s.User.DisplayName != s.User.Username {
			t.Errorf("user %+v gives the e-mail address away", s.User)
		}
		r.post("register", map[string]string{
			"email": "four@example.org", "password": goodPassword, "display_name": "Grace Hopper",
		}).WantProblem(errs.IdentifierTaken)
	})
}

func TestLogin(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		res := r.post("register", map[string]string{"username": "ada", "email": "ada@example.org", "password": goodPassword})
		first := r.signedIn(res, http.StatusCreated)
		r.events.Expect(t, "chat.auth.v1.registered."+first.User.ID.String())
		for _, login := range []string{"ada", "ADA", " ada ", "ada@example.org", "ADA@EXAMPLE.org"} {
			s := r.signedIn(r.post("login", map[string]string{"login": login, "password": goodPassword}), http.StatusOK)
			if s.User != first.User || s.cookie.Value == first.cookie.Value {
				t.Errorf("%q: user %+v", login, s.User)
			}
		}
		r.events.Expect(t)
		if n := r.rows("sessions"); n != 6 {
			t.Errorf("%d sessions, want 6", n)
		}
		if got := r.audited(); !slices.Equal(got, []string{"sign-up", "login", "login", "login", "login", "login"}) {
			t.Errorf("audit %v", got)
		}
	})
}

// Unknown name and wrong password: same status, same body but for the request
// id, same headers, one hash each, the same number of statements.
func TestLoginTellsStrangersNothing(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		var answers []string
		var statements []uint64
		tries := 0
		for _, login := range []string{"ada", "bob", "ada@example.org", "' OR 1=1 --", "admin"} {
			var answer string
			statements = append(statements, testkit.Statements(r.db, func() {
				tries++
				hashes := r.svc.hasher.computed.Load()
				res := r.post("login", map[string]string{"login": login, "password": "wrong password"})
				p := res.WantProblem(errs.Unauthenticated)
				if setCookie(t, res) != nil {
					t.Errorf("%q: a cookie", login)
				}
				if n := r.svc.hasher.computed.Load() - hashes; n != 1 {
					t.Errorf("%q: %d hashes, want 1", login, n)
				}
				answer = strings.ReplaceAll(string(res.Body), p.Instance, "")
			}))
			answers = append(answers, answer)
		}
		for i := range answers {
			if answers[i] != answers[0] || statements[i] != statements[0] {
				t.Errorf("answer %d: %s (%d statements), want %s (%d)", i, answers[i], statements[i], answers[0], statements[0])
			}
		}
		r.events.Expect(t)
		if got := r.audited(); !slices.Equal(got[1:], slices.Repeat([]string{"login-failed"}, tries)) {
			t.Errorf("audit %v", got)
		}
	})
}

func TestLoginRefusals(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		for _, body := range []string{
			`{}`, `{"login":"ada"}`, `{"login":"","password":"x"}`, `{"login":"ada","password":""}`,
			`{"login":"ada","password":"` + goodPassword + `","role":"admin"}`,
		} {
			r.post("login", body).WantProblem(errs.InvalidBody)
		}
		r.post("login", `{"login":"ada","password":"`+goodPassword+`"}`, header{"Content-Type", "text/plain"}).Want(200) // first value counts
		req := testkit.NewRequest(t, http.MethodPost, "/api/v1/auth/login", "", `{"login":"ada","password":"x"}`)
		req.Header.Set("Content-Type", "text/plain")
		testkit.Do(t, r.svc.Handler(), req).WantProblem(errs.UnsupportedMediaType)
		r.events.Expect(t)
	})
}

func TestUsernameAvailability(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		for name, want := range map[string]string{
			"ada": `{"username":"ada","available":false}`, "ADA": `{"username":"ada","available":false}`,
			"Bob": `{"username":"bob","available":true}`, "root": `{"username":"root","available":false}`,
		} {
			res := r.call(http.MethodGet, "/api/v1/auth/usernames/"+name, nil).Want(200)
			if strings.TrimSpace(string(res.Body)) != want {
				t.Errorf("%s: %s", name, res.Body)
			}
		}
		for _, name := range []string{"ab", "a%20b", "%00%00%00", "%F0%9F%98%80abc", strings.Repeat("x", 33)} {
			r.call(http.MethodGet, "/api/v1/auth/usernames/"+name, nil).WantProblem(errs.InvalidParameter)
		}
		r.events.Expect(t)
	})
}

func TestWrongMethodsChangeNothing(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead} {
			for _, path := range []string{"register", "login", "refresh", "logout"} {
				res := r.call(method, "/api/v1/auth/"+path, nil, s.refresh(), bearer(s.AccessToken)).Want(http.StatusMethodNotAllowed)
				if res.Header.Get("Allow") != http.MethodPost {
					t.Errorf("%s %s: Allow %q", method, path, res.Header.Get("Allow"))
				}
			}
		}
		r.call(http.MethodGet, "/api/v1/auth/nothing", nil).WantProblem(errs.NotFound)
		r.events.Expect(t)
		r.post("refresh", nil, s.refresh()).Want(200)
	})
}

func TestJWKS(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		var over events.JWKSReply
		if err := r.svc.bus.Request(t.Context(), events.RPCJWKS, struct{}{}, &over); err != nil {
			t.Fatal(err)
		}
		res := r.call(http.MethodGet, "/.well-known/jwks.json", nil).Want(200)
		if strings.TrimSpace(string(res.Body)) != string(over.JWKS) {
			t.Errorf("HTTP %s, bus %s", res.Body, over.JWKS)
		}
		var set struct{ Keys []map[string]string }
		res.JSON(&set)
		if len(set.Keys) != 1 || set.Keys[0]["crv"] != "Ed25519" || set.Keys[0]["kid"] == "" {
			t.Errorf("keys %v", set.Keys)
		}
		if _, private := set.Keys[0]["d"]; private || len(set.Keys[0]) != 6 {
			t.Errorf("more than the public part: %v", set.Keys[0])
		}
		if res.Header.Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("Cache-Control %q", res.Header.Get("Cache-Control"))
		}
	})
}

func TestAccountRPC(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		var got events.Registered
		if err := r.svc.bus.Request(t.Context(), events.RPCAccount, events.UserRequest{UserID: s.User.ID.String()}, &got); err != nil {
			t.Fatal(err)
		}
		if got.UserID != s.User.ID.String() || got.Username != "ada" || got.DisplayName != "ada" || got.CreatedAt.IsZero() {
			t.Errorf("account %+v", got)
		}
		for _, unknown := range []string{"0190c2a0-0000-7000-8000-000000000000", "", "x"} {
			err := r.svc.bus.Request(t.Context(), events.RPCAccount, events.UserRequest{UserID: unknown}, &got)
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%q: %v, want not-found", unknown, err)
			}
		}
	})
}

func TestCreateAdmin(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		if err := r.svc.CreateAdmin(t.Context(), "admin", goodPassword, ""); err != nil {
			t.Fatal(err)
		}
		if err := r.svc.CreateAdmin(t.Context(), "admin", goodPassword, ""); !errs.Is(err, errs.IdentifierTaken) {
			t.Errorf("twice: %v", err)
		}
		if err := r.svc.CreateAdmin(t.Context(), "boss", "short", ""); !errs.Is(err, errs.WeakPassword) {
			t.Errorf("weak: %v", err)
		}
		s := r.signedIn(r.post("login", map[string]string{"login": "admin", "password": goodPassword}), http.StatusOK)
		if s.User.Role != "admin" {
			t.Errorf("role %q", s.User.Role)
		}
		r.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
		if got := r.audited(); !slices.Equal(got, []string{"admin-created", "login"}) {
			t.Errorf("audit %v", got)
		}
	})
}

// The document is made without a database, and shows what the routes do.
func TestOpenAPI(t *testing.T) {
	doc, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(doc, &spec); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/api/v1/auth/register": "post", "/api/v1/auth/login": "post", "/api/v1/auth/refresh": "post", "/api/v1/auth/logout": "post",
		"/api/v1/auth/usernames/{username}": "get", "/.well-known/jwks.json": "get",
		"/api/v1/auth/forgot": "post", "/api/v1/auth/reset": "post", "/api/v1/auth/account": "get", "/api/v1/auth/password": "post",
		"/api/v1/auth/email": "post", "/api/v1/auth/email/confirm": "post", "/api/v1/auth/email/resend": "post",
		"/api/v1/auth/sessions": "get", "/api/v1/auth/sessions/{id}": "delete", "/api/v1/auth/sessions/end-others": "post",
		"/api/v1/auth/login/second": "post", "/api/v1/auth/login/second/passkey": "post", "/api/v1/auth/factors": "get",
		"/api/v1/auth/factors/totp": "post", "/api/v1/auth/factors/totp/activate": "post", "/api/v1/auth/factors/totp/remove": "post",
		"/api/v1/auth/factors/recovery-codes": "post", "/api/v1/auth/passkeys/login/begin": "post",
		"/api/v1/auth/passkeys/login/finish": "post", "/api/v1/auth/passkeys/confirm": "post",
		"/api/v1/auth/passkeys/register/begin": "post", "/api/v1/auth/passkeys/register/finish": "post",
		"/api/v1/auth/passkeys/{id}": "patch", "/api/v1/auth/passkeys/{id}/remove": "post",
		"/api/v1/auth/account/delete": "post", "/api/v1/auth/events": "get", "/api/v1/auth/sign-up": "get", "/api/v1/auth/announcement": "get", "/api/v1/admin/people": "get", "/api/v1/admin/people/{id}": "get",
		"/api/v1/admin/people/{id}/suspend": "post", "/api/v1/admin/people/{id}/restore": "post", "/api/v1/admin/people/{id}/sign-out": "post",
		"/api/v1/admin/people/{id}/reset-password": "post", "/api/v1/admin/people/{id}/reset-factors": "post", "/api/v1/admin/people/{id}/role": "put",
		"/api/v1/admin/statistics": "get", "/api/v1/admin/invitations/{id}": "delete",
		"/api/v1/auth/oidc": "get", "/api/v1/auth/oidc/{provider}/start": "get", "/api/v1/auth/oidc/{provider}/callback": "get",
		"/api/v1/admin/people/{id}/delete":  "post",
		"/api/v1/auth/oidc/{provider}/link": "post", "/api/v1/auth/oidc/links": "get", "/api/v1/auth/oidc/links/{provider}": "delete",
	}
	for path, method := range want {
		if spec.Paths[path][method].OperationID == "" || len(spec.Paths[path]) != 1 {
			t.Errorf("%s: %v", path, spec.Paths[path])
		}
	}
	const severalMethods = 2 // settings and invitations of the administration
	if len(spec.Paths) != len(want)+severalMethods || !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s with %d paths", spec.OpenAPI, len(spec.Paths))
	}
}
