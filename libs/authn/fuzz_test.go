package authn

import (
	"context"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// FuzzVerify: no change to a token makes it another good one. Key and token are
// the same in every process that fuzzes.
func FuzzVerify(f *testing.F) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	user, session := id.ID{1}, id.ID{2}
	made := jwt.MapClaims{
		"iss": Issuer, "aud": Audience, "sub": user.String(), "sid": session.String(), "role": "user",
		"iat": 1_000_000_000, "exp": 10_000_000_000, // the year 2286
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, made)
	token.Header["typ"], token.Header["kid"] = tokenType, "k"
	good, err := token.SignedString(private)
	if err != nil {
		f.Fatal(err)
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, made).
		SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	for _, s := range []string{good, unsigned, "", "..", head + ".e30.", good + "=", good + ".", head + "." + rest + "A", "eyJhbGciOiJub25lIn0." + rest} {
		f.Add(s)
	}
	keys := map[string]ed25519.PublicKey{"k": private.Public().(ed25519.PublicKey)}
	v := NewVerifier(source(keys))
	f.Fuzz(func(t *testing.T, token string) {
		switch got, err := v.Verify(context.Background(), token); {
		case err != nil && !errs.Is(err, errs.Unauthenticated):
			t.Fatalf("%q: %v", token, err)
		case err == nil && (token != good || got.UserID != user):
			t.Fatalf("%q is taken for %+v", token, got)
		}
	})
}

// FuzzParseJWKS: what is read is keys, and they are read the same again.
func FuzzParseJWKS(f *testing.F) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	f.Add(JWKS(map[string]ed25519.PublicKey{"k": private.Public().(ed25519.PublicKey)}))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"r"},{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AA"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseJWKS(data)
		if err != nil {
			return
		}
		again, err := ParseJWKS(JWKS(keys))
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%q: %d keys, then %d, %v", data, len(keys), len(again), err)
		}
		for kid, key := range keys {
			if len(key) != ed25519.PublicKeySize || !key.Equal(again[kid]) {
				t.Fatalf("%q: key %q", data, kid)
			}
		}
	})
}
