package auth

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

// sessionIn is the session that a client's access token is of.
func (r *rig) sessionIn(s signedIn) id.ID {
	r.t.Helper()
	who, err := r.svc.verifier.VerifyEnrolling(r.t.Context(), s.AccessToken)
	if err != nil {
		r.t.Fatal(err)
	}
	return who.SessionID
}

// wantOver expects that one session is over because the same browser signed in
// once more, and that the others go on.
func (r *rig) wantOver(sess id.ID, others ...signedIn) {
	r.t.Helper()
	var row sessionRow
	if err := r.db.R.Where("id = ?", sess).Take(&row).Error; err != nil || row.RevokedAt == nil || row.RevokeReason != reasonReplaced {
		r.t.Errorf("the session that the browser had: %+v, %v", row, err)
	}
	for _, s := range others {
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200)
	}
}

// ASVS 7.2.4: whichever way somebody signs in, the session that the browser had
// is over when the new one starts: that one, not before, and no other.
func TestSigningInAgainEndsTheOlderSession(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		elsewhere := r.login("ada")
		bob := r.signUp("bob")

		first := r.sessionIn(s)
		r.post("login", map[string]string{"login": "ada", "password": "wrong password"}, s.refresh()).WantProblem(errs.Unauthenticated)
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200) // nobody signed in
		again := r.signedIn(r.post("login", login("ada"), s.refresh()), 200)
		r.wantOver(first, again, elsewhere, bob)
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).WantProblem(errs.Unauthenticated)
		r.revoked(s, 1)

		// The account is switched in one tab, and made anew in another.
		second := r.sessionIn(again)
		other := r.signedIn(r.post("login", login("bob"), again.refresh()), 200)
		r.wantOver(second, other, elsewhere, bob)
		third := r.sessionIn(other)
		fresh := r.signedIn(r.post("register", map[string]string{"username": "eve", "password": goodPassword}, other.refresh()), 201)
		r.wantOver(third, fresh, elsewhere, bob)

		// Two steps: the second one counts.
		key, _ := r.addPasskey(fresh, confirmed())
		step := nextStep{}
		res := r.post("login", login("eve"), fresh.refresh())
		res.WantProblem(errs.SecondFactorRequired)
		res.JSON(&step)
		r.call("GET", "/api/v1/auth/account", nil, bearer(fresh.AccessToken)).Want(200)
		fourth := r.sessionIn(fresh)
		key.count++
		options := r.options("login/second/passkey", map[string]string{"challenge": step.Challenge})
		two := r.signedIn(r.post("login/second", map[string]any{"challenge": step.Challenge, "passkey": key.get(options)}, fresh.refresh()), 200)
		r.wantOver(fourth, two, elsewhere, bob)

		fifth := r.sessionIn(two)
		key.count++
		answer := map[string]any{"credential": key.get(r.options("passkeys/login/begin", nil))}
		last := r.signedIn(r.post("passkeys/login/finish", answer, two.refresh()), 200)
		r.wantOver(fifth, last, elsewhere, bob)
		if n := r.liveSessions(); n != 3 {
			t.Errorf("%d live sessions", n)
		}
	})
}

// Nobody's session ends by a cookie that is not one, nor by a page of another
// site, nor without a cookie.
func TestOnlyTheSessionOfTheCookieEnds(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		made, _ := newSecret()
		for name, headers := range map[string][]header{
			"none":               nil,
			"made up":            {cookie(cookiePlain, made)},
			"no secret at all":   {cookie(cookiePlain, "x")},
			"the name of https":  {cookie(cookieSecure, s.cookie.Value)},
			"another site's act": {s.refresh(), {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}},
		} {
			r.signedIn(r.post("login", login("ada"), headers...), 200)
			if res := r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)); res.Status != 200 {
				t.Errorf("%s: the session ended", name)
			}
		}
	})
}

// A trip to a provider comes back without the strict cookie: what counts is the
// session that the browser had when it left.
func TestSigningInWithAProviderEndsTheOlderSession(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		s, elsewhere := r.signUp("ada"), r.login("ada")
		b := &browser{r: r}
		res := b.keep(r.call("GET", "/api/v1/auth/oidc/test/start", nil, s.refresh())).Want(http.StatusSeeOther)
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200)
		old := r.sessionIn(s)
		in := b.wantIn(b.get(atProvider(t, res.Header.Get("Location"), "grace")))
		r.wantOver(old, in, elsewhere)
		// Whoever left signed out ends nothing.
		other := &browser{r: r}
		other.wantIn(other.signIn("grace"))
		r.call("GET", "/api/v1/auth/account", nil, bearer(in.AccessToken)).Want(200)
	})
}

// A tab that renews the old session while the new one begins is told to look
// again, and must not delete the new cookie. Later the old token is worth
// nothing, and is no theft.
func TestATabOfAReplacedSessionLooksAgain(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		again := r.signedIn(r.post("login", login("ada"), s.refresh()), 200)
		res := r.post("refresh", nil, s.refresh())
		res.WantProblem(errs.RefreshRaced)
		if c := setCookie(t, res); c != nil {
			t.Errorf("sets %v", c)
		}
		r.clock.add(raceWindow * 2)
		r.post("refresh", nil, s.refresh()).WantProblem(errs.Unauthenticated)
		r.signedIn(r.post("refresh", nil, again.refresh()), 200)
		if slices.Contains(r.audited(), eventReuse) {
			t.Error("taken for a theft")
		}
	})
}

// ASVS 7.2.4, the other half: who shows once more who they are gets another
// refresh token, and the one from before is worth nothing.
func TestConfirmingChangesTheRefreshToken(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.clock.add(-2 * time.Minute) // no token is from the future later
		s, other := r.signUp("ada"), r.login("ada")
		enrol := func(confirmation map[string]any, headers ...header) *testkit.Response {
			return r.post("factors/totp", confirmation, append(headers, bearer(s.AccessToken))...)
		}
		if res := enrol(map[string]any{"current_password": "wrong password"}, s.refresh()); setCookie(t, res) != nil || res.Status != http.StatusForbidden {
			t.Errorf("without a confirmation: %d %v", res.Status, setCookie(t, res))
		}
		if c := setCookie(t, enrol(confirmed()).Want(200)); c != nil {
			t.Errorf("a program without cookies gets %v", c)
		}
		if c := setCookie(t, enrol(confirmed(), other.refresh()).Want(200)); c != nil {
			t.Errorf("with the cookie of another session: %v", c)
		}
		c := setCookie(t, enrol(confirmed(), s.refresh()).Want(200))
		if c == nil || c.Value == s.cookie.Value {
			t.Fatalf("no new token: %v", c)
		}
		r.clock.add(raceWindow * 2)
		next := r.signedIn(r.post("refresh", nil, cookie(c.Name, c.Value)), 200)
		if r.sessionIn(next) != r.sessionIn(s) {
			t.Error("another session")
		}
		r.post("refresh", nil, s.refresh()).WantProblem(errs.TokenReused) // a thief's
		r.signedIn(r.post("refresh", nil, other.refresh()), 200)
	})
}
