package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

const (
	callbackPath = "/api/v1/auth/oidc/test/callback"
	callbackURL  = "http://localhost:8080" + callbackPath
)

var grace = idp.Person{
	Subject: "sub-grace", Username: "grace", First: "Grace", Last: "Hopper", Email: "grace@example.org", Verified: true,
}

// newProvider runs a real provider with one person.
func newProvider(t *testing.T) *idp.Provider {
	t.Helper()
	p, err := idp.Listen("127.0.0.1:0",
		idp.Client{ID: "chat", Secret: "s3cret", Redirect: callbackURL},
		idp.Client{ID: "other", Secret: "s3cret", Redirect: callbackURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.Add(grace)
	return p
}

// entry is one line of CHAT_OIDC_PROVIDERS.
type entry struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	Client string `json:"client_id"`
}

func signsInWith(t *testing.T, list ...entry) option {
	t.Helper()
	return func(c *config.Config) {
		secrets := map[string]string{}
		for _, e := range list {
			secrets[e.ID] = "s3cret"
		}
		c.OIDCProviders, c.OIDCSecrets = jsonText(t, list), jsonText(t, secrets)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eachOIDC runs fn on both engines against a replica that offers p.
func eachOIDC(t *testing.T, fn func(t *testing.T, r *rig, p *idp.Provider), options ...option) {
	t.Helper()
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		p := newProvider(t)
		all := append([]option{signsInWith(t, entry{"test", "Test", p.Issuer, "chat"})}, options...)
		fn(t, newRig(t, d, testkit.Bus(t), all...), p)
	})
}

// browser carries the cookies of one browser, to ChatApp and to nobody else.
type browser struct {
	r      *rig
	flow   *http.Cookie
	signed *http.Cookie
}

// get opens a path of ChatApp.
func (b *browser) get(path string) *testkit.Response {
	b.r.t.Helper()
	var headers []header
	if b.flow != nil {
		headers = append(headers, cookie(b.flow.Name, b.flow.Value))
	}
	return b.keep(b.r.call(http.MethodGet, path, nil, headers...))
}

func (b *browser) keep(res *testkit.Response) *testkit.Response {
	for _, c := range (&http.Response{Header: res.Header}).Cookies() {
		switch {
		case strings.HasSuffix(c.Name, "chat_oidc") && c.MaxAge < 0:
			b.flow = nil
		case strings.HasSuffix(c.Name, "chat_oidc"):
			b.flow = c
		default:
			b.signed = c
		}
	}
	return res
}

// leave starts a sign-in and returns the provider's address.
func (b *browser) leave() string {
	b.r.t.Helper()
	res := b.get("/api/v1/auth/oidc/test/start")
	res.Want(http.StatusSeeOther)
	return res.Header.Get("Location")
}

// signIn does the whole trip.
func (b *browser) signIn(username string) *testkit.Response {
	b.r.t.Helper()
	return b.get(atProvider(b.r.t, b.leave(), username))
}

// atProvider signs in there and returns the path with which the browser comes
// back.
func atProvider(t *testing.T, location, username string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	visit := func(method string, to *url.URL, form url.Values) *url.URL {
		req, err := http.NewRequestWithContext(context.Background(), method, to.String(), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		next, err := res.Location()
		if err != nil {
			t.Fatalf("%s %s: %s", method, to, res.Status)
		}
		return next
	}
	login := visit(http.MethodGet, base, nil)
	form := url.Values{"id": {login.Query().Get("authRequestID")}, "username": {username}, "password": {idp.Password}}
	back := visit(http.MethodGet, visit(http.MethodPost, login, form), nil)
	if !strings.HasPrefix(back.String(), callbackURL+"?") {
		t.Fatalf("the provider sends back to %s", back)
	}
	return back.RequestURI()
}

// change replaces one parameter of an address.
func change(t *testing.T, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// wantFailed expects the page that says why, and no session.
func (b *browser) wantFailed(res *testkit.Response, reason string) {
	b.r.t.Helper()
	want := "/sign-in-failed?provider=test&reason=" + reason
	if got := res.Header.Get("Location"); res.Status != http.StatusSeeOther || got != want {
		b.r.t.Fatalf("%d to %q, want %q: %s", res.Status, got, want, res.Body)
	}
	if b.signed != nil {
		b.r.t.Fatal("a session was started all the same")
	}
}

// wantIn expects a session and returns whose.
func (b *browser) wantIn(res *testkit.Response) signedIn {
	b.r.t.Helper()
	res.Want(http.StatusSeeOther)
	if got := res.Header.Get("Location"); got != "/" {
		b.r.t.Fatalf("leads to %q", got)
	}
	if b.signed == nil || b.signed.SameSite != http.SameSiteStrictMode || !b.signed.HttpOnly {
		b.r.t.Fatalf("refresh cookie %v", b.signed)
	}
	return b.refresh()
}

// refresh exchanges the session's cookie.
func (b *browser) refresh() signedIn {
	b.r.t.Helper()
	s := b.r.signedIn(b.r.post("refresh", nil, cookie(b.signed.Name, b.signed.Value)), http.StatusOK)
	b.signed = s.cookie
	return s
}
