package authn

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

func keyPair(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func source(keys map[string]ed25519.PublicKey) KeySource {
	return func(context.Context) (map[string]ed25519.PublicKey, error) { return keys, nil }
}

func someone(valid time.Duration) Identity {
	return Identity{UserID: id.New(), SessionID: id.New(), Username: "ada", Role: "user", Expires: time.Now().Add(valid).Truncate(time.Second)}
}

func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	public, private := keyPair(t)
	want := someone(time.Minute)
	token, err := Sign(private, "k", want, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(source(map[string]ed25519.PublicKey{"k": public}))
	for range 2 { // the second answer comes from the cache
		got, err := v.Verify(context.Background(), token)
		if err != nil || !got.Expires.Equal(want.Expires) || got.UserID != want.UserID || got.SessionID != want.SessionID || got.Username != "ada" || got.Role != "user" {
			t.Fatalf("%+v %v", got, err)
		}
	}
}

// The attack corpus: each token differs from a good one in one thing.
func TestForgedTokens(t *testing.T) {
	public, private := keyPair(t)
	_, other := keyPair(t)
	v := NewVerifier(source(map[string]ed25519.PublicKey{"k": public}))
	good := func() *jwt.Token {
		now := time.Now()
		tok := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
			"iss": Issuer, "aud": Audience, "sub": id.New().String(), "sid": id.New().String(),
			"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		})
		tok.Header["typ"], tok.Header["kid"] = tokenType, "k"
		return tok
	}
	claim := func(k string, value any) func(*jwt.Token) {
		return func(t *jwt.Token) { t.Claims.(jwt.MapClaims)[k] = value }
	}
	header := func(k string, value any) func(*jwt.Token) {
		return func(t *jwt.Token) { t.Header[k] = value }
	}
	for name, c := range map[string]struct {
		change func(*jwt.Token)
		key    any
	}{
		"alg none":              {func(t *jwt.Token) { t.Method = jwt.SigningMethodNone; t.Header["alg"] = "none" }, jwt.UnsafeAllowNoneSignatureType},
		"HS256 with public key": {func(t *jwt.Token) { t.Method = jwt.SigningMethodHS256; t.Header["alg"] = "HS256" }, []byte(public)},
		"another key":           {func(*jwt.Token) {}, other},
		"unknown kid":           {header("kid", "k2"), private},
		"no kid":                {func(t *jwt.Token) { delete(t.Header, "kid") }, private},
		"kid is a path":         {header("kid", "../../dev/null"), private},
		"kid is a number":       {header("kid", 1), private},
		"jku":                   {header("jku", "https://evil.example/jwks"), private},
		"x5u":                   {header("x5u", "https://evil.example/cert"), private},
		"jwk":                   {header("jwk", map[string]string{"kty": "OKP"}), private},
		"crit":                  {header("crit", []string{"exp"}), private},
		"typ JWT (an id token)": {header("typ", "JWT"), private},
		"typ missing":           {func(t *jwt.Token) { delete(t.Header, "typ") }, private},
		"wrong issuer":          {claim("iss", "evil"), private},
		"wrong audience":        {claim("aud", "other"), private},
		"no audience":           {func(t *jwt.Token) { delete(t.Claims.(jwt.MapClaims), "aud") }, private},
		"no expiry":             {func(t *jwt.Token) { delete(t.Claims.(jwt.MapClaims), "exp") }, private},
		"expired":               {claim("exp", time.Now().Add(-time.Minute).Unix()), private},
		"not yet valid":         {claim("nbf", time.Now().Add(time.Hour).Unix()), private},
		"issued in the future":  {claim("iat", time.Now().Add(time.Hour).Unix()), private},
		"subject is not an id":  {claim("sub", "1"), private},
		"session is not an id":  {claim("sid", ""), private},
		"subject of other type": {claim("sub", 7), private},
	} {
		t.Run(name, func(t *testing.T) {
			tok := good()
			c.change(tok)
			signed, err := tok.SignedString(c.key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(context.Background(), signed); !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("accepted or wrong error: %v", err)
			}
		})
	}
	signed, err := good().SignedString(private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(context.Background(), signed); err != nil {
		t.Errorf("the unchanged token must pass, else the corpus shows nothing: %v", err)
	}
	for _, garbage := range []string{"", ".", "..", "a.b.c", signed + "x", signed[:len(signed)-4], " " + signed} {
		if _, err := v.Verify(context.Background(), garbage); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("%q: %v", garbage, err)
		}
	}
}

func TestRevokedAndExpiredLeaveTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, private := keyPair(t)
		v := NewVerifier(source(map[string]ed25519.PublicKey{"k": public}))
		a, b := someone(time.Minute), someone(time.Minute)
		tokenA, _ := Sign(private, "k", a, time.Now())
		tokenB, _ := Sign(private, "k", b, time.Now())
		verify := func(token string) error { _, err := v.Verify(t.Context(), token); return err }
		if err := errors.Join(verify(tokenA), verify(tokenB)); err != nil {
			t.Fatal(err)
		}
		v.Revoke(a.SessionID, a.Expires)
		if !errs.Is(verify(tokenA), errs.Unauthenticated) || verify(tokenB) != nil {
			t.Error("exactly the revoked session must be refused")
		}
		time.Sleep(time.Minute + Leeway + time.Second)
		if !errs.Is(verify(tokenB), errs.Unauthenticated) {
			t.Error("a cached token outlived its expiry")
		}
	})
}

// A rotated key is fetched when a token names it; made-up key ids do not turn
// into a flood of questions; no answer is "unavailable", not "sign in again".
func TestKeysAreFetchedWhenNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pub1, priv1 := keyPair(t)
		pub2, priv2 := keyPair(t)
		keys := map[string]ed25519.PublicKey{"1": pub1}
		var asked atomic.Int32
		down := true
		v := NewVerifier(func(context.Context) (map[string]ed25519.PublicKey, error) {
			asked.Add(1)
			if down {
				return nil, errors.New("auth is down")
			}
			return keys, nil
		})
		sign := func(key ed25519.PrivateKey, kid string) string {
			s, err := Sign(key, kid, someone(time.Hour), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		verify := func(token string) error { _, err := v.Verify(t.Context(), token); return err }
		if err := verify(sign(priv1, "1")); !errs.Is(err, errs.Unavailable) {
			t.Errorf("no keys yet: %v", err)
		}
		if err := verify(sign(priv1, "1")); !errs.Is(err, errs.Unavailable) {
			t.Errorf("still no keys, asked a moment ago: %v", err)
		}
		down = false
		time.Sleep(2 * time.Second)
		if err := verify(sign(priv1, "1")); err != nil {
			t.Errorf("keys came back: %v", err)
		}
		keys = map[string]ed25519.PublicKey{"1": pub1, "2": pub2}
		time.Sleep(2 * time.Second)
		if err := verify(sign(priv2, "2")); err != nil {
			t.Errorf("rotated key: %v", err)
		}
		before := asked.Load()
		for range 100 {
			if err := verify(sign(priv1, "made-up")); !errs.Is(err, errs.Unauthenticated) {
				t.Fatal(err)
			}
		}
		if n := asked.Load() - before; n > 1 {
			t.Errorf("100 made-up key ids asked %d times", n)
		}
		down = true
		time.Sleep(time.Hour)
		if err := verify(sign(priv1, "1")); err != nil {
			t.Errorf("auth down with known keys: sessions go on: %v", err)
		}
	})
}

func TestJWKSRoundTrip(t *testing.T) {
	a, _ := keyPair(t)
	b, _ := keyPair(t)
	got, err := ParseJWKS(JWKS(map[string]ed25519.PublicKey{"b": b, "a": a}))
	if err != nil || len(got) != 2 || !got["a"].Equal(a) || !got["b"].Equal(b) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := ParseJWKS([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"x","x":"AAAA"}]}`)); err == nil {
		t.Error("a short key passed")
	}
}

func BenchmarkVerify(b *testing.B) {
	public, private := keyPair(b)
	token, _ := Sign(private, "k", someone(time.Hour), time.Now())
	keys := map[string]ed25519.PublicKey{"k": public}
	b.Run("cached", func(b *testing.B) {
		v := NewVerifier(source(keys))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(context.Background(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signature", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parse(token, func(string) (ed25519.PublicKey, error) { return public, nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
