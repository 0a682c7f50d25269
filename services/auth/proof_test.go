package auth

import (
	"errors"
	"net/http"
	"testing"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
)

// Two requests that both saw a code, or a passkey's answer, before either used
// it: one of them is too late.
func TestAProofIsGoodForOneUse(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		key, _ := r.addPasskey(s, with(confirmed(), "code", a.next()))
		acc, ok, err := r.svc.store.account(t.Context(), s.User.ID)
		if err != nil || !ok {
			t.Fatal(err)
		}
		key.count = 7
		challenges := make([][]byte, 2)
		for i := range challenges {
			challenges[i] = []byte(jsonText(t, key.get(r.options("passkeys/confirm", nil, bearer(s.AccessToken)))))
		}
		code := a.next()
		for name, shown := range map[string][2]Evidence{
			"code":          {{Code: code}, {Code: code}},
			"recovery code": {{RecoveryCode: codes[0]}, {RecoveryCode: codes[0]}},
			"passkey":       {{Passkey: challenges[0]}, {Passkey: challenges[1]}}, // the same count in both
		} {
			var proofs [2]proof
			for i := range shown {
				if proofs[i], err = r.svc.check(t.Context(), acc, shown[i], purposeConfirm, Client{}); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			first := r.svc.store.spend(t.Context(), proofs[0], r.clock.now(), nil)
			second := r.svc.store.spend(t.Context(), proofs[1], r.clock.now(), nil)
			if first != nil || !errors.Is(second, errNotProved) {
				t.Errorf("%s: %v, then %v", name, first, second)
			}
		}
	})
}

// What an owner's passkey answered for one purpose is nothing for another, also
// for the same account.
func TestAPasskeysAnswerIsForOnePurpose(t *testing.T) {
	eachRig(t, func(_ *testing.T, r *rig) {
		s := r.signUp("ada")
		key, _ := r.addPasskey(s, confirmed())
		step := r.half("ada").Challenge
		key.count = 1
		r.second(step, "passkey", key.get(r.options("passkeys/confirm", nil, bearer(s.AccessToken)))).WantProblem(errs.Unauthenticated)
		asked := r.options("login/second/passkey", map[string]string{"challenge": step})
		r.post("factors/recovery-codes", map[string]any{"passkey": key.get(asked)}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		r.second(step, "passkey", key.get(r.options("login/second/passkey", map[string]string{"challenge": step}))).Want(http.StatusOK)
	})
}

// Turning an app on takes a code of it, and guesses are counted as for a
// sign-in: else who has a session could turn on a seed that nobody has.
func TestGuessesAtActivationAreLimited(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.nextStep()
		var made struct{ Secret string }
		r.post("factors/totp", confirmed(), bearer(s.AccessToken)).Want(200).JSON(&made)
		a := app{r: r, secret: made.Secret}
		for range codeTries {
			r.post("factors/totp/activate", map[string]string{"code": a.wrong()}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		}
		r.post("factors/totp/activate", map[string]string{"code": a.at(0)}, bearer(s.AccessToken)).WantProblem(errs.RateLimited)
		r.clock.add(codeWindow)
		if _, err := r.svc.ActivateTOTP(t.Context(), authn.Identity{UserID: s.User.ID, SessionID: r.sessionOf(s)}, a.at(0), Client{}); err != nil {
			t.Error(err)
		}
	})
}

// The role in a token is that of the account when its session was stored: a
// sign-in that began before a change of role begins again.
func TestASignInFromBeforeAChangeOfRoleIsRefused(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		before, ok, err := r.svc.store.account(t.Context(), boss.User.ID)
		if err != nil || !ok {
			t.Fatal(err)
		}
		r.admin("other")
		if err := r.svc.SetRole(t.Context(), Operator(), before.ID, authn.RoleUser); err != nil {
			t.Fatal(err)
		}
		live := r.liveSessions()
		_, err = r.svc.admit(t.Context(), before, Client{IP: "192.0.2.1"}, freeAttempt("boss", "192.0.2.1"))
		if !errs.Is(err, errs.Conflict) || r.liveSessions() != live {
			t.Errorf("%v, %d sessions", err, r.liveSessions()-live)
		}
		if s := r.login("boss"); s.User.Role != authn.RoleUser {
			t.Errorf("%+v", s.User)
		}
	})
}

// A sign-in that is half done ends with a change of the factors, whichever.
func TestAChangeOfFactorsEndsHalfDoneSignIns(t *testing.T) {
	eachRig(t, func(_ *testing.T, r *rig) {
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		begun := r.half("ada").Challenge
		r.addPasskey(s, with(confirmed(), "recovery_code", codes[0]))
		r.second(begun, "code", a.next()).WantProblem(errs.ChallengeExpired)
	})
}
