// Package authn answers one question for every service: whose request is this?
//
// Access tokens are short-lived JWTs signed with Ed25519 by the auth service.
// Any service verifies them alone, with the public keys it fetched once, so no
// request waits for auth and auth may be down while sessions go on working.
// The algorithm list is fixed and a key is only ever taken from the fetched
// set: whatever a token says about where to find keys is refused.
package authn

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	// Issuer and Audience are constants, not the public URL, so that tokens
	// survive a change of address.
	Issuer   = "chatapp"
	Audience = "chatapp"

	tokenType = "at+jwt"
	// Leeway is how far two machines' clocks may differ.
	Leeway = 30 * time.Second
)

// Identity is who is calling, as a verified access token says.
type Identity struct {
	UserID    id.ID
	SessionID id.ID
	Username  string
	Role      string // one of the Role constants
	Expires   time.Time
	// Enrol says that the caller signed in with one factor where two are
	// demanded and has no second one yet: all they may do is to set it up.
	Enrol bool
}

type contextKey struct{}

// With returns a context that carries who is calling.
func With(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, i)
}

// From returns who is calling; the zero Identity when nobody signed in.
func From(ctx context.Context) Identity {
	i, _ := ctx.Value(contextKey{}).(Identity)
	return i
}

// claims is the payload of an access token (RFC 9068).
type claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
	Username  string `json:"preferred_username"`
	Role      string `json:"role"`
	Enrol     bool   `json:"enrol,omitempty"`
}

// Sign makes an access token for i, valid until i.Expires.
func Sign(key ed25519.PrivateKey, kid string, i Identity, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    Issuer,
			Audience:  jwt.ClaimStrings{Audience},
			Subject:   i.UserID.String(),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(i.Expires),
			ID:        id.New().String(),
		},
		SessionID: i.SessionID.String(),
		Username:  i.Username,
		Role:      i.Role,
		Enrol:     i.Enrol,
	})
	t.Header["typ"] = tokenType
	t.Header["kid"] = kid
	return t.SignedString(key)
}

var parser = jwt.NewParser(
	jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
	jwt.WithIssuer(Issuer),
	jwt.WithAudience(Audience),
	jwt.WithExpirationRequired(),
	jwt.WithIssuedAt(),
	jwt.WithLeeway(Leeway),
	jwt.WithStrictDecoding(),
)

// parse verifies token with the keys that find returns.
func parse(token string, find func(kid string) (ed25519.PublicKey, error)) (Identity, error) {
	var c claims
	_, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != tokenType {
			return nil, errors.New("not an access token")
		}
		for _, h := range []string{"jku", "jwk", "x5u", "x5c", "crit"} {
			if _, there := t.Header[h]; there {
				return nil, errors.New("header " + h + " is not accepted")
			}
		}
		kid, _ := t.Header["kid"].(string)
		return find(kid)
	})
	if err != nil {
		return Identity{}, err
	}
	user, err := id.Parse(c.Subject)
	if err != nil {
		return Identity{}, err
	}
	session, err := id.Parse(c.SessionID)
	if err != nil {
		return Identity{}, err
	}
	return Identity{
		UserID: user, SessionID: session, Username: c.Username, Role: c.Role,
		Expires: c.ExpiresAt.Time, Enrol: c.Enrol,
	}, nil
}

// refused is the one answer to every bad token; the reason is for logs only.
func refused(cause error) error {
	return errs.Wrap(errs.Unauthenticated, "Sign in to continue.", cause)
}
