package auth

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/testkit"
)

// elsewhere counts what reaches a place that nobody may be sent to.
func elsewhere(t *testing.T) (address string, reached *atomic.Int32) {
	t.Helper()
	reached = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(s.Close)
	return s.URL, reached
}

// redirecting is a provider whose endpoint at path sends elsewhere.
func redirecting(t *testing.T, path, to string) string {
	t.Helper()
	var issuer string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case path:
			http.Redirect(w, r, to+path, http.StatusTemporaryRedirect) // a POST with its body
		case "/.well-known/openid-configuration":
			_, _ = w.Write([]byte(jsonText(t, map[string]any{
				"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
				"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			})))
		case "/token":
			part := func(v any) string { return base64.RawURLEncoding.EncodeToString([]byte(jsonText(t, v))) }
			token := part(map[string]any{"alg": "RS256", "kid": "k"}) + "." + part(map[string]any{
				"iss": issuer, "aud": "chat", "sub": "x", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
			}) + "." + part("signature")
			_, _ = w.Write([]byte(jsonText(t, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": token})))
		}
	}))
	issuer = s.URL
	t.Cleanup(s.Close)
	return issuer
}

// A provider, or who stands in its place, cannot send the server's requests,
// and the code and the secret in them, to another address.
func TestOIDCFollowsNoRedirects(t *testing.T) {
	for path, want := range map[string]string{
		"/.well-known/openid-configuration": "unavailable", "/token": "unavailable", "/keys": "unauthenticated",
	} {
		t.Run(path, func(t *testing.T) {
			other, reached := elsewhere(t)
			issuer := redirecting(t, path, other)
			r := newRig(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t), signsInWith(t, entry{"test", "Test", issuer, "chat"}))
			b := &browser{r: r}
			res := b.get("/api/v1/auth/oidc/test/start")
			if path != "/.well-known/openid-configuration" {
				to, err := url.Parse(res.Header.Get("Location"))
				if err != nil {
					t.Fatal(err)
				}
				res = b.get(callbackPath + "?code=c&state=" + url.QueryEscape(to.Query().Get("state")))
			}
			b.wantFailed(res, want)
			if n := reached.Load(); n != 0 {
				t.Errorf("%d requests reached the other address", n)
			}
		})
	}
}

// What describes another issuer is not believed: its keys would sign for the
// people of this one.
func TestOIDCMetadataMustBeOfTheIssuer(t *testing.T) {
	for _, name := range []string{"", "https://other.example"} {
		var issuer string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(jsonText(t, map[string]any{
				"issuer": cmp.Or(name, issuer), "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
			})))
		}))
		t.Cleanup(s.Close)
		issuer = s.URL
		r := newRig(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t), signsInWith(t, entry{"test", "Test", issuer, "chat"}))
		b := &browser{r: r}
		res := b.get("/api/v1/auth/oidc/test/start")
		if name != "" {
			b.wantFailed(res, "unavailable")
		} else if to := res.Header.Get("Location"); !strings.HasPrefix(to, issuer+"/authorize?") {
			t.Errorf("leads to %q", to)
		}
	}
}
