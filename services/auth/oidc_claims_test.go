package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatapp/libs/testkit"
)

// signer is a provider that signs whatever claims a test wants.
type signer struct {
	issuer string
	claims atomic.Pointer[jwt.MapClaims]
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &signer{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys", "userinfo_endpoint": p.issuer + "/userinfo",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		}
		switch r.URL.Path {
		case "/keys":
			answer = map[string]any{"keys": []any{map[string]any{
				"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k",
				"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
			}}}
		case "/userinfo": // about another person than the ID token
			answer = map[string]any{"sub": "eve", "preferred_username": "evelyn", "email": "eve@example.org", "email_verified": true}
		case "/token":
			token := jwt.NewWithClaims(jwt.SigningMethodRS256, *p.claims.Load())
			token.Header["kid"] = "k"
			id, err := token.SignedString(key)
			if err != nil {
				t.Error(err)
			}
			answer = map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": id}
		}
		_, _ = w.Write([]byte(jsonText(t, answer)))
	}))
	p.issuer = s.URL
	t.Cleanup(s.Close)
	return p
}

// Each claim of an ID token is looked at by itself: a token that is right but
// for one of them signs nobody in.
func TestOIDCClaimsOfTheIDToken(t *testing.T) {
	p := newSigner(t)
	r := newRig(t, testkit.OpenSQLite(t, Migrations), testkit.Bus(t), signsInWith(t, entry{"test", "Test", p.issuer, "chat"}))
	now := time.Now()
	for name, c := range map[string]struct {
		spoil jwt.MapClaims
		in    bool
	}{
		"as it should be":                       {jwt.MapClaims{}, true},
		"for us among others, given to us":      {jwt.MapClaims{"aud": []string{"chat", "other"}, "azp": "chat"}, true},
		"for another client":                    {jwt.MapClaims{"aud": "other"}, false},
		"for another client, given to us":       {jwt.MapClaims{"aud": "other", "azp": "chat"}, false},
		"for us, given to another":              {jwt.MapClaims{"azp": "other"}, false},
		"for us among others, given to nobody":  {jwt.MapClaims{"aud": []string{"chat", "other"}}, false},
		"for us among others, given to another": {jwt.MapClaims{"aud": []string{"chat", "other"}, "azp": "other"}, false},
		"of another issuer":                     {jwt.MapClaims{"iss": "https://other.example"}, false},
		"expired":                               {jwt.MapClaims{"exp": now.Add(-time.Hour).Unix()}, false},
		"without an end":                        {jwt.MapClaims{"exp": nil}, false},
		"of nobody":                             {jwt.MapClaims{"sub": ""}, false},
		"of another flow":                       {jwt.MapClaims{"nonce": "n"}, false},
		"of no flow":                            {jwt.MapClaims{"nonce": ""}, false},
		"with the hash of another access token": {jwt.MapClaims{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, false},
	} {
		b := &browser{r: r}
		query := mustQuery(t, b.leave())
		claims := jwt.MapClaims{
			"iss": p.issuer, "aud": "chat", "sub": "grace", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nonce": query.Get("nonce"),
		}
		maps.Copy(claims, c.spoil)
		p.claims.Store(&claims)
		res := b.get(callbackPath + "?code=c&state=" + url.QueryEscape(query.Get("state")))
		if in := b.signed != nil; in != c.in || !in && res.Header.Get("Location") != "/sign-in-failed?provider=test&reason=unauthenticated" {
			t.Errorf("%s: in %v, leads to %q", name, in, res.Header.Get("Location"))
		}
	}
	var rows []accountRow
	if err := r.db.R.Find(&rows).Error; err != nil || len(rows) != 1 || rows[0].Username == "evelyn" || rows[0].Email != nil {
		t.Errorf("what was said about somebody else is used: %+v, %v", rows, err)
	}
}

// The same subject at another issuer is somebody else.
func TestOIDCIdentityIsIssuerAndSubject(t *testing.T) {
	one := identity{Issuer: "https://a.example", Subject: "1"}
	for _, other := range []identity{{Issuer: "https://b.example", Subject: "1"}, {Issuer: "https://a.example", Subject: "2"}} {
		if string(one.hash()) == string(other.hash()) {
			t.Errorf("%+v is taken for %+v", other, one)
		}
	}
}
