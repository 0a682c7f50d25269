package auth

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// sessionOf is the session's id: the one row of an account that has one.
func (r *rig) sessionOf(s signedIn) id.ID {
	r.t.Helper()
	var rows []sessionRow
	if err := r.db.R.Where("account_id = ? AND revoked_at IS NULL", s.User.ID).Find(&rows).Error; err != nil || len(rows) == 0 {
		r.t.Fatalf("%d sessions, %v", len(rows), err)
	}
	return rows[0].ID
}

func (r *rig) finish(credential any) *testkit.Response {
	r.t.Helper()
	return r.post("passkeys/login/finish", map[string]any{"credential": credential})
}

// S24: a passkey is both factors; a password beside it is one.
func TestPasskeySignIn(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		key, codes := r.addPasskey(s, confirmed())
		if len(codes) != recoveryCodes {
			t.Errorf("%d recovery codes with the first factor", len(codes))
		}
		key.count = 1
		got := r.signedIn(r.finish(key.get(r.options("passkeys/login/begin", nil))), 200)
		if got.User.ID != s.User.ID {
			t.Errorf("signed in as %+v", got.User)
		}
		step := r.half("ada")
		if want := []string{methodPasskey, methodRecovery}; !slices.Equal(step.Methods, want) {
			t.Errorf("methods %v, want %v", step.Methods, want)
		}
		key.count++
		options := r.options("login/second/passkey", map[string]string{"challenge": step.Challenge})
		r.signedIn(r.second(step.Challenge, "passkey", key.get(options)), 200)

		item := r.factors(s).Passkeys[0]
		if item.LastUsedAt == nil || item.Name != "Unknown device" {
			t.Errorf("%+v", item)
		}
	})
}

// S24: what is not exactly the owner's answer to this challenge here is 401.
func TestPasskeysThatAreRefused(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		key, _ := r.addPasskey(s, confirmed())
		bob := r.signUp("bob")
		stranger, _ := r.addPasskey(bob, confirmed())
		sessions := r.rows("sessions")
		begin := func() json.RawMessage { return r.options("passkeys/login/begin", nil) }
		for name, change := range map[string]func(*softKey){
			"another origin":        func(k *softKey) { k.origin = "https://chat.example.com" },
			"another port":          func(k *softKey) { k.origin = "http://localhost:9090" },
			"another site":          func(k *softKey) { k.site = "example.com" },
			"nobody verified":       func(k *softKey) { k.flags = flagPresent },
			"nobody there":          func(k *softKey) { k.flags = flagVerified },
			"another key":           func(k *softKey) { k.key = newSoftKey(t).key },
			"an unknown credential": func(k *softKey) { k.id = []byte("unknown") },
			"another's handle":      func(k *softKey) { k.user = stranger.user },
			"another's credential":  func(k *softKey) { k.id = stranger.id },
			"no handle":             func(k *softKey) { k.user = nil },
		} {
			forged := *key
			forged.count = 1000
			change(&forged)
			if res := r.finish(forged.get(begin())); res.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, res.Status, res.Body)
			}
		}
		made := json.RawMessage(`{"challenge":"bWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cA"}`)
		r.finish(key.get(made)).WantProblem(errs.Unauthenticated)
		late := key.get(begin())
		r.clock.add(passkeyLife)
		r.finish(late).WantProblem(errs.Unauthenticated)
		// Answers to a challenge that was made for something else.
		r.finish(key.get(r.options("passkeys/confirm", nil, bearer(s.AccessToken)))).WantProblem(errs.Unauthenticated)
		step := r.half("ada").Challenge
		options := r.options("login/second/passkey", map[string]string{"challenge": step})
		r.finish(key.get(options)).WantProblem(errs.Unauthenticated)
		r.second(step, "passkey", key.get(begin())).WantProblem(errs.Unauthenticated)
		r.second(step, "passkey", stranger.get(options)).WantProblem(errs.Unauthenticated)
		theirs := r.options("login/second/passkey", map[string]string{"challenge": r.half("bob").Challenge})
		r.second(step, "passkey", stranger.get(theirs)).WantProblem(errs.Unauthenticated)
		if n := r.rows("sessions"); n != sessions {
			t.Fatalf("%d sessions were started", n-sessions)
		}
		used := key.get(begin())
		r.finish(used).Want(200)
		r.finish(used).WantProblem(errs.Unauthenticated)
	})
}

// S24: a sign count that does not grow says that the key was copied.
func TestCopiedPasskey(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		key, _ := r.addPasskey(r.signUp("ada"), confirmed())
		for _, c := range []struct {
			count uint32
			ok    bool
		}{{7, true}, {7, false}, {6, false}, {0, false}, {8, true}} {
			key.count = c.count
			res := r.finish(key.get(r.options("passkeys/login/begin", nil)))
			if (res.Status == 200) != c.ok {
				t.Errorf("count %d: %d %s", c.count, res.Status, res.Body)
			}
		}
		copied := slices.DeleteFunc(r.audited(), func(e string) bool { return e != eventPasskeyCloned })
		if len(copied) != 3 {
			t.Errorf("%d rows in the audit log", len(copied))
		}
		// Of copies that answer at the same time one gets in.
		key.count = 20
		const runners = 20
		answers := make([]any, runners)
		for i := range answers {
			answers[i] = key.get(r.options("passkeys/login/begin", nil))
		}
		got := race(runners, func(i int) *testkit.Response { return r.finish(answers[i]) })
		if got[200] != 1 || got[http.StatusUnauthorized] != runners-1 {
			t.Errorf("%v", got)
		}
	})
}

func TestPasskeyRegistration(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		bob := r.signUp("bob")
		finish := func(s signedIn, name string, credential any) *testkit.Response {
			return r.post("passkeys/register/finish", map[string]any{"name": name, "credential": credential}, bearer(s.AccessToken))
		}
		for name, change := range map[string]func(*softKey){
			"another origin":  func(k *softKey) { k.origin = "https://chat.example.com" },
			"another site":    func(k *softKey) { k.site = "example.com" },
			"nobody verified": func(k *softKey) { k.flags = flagPresent },
		} {
			forged := newSoftKey(t)
			change(forged)
			res := finish(s, "", forged.create(r.options("passkeys/register/begin", confirmed(), bearer(s.AccessToken))))
			if res.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, res.Status, res.Body)
			}
		}
		key := newSoftKey(t)
		finish(s, "x", key.create(json.RawMessage(`{"challenge":"bWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cA"}`))).WantProblem(errs.InvalidBody)
		options := r.options("passkeys/register/begin", confirmed(), bearer(s.AccessToken))
		finish(bob, "x", key.create(options)).WantProblem(errs.InvalidBody)
		other := r.signedIn(r.post("login", login("ada")), 200)
		finish(s, "  My phone ", key.create(options)).Want(200)
		finish(s, "again", key.create(options)).WantProblem(errs.InvalidBody)
		r.call("GET", "/api/v1/auth/account", nil, bearer(other.AccessToken)).WantProblem(errs.Unauthenticated)
		r.events.Expect(t, s.revokedSubject())
		item := r.factors(s).Passkeys[0]
		if item.Name != "My phone" || item.LastUsedAt != nil {
			t.Errorf("%+v", item)
		}
		// The same key for somebody else would make two owners of one device.
		same := *key
		finish(bob, "", same.create(r.options("passkeys/register/begin", confirmed(), bearer(bob.AccessToken)))).WantProblem(errs.IdentifierTaken)

		path := "/api/v1/auth/passkeys/" + item.ID.String()
		r.call("PATCH", path, map[string]string{"name": "Work laptop"}, bearer(bob.AccessToken)).WantProblem(errs.NotFound)
		r.call("PATCH", path, map[string]string{"name": " "}, bearer(s.AccessToken)).WantProblem(errs.InvalidBody)
		r.call("PATCH", path, map[string]string{"name": "Work laptop"}, bearer(s.AccessToken)).Want(http.StatusNoContent)
		r.call("PATCH", path, map[string]string{"name": "Work laptop"}, bearer(s.AccessToken)).Want(http.StatusNoContent)
		if name := r.factors(s).Passkeys[0].Name; name != "Work laptop" {
			t.Errorf("%q", name)
		}
		remove := "passkeys/" + item.ID.String() + "/remove"
		r.post(remove, confirmed(), bearer(bob.AccessToken)).WantProblem(errs.NotFound)
		r.post(remove, confirmed(), bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		key.count++
		confirm := key.get(r.options("passkeys/confirm", nil, bearer(s.AccessToken)))
		r.post(remove, map[string]any{"passkey": confirm}, bearer(s.AccessToken)).Want(http.StatusNoContent)
		r.post("passkeys/confirm", nil, bearer(s.AccessToken)).WantProblem(errs.NotFound)
		key.count++
		r.finish(key.get(r.options("passkeys/login/begin", nil))).WantProblem(errs.Unauthenticated)
		r.post("login", login("ada")).Want(200)
	})
}

// Strangers fill no table with challenges.
func TestPasskeyChallengesAreLimited(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.clock.add(-2 * time.Minute) // tokens of the future are not accepted
		for range 2 * signUpFactor {
			r.options("passkeys/login/begin", nil)
		}
		r.post("passkeys/login/begin", nil).WantProblem(errs.RateLimited)
		if n := r.rows("passkey_challenges"); n != 2*signUpFactor {
			t.Errorf("%d challenges", n)
		}
		s := r.signUp("ada") // before the clock moves: a token is not of the future
		r.clock.add(time.Minute)
		r.options("passkeys/login/begin", nil)
		// Nor do people who know a password, or are signed in.
		r.addPasskey(s, confirmed())
		for range 2*signUpFactor - 2 {
			r.options("passkeys/confirm", nil, bearer(s.AccessToken))
		}
		r.post("passkeys/confirm", nil, bearer(s.AccessToken)).WantProblem(errs.RateLimited)
	}, perIP(2))
}

// Browsers know no passkeys for a bare address: that is said, not tried.
func TestNoPasskeysAtAnAddress(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		r.post("passkeys/login/begin", nil).WantProblem(errs.NotFound)
		r.post("passkeys/register/begin", confirmed(), bearer(s.AccessToken)).WantProblem(errs.NotFound)
		if r.factors(s).PasskeysPossible {
			t.Error("they are said to work")
		}
	}, func(c *config.Config) { c.PublicURL = "http://192.0.2.7:8080" })
}
