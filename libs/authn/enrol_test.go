package authn

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// What does not ask for it by name is closed to a token that only serves to set
// up a second step: also when it was seen before.
func TestATokenThatOnlyEnrolsIsRefusedUnlessAskedFor(t *testing.T) {
	public, private := keyPair(t)
	v := NewVerifier(source(map[string]ed25519.PublicKey{"k": public}))
	who := Identity{UserID: id.New(), SessionID: id.New(), Username: "ada", Role: RoleAdmin, Expires: time.Now().Add(time.Minute).Truncate(time.Second), Enrol: true}
	sign := func(i Identity) string {
		token, err := Sign(private, "k", i, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := sign(who)
	for range 2 {
		if got, err := v.Verify(t.Context(), token); !errs.Is(err, errs.SecondStepRequired) || got != (Identity{}) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := v.VerifyEnrolling(t.Context(), token); err != nil || got != who {
			t.Errorf("%+v, %v; want %+v", got, err, who)
		}
	}
	who.Enrol = false
	for _, verify := range []func(context.Context, string) (Identity, error){v.Verify, v.VerifyEnrolling} {
		if got, err := verify(t.Context(), sign(who)); err != nil || got != who {
			t.Errorf("%+v, %v", got, err)
		}
	}
	v.Revoke(who.SessionID, time.Now().Add(time.Hour))
	if _, err := v.VerifyEnrolling(t.Context(), token); !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("of a session that is over: %v", err)
	}
}
