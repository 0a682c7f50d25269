package auth

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// S23: the right password of an account with an app starts no session; one
// code of the app, used once, does.
func TestSecondStep(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		if len(codes) != recoveryCodes {
			t.Errorf("%d recovery codes", len(codes))
		}
		first := r.half("ada")
		if want := []string{methodTOTP, methodRecovery}; !slices.Equal(first.Methods, want) {
			t.Errorf("methods %v, want %v", first.Methods, want)
		}
		if n := r.rows("sessions"); n != 1 {
			t.Fatalf("%d sessions before the second step", n)
		}
		// The challenge is a key to nothing else.
		r.post("refresh", nil, cookie(cookiePlain, first.Challenge)).WantProblem(errs.Unauthenticated)
		r.call("GET", "/api/v1/auth/account", nil, bearer(first.Challenge)).WantProblem(errs.Unauthenticated)

		r.second(first.Challenge, "code", a.at(0)).WantProblem(errs.Unauthenticated) // that one turned the app on
		r.second(first.Challenge, "code", a.wrong()).WantProblem(errs.Unauthenticated)
		code := a.next()
		r.signedIn(r.second(first.Challenge, "code", code), 200)
		r.second(first.Challenge, "code", code).WantProblem(errs.ChallengeExpired)
		r.second(r.half("ada").Challenge, "code", code).WantProblem(errs.Unauthenticated)

		var acc AccountBody
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200).JSON(&acc)
		if !slices.Equal(acc.SecondFactor, []string{methodTOTP, methodRecovery}) {
			t.Errorf("%+v", acc)
		}
		for _, secret := range append([]string{a.secret, first.Challenge, code}, codes...) {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
		for _, event := range []string{eventTOTPAdded, eventFactorAsked, eventFactorFailed, eventLogin} {
			if !slices.Contains(r.audited(), event) {
				t.Errorf("no %s in %v", event, r.audited())
			}
		}
	})
}

// A code is good one step around its time, a challenge five minutes.
func TestSecondStepInTime(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		a, _ := r.enrol(r.signUp("ada"), confirmed())
		for _, c := range []struct {
			steps int
			ok    bool
		}{{-2, false}, {2, false}, {-1, true}, {1, true}} {
			r.clock.add(5 * stepSeconds * time.Second)
			res := r.second(r.half("ada").Challenge, "code", a.at(c.steps))
			if c.ok {
				res.Want(200)
			} else {
				res.WantProblem(errs.Unauthenticated)
			}
		}
		late := r.half("ada").Challenge
		r.clock.add(challengeLife)
		r.second(late, "code", a.at(0)).WantProblem(errs.ChallengeExpired)
		r.second("made up", "code", a.at(0)).WantProblem(errs.ChallengeExpired)
		r.second(r.half("ada").Challenge, "code", a.at(0)).Want(200)
	})
}

// Guesses: five for a challenge, ten for an account whatever the replica, and
// the owner still gets in with what cannot be guessed.
func TestGuessedCodes(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		r := newRig(t, d, b)
		twin := newRig(t, d, b)
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		key, _ := r.addPasskey(s, with(confirmed(), "code", a.next()))
		twin.clock.skew.Store(r.clock.skew.Load())
		a.next()
		for _, replica := range []*rig{r, twin} {
			c := replica.half("ada").Challenge
			for range challengeTries {
				replica.second(c, "code", a.wrong()).WantProblem(errs.Unauthenticated)
			}
			replica.second(c, "code", a.at(0)).WantProblem(errs.ChallengeExpired)
			replica.post("login/second/passkey", map[string]string{"challenge": c}).WantProblem(errs.ChallengeExpired)
		}
		c := r.half("ada").Challenge
		if res := r.second(c, "code", a.at(0)); res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		} else {
			res.WantProblem(errs.RateLimited)
		}
		r.second(c, "recovery_code", codes[0]).Want(200)
		c = twin.half("ada").Challenge
		twin.second(c, "passkey", key.get(twin.options("login/second/passkey", map[string]string{"challenge": c}))).Want(200)
		key.count++
		r.post("passkeys/login/finish", map[string]any{"credential": key.get(r.options("passkeys/login/begin", nil))}).Want(200)
		// In a session too, guesses count.
		r.post("factors/totp/remove", with(confirmed(), "code", a.at(0)), bearer(s.AccessToken)).WantProblem(errs.RateLimited)
		r.clock.add(codeWindow)
		r.second(r.half("ada").Challenge, "code", a.at(0)).Want(200)
		if !slices.Contains(r.audited(), eventFactorLimited) {
			t.Error("the limit is not in the audit log")
		}
	})
}

// race runs n requests at once and counts the answers by status.
func race(n int, do func(i int) *testkit.Response) map[int]int {
	status := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { status[i] = do(i).Status })
	}
	wg.Wait()
	count := map[int]int{}
	for _, s := range status {
		count[s]++
	}
	return count
}

// Of fifty uses of one code, one recovery code or one challenge at the same
// time, one starts a session.
func TestFactorsAreUsedOnce(t *testing.T) {
	const runners = 50
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		a.next()
		challenges := func() (list []string) {
			for range runners {
				list = append(list, r.half("ada").Challenge)
			}
			return list
		}
		// The limit on guesses is another test's matter.
		many := challenges()
		got := race(runners, func(i int) *testkit.Response {
			_ = r.db.W.Exec("DELETE FROM login_attempts WHERE kind = ?", kindCode)
			return r.second(many[i], "code", a.at(0))
		})
		if got[200] != 1 {
			t.Errorf("one code, %d challenges: %v", runners, got)
		}
		many = challenges()
		got = race(runners, func(i int) *testkit.Response { return r.second(many[i], "recovery_code", codes[3]) })
		if got[200] != 1 || got[http.StatusUnauthorized] != runners-1 {
			t.Errorf("one recovery code, %d challenges: %v", runners, got)
		}
		one := r.half("ada").Challenge
		got = race(runners, func(i int) *testkit.Response { return r.second(one, "recovery_code", codes[4+i%6]) })
		if got[200] != 1 {
			t.Errorf("one challenge: %v", got)
		}
		if n := r.rows("sessions"); n != 4 {
			t.Errorf("%d sessions, want 4", n)
		}
	})
}

// S13: turning a second step on ends the other sessions everywhere at once.
func TestFactorsEndOtherSessions(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		other := r.signedIn(r.post("login", login("ada")), 200)
		r.nextStep()
		var made struct{ Secret string }
		r.post("factors/totp", confirmed(), bearer(s.AccessToken)).Want(200).JSON(&made)
		a := app{r: r, secret: made.Secret}
		r.post("factors/totp/activate", map[string]string{"code": a.wrong()}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		r.call("GET", "/api/v1/auth/account", nil, bearer(other.AccessToken)).Want(200) // nothing happened yet
		if r.post("login", login("ada")).Status != 200 {
			t.Error("an app that was not turned on is asked for")
		}
		r.post("factors/totp/activate", map[string]string{"code": a.at(0)}, bearer(s.AccessToken)).Want(200)
		r.events.Expect(t, s.revokedSubject(), s.revokedSubject())
		r.call("GET", "/api/v1/auth/account", nil, bearer(other.AccessToken)).WantProblem(errs.Unauthenticated)
		r.post("refresh", nil, other.refresh()).WantProblem(errs.Unauthenticated)
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200)

		third := r.signedIn(r.second(r.half("ada").Challenge, "code", a.next()), 200)
		r.post("factors/totp/remove", with(confirmed(), "code", a.next()), bearer(third.AccessToken)).Want(http.StatusNoContent)
		r.events.Expect(t, s.revokedSubject())
		r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).WantProblem(errs.Unauthenticated)
		if f := r.factors(third); f.Enabled || f.RecoveryCodesLeft != 0 || r.rows("recovery_codes") != 0 {
			t.Errorf("%+v", f)
		}
		r.post("login", login("ada")).Want(200)
	})
}

// No session that was started under the old rules outlives the change.
func TestSignInWhileTheSecondStepIsTurnedOn(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.nextStep()
		var made struct{ Secret string }
		r.post("factors/totp", confirmed(), bearer(s.AccessToken)).Want(200).JSON(&made)
		a := app{r: r, secret: made.Secret}
		acc, _, err := r.svc.store.account(t.Context(), s.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		const logins = 20
		var wg sync.WaitGroup
		for range logins {
			wg.Go(func() {
				_, err := r.svc.admit(t.Context(), acc, Client{IP: "192.0.2.1"}, freeAttempt("ada", "192.0.2.1"))
				if err != nil && !errs.Is(err, errs.SecondFactorRequired) {
					t.Error(err)
				}
			})
		}
		who := authn.Identity{UserID: s.User.ID, SessionID: r.sessionOf(s)}
		if _, err := r.svc.ActivateTOTP(t.Context(), who, a.at(0), Client{}); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := r.liveSessions(); n != 1 {
			t.Errorf("%d live sessions, want the one that turned it on", n)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		a, codes := r.enrol(s, confirmed())
		typed := strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))
		r.second(r.half("ada").Challenge, "recovery_code", typed).Want(200)
		r.second(r.half("ada").Challenge, "recovery_code", codes[0]).WantProblem(errs.Unauthenticated)
		if f := r.factors(s); f.RecoveryCodesLeft != recoveryCodes-1 {
			t.Errorf("%+v", f)
		}
		// Somebody else's codes are nothing here.
		bob := r.signUpWithEmail("bob")
		_, others := r.enrol(bob, confirmed())
		r.second(r.half("ada").Challenge, "recovery_code", others[0]).WantProblem(errs.Unauthenticated)

		other := r.signedIn(r.second(r.half("ada").Challenge, "recovery_code", codes[1]), 200)
		r.post("factors/recovery-codes", confirmed(), bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		var fresh CodesBody
		r.post("factors/recovery-codes", with(confirmed(), "recovery_code", codes[2]), bearer(s.AccessToken)).Want(200).JSON(&fresh)
		if len(fresh.RecoveryCodes) != recoveryCodes {
			t.Errorf("%v", fresh)
		}
		r.call("GET", "/api/v1/auth/account", nil, bearer(other.AccessToken)).Want(200) // as safe as before: nothing ends
		r.second(r.half("ada").Challenge, "recovery_code", codes[3]).WantProblem(errs.Unauthenticated)
		r.second(r.half("ada").Challenge, "recovery_code", fresh.RecoveryCodes[3]).Want(200)
		var n int64
		if err := r.db.R.Table("audit_log").Where("event = ?", eventCodeUsed).Count(&n).Error; err != nil || n != 4 {
			t.Errorf("%d uses in the audit log, %v", n, err)
		}
		var subjects []string
		for _, m := range r.mails(7) {
			if m.To == "ada@example.org" {
				subjects = append(subjects, m.Subject)
			}
		}
		slices.Sort(subjects)
		used := wordings[mailRecoveryUsed].Subject
		want := []string{wordings[mailFactorAdded].Subject, wordings[mailRecoveryRenewed].Subject, used, used, used, used}
		if slices.Sort(want); !slices.Equal(subjects, want) {
			t.Errorf("mails %q, want %q", subjects, want)
		}
		r.post("factors/totp/remove", with(confirmed(), "code", a.next()), bearer(s.AccessToken)).Want(http.StatusNoContent)
		r.post("factors/recovery-codes", confirmed(), bearer(s.AccessToken)).WantProblem(errs.Conflict)
	})
}

// A plain hash is enough for 112 bits and more (ASVS 6.5.2). What people wrote
// down when codes were shorter still lets them in.
func TestRecoveryCodesCannotBeGuessedFromTheirHashes(t *testing.T) {
	const bitsPerLetter, alphabet = 5, "abcdefghijklmnopqrstuvwxyz234567"
	codes, hashes := newRecoveryCodes(id.New())
	again, _ := newRecoveryCodes(id.New())
	seen := map[string]bool{}
	for _, code := range append(codes, again...) {
		letters := strings.ReplaceAll(code, "-", "")
		if len(letters)*bitsPerLetter < 112 || strings.Trim(letters, alphabet) != "" || seen[letters] {
			t.Errorf("%q", code)
		}
		seen[letters] = true
	}
	if len(codes) != recoveryCodes || len(hashes) != recoveryCodes {
		t.Errorf("%d codes, %d hashes", len(codes), len(hashes))
	}
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.enrol(s, confirmed())
		const short = "abcd-efgh-ijkl-mnop"
		hash := recoveryHash(s.User.ID, short)
		row := recoveryRow{CodeHash: hash[:], AccountID: s.User.ID, CreatedAt: r.clock.now()}
		if err := r.db.W.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		r.second(r.half("ada").Challenge, "recovery_code", "ABCD EFGH 1JKL MN0P").WantProblem(errs.Unauthenticated) // 1 is an l here
		r.second(r.half("ada").Challenge, "recovery_code", "ABCD EFGH IJKL MN0P").Want(200)
		r.second(r.half("ada").Challenge, "recovery_code", short).WantProblem(errs.Unauthenticated)
	})
}

// What matters takes the password and a second factor, or a passkey.
func TestConfirmation(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.post("factors/totp", map[string]any{}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		r.post("factors/totp", map[string]any{"current_password": "wrong password"}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		a, codes := r.enrol(s, confirmed())
		r.post("factors/totp", with(confirmed(), "code", a.next()), bearer(s.AccessToken)).WantProblem(errs.Conflict)
		for path, extra := range map[string]map[string]any{
			"factors/totp": {}, "factors/totp/remove": {}, "factors/recovery-codes": {}, "passkeys/register/begin": {},
			"password": {"password": newPass}, "email": {"email": "ada@example.net"},
		} {
			body := func(more map[string]any) map[string]any {
				for k, v := range extra {
					more[k] = v
				}
				return more
			}
			r.post(path, body(confirmed()), bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
			r.post(path, body(with(confirmed(), "recovery_code", "made up")), bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
			r.post(path, body(map[string]any{"recovery_code": codes[0]}), bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		}
		if f := r.factors(s); !f.Enabled || f.RecoveryCodesLeft != recoveryCodes || len(f.Passkeys) != 0 {
			t.Errorf("%+v", f)
		}
		key, more := r.addPasskey(s, with(confirmed(), "recovery_code", codes[0]))
		if len(more) != 0 {
			t.Errorf("%d new recovery codes with the second factor", len(more))
		}
		confirm := func() map[string]any {
			key.count++
			return map[string]any{"passkey": key.get(r.options("passkeys/confirm", nil, bearer(s.AccessToken)))}
		}
		r.post("password", with(confirm(), "password", newPass), bearer(s.AccessToken)).Want(http.StatusNoContent)
		r.post("factors/totp/remove", confirm(), bearer(s.AccessToken)).Want(http.StatusNoContent)
		used := confirm()
		r.post("factors/recovery-codes", used, bearer(s.AccessToken)).Want(200)
		r.post("factors/recovery-codes", used, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
	})
}

// A new password does not get around the second step, and ends sign-ins that
// were begun with the old one.
func TestResetKeepsTheSecondStep(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		a, _ := r.enrol(s, confirmed())
		begun := r.half("ada").Challenge
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		token := ""
		for _, m := range r.mails(2) {
			if m.Subject == wordings[mailReset].Subject {
				token = link(t, m, "/reset")
			}
		}
		res := r.post("reset", map[string]string{"token": token, "password": newPass}).Want(http.StatusNoContent)
		if setCookie(t, res) != nil || r.liveSessions() != 0 {
			t.Error("a reset started a session")
		}
		r.second(begun, "code", a.next()).WantProblem(errs.ChallengeExpired)
		res = r.post("login", map[string]string{"login": "ada", "password": newPass})
		res.WantProblem(errs.SecondFactorRequired)
	})
}

// An administrator helps somebody who lost app, passkeys and codes.
func TestResetFactors(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, s := r.admin("boss"), r.signUpWithEmail("ada")
		a, _ := r.enrol(s, confirmed())
		r.addPasskey(s, with(confirmed(), "code", a.next()))
		begun, live := r.half("ada").Challenge, r.liveSessions()
		path := "people/" + s.User.ID.String() + "/reset-factors"
		r.as(boss, "POST", path, nil).Want(http.StatusNoContent)
		if n := r.rows("totp_factors") + r.rows("passkeys") + r.rows("recovery_codes"); n != 0 || r.liveSessions() != live-1 {
			t.Errorf("%d rows and %d sessions are left", n, r.liveSessions())
		}
		r.second(begun, "code", a.next()).WantProblem(errs.ChallengeExpired)
		r.post("login", login("ada")).Want(200)
		r.as(boss, "POST", path, nil).Want(http.StatusNoContent) // and nothing happens
		if r.liveSessions() != live {
			t.Error("sessions ended though there was nothing to reset")
		}
	})
}

func TestChallengesAreCleanedUp(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.addPasskey(s, confirmed())
		r.half("ada")
		r.options("passkeys/login/begin", nil)
		r.clock.add(challengeLife + 2*time.Hour)
		if err := r.svc.clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, m := r.rows("login_challenges"), r.rows("passkey_challenges"); n+m != 0 || r.rows("passkeys") != 1 {
			t.Errorf("%d and %d challenges are left", n, m)
		}
	})
}
