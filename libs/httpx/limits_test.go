package httpx_test

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/limit"
)

type empty struct{}

// limited is a server with a route of each kind behind the proxy 10.0.0.1.
type limited struct {
	t       *testing.T
	handler http.Handler
	key     ed25519.PrivateKey
}

func newLimited(t *testing.T) limited {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httpx.New(httpx.Options{
		Service: "test", Title: "Test", TrustedProxies: []string{"10.0.0.1"},
		Limits: limit.New("test", limit.Rates{On: true, PerAccount: 50, PerIP: 5, Contacts: 5}, nil),
		Verifier: authn.NewVerifier(func(context.Context) (map[string]ed25519.PublicKey, error) {
			return map[string]ed25519.PublicKey{"k1": public}, nil
		}),
	})
	nothing := func(context.Context, *empty) (*empty, error) { return nil, nil }
	httpx.Register(s, huma.Operation{OperationID: "read", Method: http.MethodGet, Path: "/read"}, nothing)
	httpx.Register(s, huma.Operation{OperationID: "write", Method: http.MethodPut, Path: "/write"}, nothing)
	httpx.Register(s, httpx.Limited(huma.Operation{OperationID: "mail", Method: http.MethodPost, Path: "/mail"}, limit.Expensive), nothing)
	httpx.Register(s, httpx.Enrolling(huma.Operation{OperationID: "enrol", Method: http.MethodGet, Path: "/enrol"}), nothing)
	httpx.Register(s, huma.Operation{OperationID: "public", Method: http.MethodGet, Path: "/public", Security: httpx.Public}, nothing)
	return limited{t, s.Handler(), private}
}

func (l limited) token() string { return l.tokenOf(authn.Identity{}) }

// tokenOf signs a token of somebody new.
func (l limited) tokenOf(i authn.Identity) string {
	l.t.Helper()
	i.UserID, i.SessionID, i.Expires = id.New(), id.New(), time.Now().Add(time.Minute)
	token, err := authn.Sign(l.key, "k1", i, time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	return token
}

func (l limited) call(method, path, token, address string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", address)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w
}

// flood calls until a 429 and returns it.
func (l limited) flood(method, path, token, address string) *httptest.ResponseRecorder {
	l.t.Helper()
	for range 1000 {
		if w := l.call(method, path, token, address); w.Code == http.StatusTooManyRequests {
			return w
		}
	}
	l.t.Fatalf("%s %s is not limited", method, path)
	return nil
}

// A 429 says what is limited, and when to come again.
func TestLimitedAnswer(t *testing.T) {
	l := newLimited(t)
	mine := l.token()
	first := l.call("POST", "/mail", mine, "192.0.2.1")
	if first.Code != http.StatusNoContent || first.Header().Get("RateLimit") != `"expensive";r=9;t=1` || first.Header().Get("RateLimit-Policy") != `"expensive";q=10;w=10` {
		t.Errorf("%d %v", first.Code, first.Header())
	}
	w := l.flood("POST", "/mail", mine, "192.0.2.1")
	if wait, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || wait != 1 {
		t.Errorf("Retry-After %q, want 1", w.Header().Get("Retry-After"))
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if got := w.Header().Get("RateLimit"); got[:len(`"expensive";r=0`)] != `"expensive";r=0` {
		t.Errorf("RateLimit %s", got)
	}
	for _, other := range []struct{ method, path, token string }{
		{"GET", "/read", mine}, {"PUT", "/write", mine}, {"POST", "/mail", l.token()}, {"GET", "/public", ""},
	} {
		if w := l.call(other.method, other.path, other.token, "192.0.2.1"); w.Code >= 400 {
			t.Errorf("%s %s is limited as well: %d", other.method, other.path, w.Code)
		}
	}
}

// Whoever has no valid token spends the budget of the network, and never that
// of an account: nobody behind the same address, and no owner, is locked out.
func TestStrangersLockNobodyOut(t *testing.T) {
	l := newLimited(t)
	mine := l.token()
	stranger := newLimited(t).token() // signed by nobody we know
	w := l.flood("GET", "/read", stranger, "192.0.2.1")
	if got := w.Header().Get("RateLimit-Policy"); got != `"anonymous";q=20;w=4` {
		t.Errorf("counted as %s", got)
	}
	for path, status := range map[string]int{"/public": 429, "/read": 429} {
		if w := l.call("GET", path, "", "192.0.2.1"); w.Code != status {
			t.Errorf("%s from the same network: %d", path, w.Code)
		}
	}
	if w := l.call("GET", "/read", mine, "192.0.2.1"); w.Code != http.StatusNoContent {
		t.Errorf("with a valid token from the same network: %d", w.Code)
	}
	if w := l.call("GET", "/read", stranger, "192.0.2.2"); w.Code != http.StatusUnauthorized {
		t.Errorf("a stranger from another network: %d", w.Code)
	}
}

// What a client writes into X-Forwarded-For itself is not its address.
func TestForgedAddressIsOneNetwork(t *testing.T) {
	l := newLimited(t)
	for i := range 1000 {
		if w := l.call("GET", "/public", "", strconv.Itoa(i%250)+".0.2.1, 192.0.2.7"); w.Code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("a forged X-Forwarded-For gives a new budget each time")
}

// A fault of ours spends nobody's budget.
func TestUnavailableIsNotCounted(t *testing.T) {
	s := httpx.New(httpx.Options{
		Service: "test", Title: "Test", Limits: limit.New("test", limit.Rates{On: true, PerAccount: 5, PerIP: 5, Contacts: 5}, nil),
		Verifier: authn.NewVerifier(func(context.Context) (map[string]ed25519.PublicKey, error) {
			return nil, errs.New(errs.Unavailable, "no keys")
		}),
	})
	httpx.Register(s, huma.Operation{OperationID: "read", Method: http.MethodGet, Path: "/read"}, func(context.Context, *empty) (*empty, error) { return nil, nil })
	l := limited{t: t, handler: s.Handler()}
	token := newLimited(t).token()
	for i := range 100 {
		if w := l.call("GET", "/read", token, "192.0.2.1"); w.Code != http.StatusServiceUnavailable {
			t.Fatalf("request %d: %d", i, w.Code)
		}
	}
}

// Who has to set up a second step is refused wherever it was not said that this
// is part of setting it up, and cannot ask for ever.
func TestEnrollingIsOpenOnlyWhereItIsSaid(t *testing.T) {
	l := newLimited(t)
	mine := l.tokenOf(authn.Identity{Role: authn.RoleAdmin, Enrol: true})
	for path, method := range map[string]string{"/read": "GET", "/write": "PUT", "/mail": "POST"} {
		w := l.call(method, path, mine, "192.0.2.1")
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"/problems/second-step-required"`) {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	for path, token := range map[string]string{"/enrol": mine, "/public": mine, "/read": l.token()} {
		if w := l.call("GET", path, token, "192.0.2.2"); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := l.call("GET", "/enrol", "", "192.0.2.3"); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
	l.flood("GET", "/read", mine, "192.0.2.4")
	if w := l.call("GET", "/enrol", mine, "192.0.2.4"); w.Code != http.StatusNoContent {
		t.Errorf("what they may do counts on their account: %d", w.Code)
	}
}
