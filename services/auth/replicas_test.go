package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
)

// pair is two replicas on one MariaDB schema and one NATS, each with a
// connection of its own.
func pair(t *testing.T, options ...option) (a, b *rig) {
	t.Helper()
	d, server := testkit.OpenMariaDB(t, Migrations), testkit.NATS(t)
	return newRig(t, d, testkit.Join(t, server), options...), newRig(t, d, testkit.Join(t, server), options...)
}

func TestTwoReplicasAreOneService(t *testing.T) {
	a, b := pair(t)
	s := a.signUp("ada")
	b.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
	onB := b.signedIn(b.post("refresh", nil, s.refresh()), http.StatusOK)
	back := a.signedIn(a.post("refresh", nil, onB.refresh()), http.StatusOK)
	for _, r := range []*rig{a, b} {
		for _, token := range []string{s.AccessToken, onB.AccessToken, back.AccessToken} {
			if _, err := r.svc.verifier.Verify(t.Context(), token); err != nil {
				t.Errorf("a token of the other replica: %v", err)
			}
		}
	}
	b.signedIn(b.post("login", map[string]string{"login": "ada", "password": goodPassword}), http.StatusOK)
	b.post("logout", nil, bearer(back.AccessToken)).Want(http.StatusNoContent)
	a.post("refresh", nil, back.refresh()).WantProblem(errs.Unauthenticated)
	a.events.Expect(t, s.revokedSubject())
	b.events.Expect(t, s.revokedSubject())
}

func TestRefreshRaceOnTwoReplicas(t *testing.T) {
	a, b := pair(t)
	s := a.signUp("ada")
	b.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
	for range 10 {
		answers := make([]*testkit.Response, 10)
		var wg sync.WaitGroup
		for i := range answers {
			r := []*rig{a, b}[i%2]
			wg.Go(func() { answers[i] = r.post("refresh", nil, s.refresh()) })
		}
		wg.Wait()
		won := 0
		for _, res := range answers {
			if res.Status == http.StatusOK {
				won++
				s = a.signedIn(res, http.StatusOK)
				continue
			}
			res.WantProblem(errs.RefreshRaced)
		}
		if won != 1 {
			t.Fatalf("%d won, want 1", won)
		}
	}
	a.events.Expect(t)
}

func TestReuseOnTheOtherReplica(t *testing.T) {
	a, b := pair(t)
	s := a.signUp("ada")
	b.events.Expect(t, "chat.auth.v1.registered."+s.User.ID.String())
	next := a.signedIn(a.post("refresh", nil, s.refresh()), http.StatusOK)
	b.clock.add(raceWindow + time.Second)
	b.post("refresh", nil, s.refresh()).WantProblem(errs.TokenReused)
	a.events.Expect(t, s.revokedSubject())
	a.post("refresh", nil, next.refresh()).WantProblem(errs.TokenReused)
}

func TestLimitsAreShared(t *testing.T) {
	a, b := pair(t, perIP(5))
	status := map[int]int{}
	for i := range 12 {
		r := []*rig{a, b}[i%2]
		status[r.post("login", map[string]string{"login": "ghost" + string(rune('a'+i)), "password": "x"}).Status]++
	}
	if status[401] != 5 || status[429] != 7 {
		t.Errorf("answers %v, want 5 x 401 for both replicas together", status)
	}
}

// A key that one replica makes is published by the other before either signs
// with it, and tokens of either key verify on both during the change.
func TestKeyRotationAcrossReplicas(t *testing.T) {
	a, b := pair(t)
	// The clock starts in the past and ends now: tokens must not be from the
	// future for a verifier, which has a real clock.
	past := -(keyLead + 2*time.Minute)
	if err := a.svc.keys.warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.db.W.Exec("UPDATE signing_keys SET active_from = ?", a.clock.now().Add(past)).Error; err != nil {
		t.Fatal(err)
	}
	a.clock.add(past)
	b.clock.add(past)
	if err := a.svc.keys.rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := a.signUp("ada")
	b.events.Expect(t, "chat.auth.v1.registered."+old.User.ID.String())
	if n := kids(t, b); n != 2 {
		t.Fatalf("the other replica publishes %d keys before the change, want 2", n)
	}
	a.clock.add(-past)
	b.clock.add(-past)
	fresh := b.signedIn(b.post("refresh", nil, old.refresh()), http.StatusOK)
	if kid(t, fresh.AccessToken) == kid(t, old.AccessToken) {
		t.Error("the new key does not sign")
	}
	if n := kids(t, a); n != 2 {
		t.Errorf("%d keys after the change, want 2", n)
	}
	for _, r := range []*rig{a, b} {
		if _, err := r.svc.verifier.Verify(t.Context(), fresh.AccessToken); err != nil {
			t.Errorf("a token of the new key: %v", err)
		}
		// The old token has expired in the meantime, but its key is known.
		_, err := r.svc.verifier.Verify(t.Context(), old.AccessToken)
		if e, ok := errors.AsType[*errs.Error](err); !ok || e.Slug != errs.Unauthenticated || e.Err == nil ||
			e.Err.Error() != "token has invalid claims: token is expired" {
			t.Errorf("a token of the old key: %v", err)
		}
	}
}

func kids(t *testing.T, r *rig) int {
	t.Helper()
	keys, err := authn.ParseJWKS(r.call(http.MethodGet, "/.well-known/jwks.json", nil).Want(200).Body)
	if err != nil {
		t.Fatal(err)
	}
	return len(keys)
}

func kid(t *testing.T, token string) string {
	t.Helper()
	var h struct{ KID string }
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h.KID
}
