package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
)

const newPass = "another horse, another battery"

func required(c *config.Config) { c.ConfirmEmail = "required" }

// mails waits until n mails came into the inbox and returns them, oldest first.
func (r *rig) mails(n int) []receivedMail {
	r.t.Helper()
	var list []receivedMail
	testkit.Eventually(r.t, 10*time.Second, func() bool {
		r.svc.inbox.mu.Lock()
		defer r.svc.inbox.mu.Unlock()
		list = slices.Clone(r.svc.inbox.mails)
		return len(list) >= n
	})
	if len(list) != n {
		r.t.Fatalf("%d mails, want %d: %+v", len(list), n, list)
	}
	slices.Reverse(list)
	return list
}

// link is the token of the link in a mail.
func link(t *testing.T, m receivedMail, path string) string {
	t.Helper()
	_, rest, ok := strings.Cut(m.Text, "http://localhost:8080"+path+"#token=")
	if !ok {
		t.Fatalf("no link to %s in %q", path, m.Text)
	}
	token, err := url.QueryUnescape(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (r *rig) signUpWithEmail(username string) signedIn {
	r.t.Helper()
	return r.signedIn(r.post("register", map[string]string{
		"username": username, "email": username + "@example.org", "password": goodPassword,
	}), http.StatusCreated)
}

func TestForgotAndReset(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		other := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		known := r.post("forgot", map[string]string{"login": "ADA@example.org"}).Want(http.StatusAccepted)
		unknown := r.post("forgot", map[string]string{"login": "nobody@example.org"}).Want(http.StatusAccepted)
		if string(known.Body) != string(unknown.Body) {
			t.Errorf("%q and %q: the answers differ", known.Body, unknown.Body)
		}
		if n := r.rows("one_time_tokens"); n != 2 {
			t.Errorf("%d tokens: an unknown address must cost the same", n)
		}
		mail := r.mails(1)[0]
		if mail.To != "ada@example.org" || mail.Subject != "Choose a new password" || !strings.Contains(mail.HTML, "#token=") {
			t.Errorf("%+v", mail)
		}
		token := link(t, mail, "/reset")

		r.post("reset", map[string]string{"token": token, "password": "ada ada ada"}).WantProblem(errs.WeakPassword)
		r.post("reset", map[string]string{"token": token, "password": newPass}).Want(http.StatusNoContent)
		r.post("reset", map[string]string{"token": token, "password": newPass}).WantProblem(errs.TokenInvalid)
		for _, old := range []signedIn{s, other} {
			r.post("refresh", nil, old.refresh()).WantProblem(errs.Unauthenticated)
			if _, err := r.svc.verifier.Verify(t.Context(), old.AccessToken); !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("a token from before still works: %v", err)
			}
		}
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).WantProblem(errs.Unauthenticated)
		now := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": newPass}), 200)
		if mail := r.mails(2)[1]; mail.Subject != "Your password was changed" {
			t.Errorf("%+v", mail)
		}
		var account AccountBody
		r.call(http.MethodGet, "/api/v1/auth/account", nil, bearer(now.AccessToken)).Want(200).JSON(&account)
		if !account.EmailConfirmed || account.Email != "ada@example.org" {
			t.Errorf("%+v: the link proved the address", account)
		}
		if got := r.audited(); !slices.Contains(got, eventReset) || !slices.Contains(got, "mail-reset-password") {
			t.Errorf("audit %v", got)
		}
	})
}

// A link is used once, also by fifty at the same moment.
func TestResetIsUsedOnce(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUpWithEmail("ada")
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		token := link(t, r.mails(1)[0], "/reset")
		answers := make([]*testkit.Response, 50)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = r.post("reset", map[string]string{"token": token, "password": newPass}) })
		}
		wg.Wait()
		won := 0
		for _, res := range answers {
			if res.Status == http.StatusNoContent {
				won++
				continue
			}
			res.WantProblem(errs.TokenInvalid)
		}
		if won != 1 {
			t.Errorf("%d of 50 used one link", won)
		}
		r.mails(2)
	})
}

func TestLinksThatDoNotWork(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUpWithEmail("ada")
		reset := func(token string) *testkit.Response {
			return r.post("reset", map[string]string{"token": token, "password": newPass})
		}
		hashes := r.svc.hasher.computed.Load()
		made, _ := newSecret()
		for _, token := range []string{"x", made, strings.Repeat("A", 43), strings.Repeat("A", 128)} {
			reset(token).WantProblem(errs.TokenInvalid)
		}
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		mails := r.mails(2)
		first, second := link(t, mails[0], "/reset"), link(t, mails[1], "/reset")
		r.post("email/confirm", map[string]string{"token": first}).WantProblem(errs.TokenInvalid) // for something else
		r.clock.add(16 * time.Minute)
		reset(first).WantProblem(errs.TokenInvalid)
		if r.svc.hasher.computed.Load() != hashes {
			t.Error("a link that does not work cost a hash")
		}
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		third := link(t, r.mails(3)[2], "/reset")
		reset(third).Want(http.StatusNoContent)
		for _, old := range []string{first, second, third} {
			reset(old).WantProblem(errs.TokenInvalid)
		}
		r.post("login", map[string]string{"login": "ada", "password": newPass}).Want(200)
	})
}

// Nobody's mailbox is filled, and one network asks so often only.
func TestMailsAreLimited(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUpWithEmail("ada")
		for range asksPerMinute {
			r.post("forgot", map[string]string{"login": "ada@example.org"}).Want(http.StatusAccepted)
		}
		r.post("forgot", map[string]string{"login": "ben@example.org"}).WantProblem(errs.RateLimited)
		r.mails(mailsPerHour)
	})
}

func TestChangePassword(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		other := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		change := func(current, next string) *testkit.Response {
			return r.post("password", map[string]string{"current_password": current, "password": next}, bearer(s.AccessToken))
		}
		r.post("password", map[string]string{"current_password": goodPassword, "password": newPass}).WantProblem(errs.Unauthenticated)
		change("not the one", newPass).WantProblem(errs.WrongPassword)
		change(goodPassword, "12345678").WantProblem(errs.WeakPassword)
		change(goodPassword, newPass).Want(http.StatusNoContent)
		r.post("refresh", nil, other.refresh()).WantProblem(errs.Unauthenticated)
		s = r.signedIn(r.post("refresh", nil, s.refresh()), 200)
		r.post("login", map[string]string{"login": "ada", "password": newPass}).Want(200)
		if m := r.mails(1)[0]; m.Subject != "Your password was changed" {
			t.Errorf("%+v", m)
		}
		// Guessing the current password is limited like signing in.
		var last *testkit.Response
		for range pairFree + 1 {
			last = change("not the one", newPass)
		}
		last.WantProblem(errs.RateLimited)
	})
}

func TestChangeEmail(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		r.signUpWithEmail("ben")
		change := func(email string) *testkit.Response {
			return r.post("email", map[string]string{"email": email, "current_password": goodPassword}, bearer(s.AccessToken))
		}
		account := func() (a AccountBody) {
			r.call(http.MethodGet, "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200).JSON(&a)
			return a
		}
		r.post("email", map[string]string{"email": "x@example.org", "current_password": "wrong"}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		change("no address").WantProblem(errs.InvalidBody)
		change("ben@example.org").Want(http.StatusAccepted) // his: no mail, same answer
		change("Countess@Example.org").Want(http.StatusAccepted)
		mail := r.mails(1)[0]
		if mail.To != "Countess@example.org" || account().Email != "ada@example.org" || account().EmailConfirmed {
			t.Errorf("%+v, %+v", mail, account())
		}
		r.post("email/confirm", map[string]string{"token": link(t, mail, "/confirm")}).Want(http.StatusNoContent)
		if a := account(); a.Email != "Countess@example.org" || !a.EmailConfirmed {
			t.Errorf("%+v", a)
		}
		if mail := r.mails(2)[1]; mail.To != "ada@example.org" || mail.Subject != "Your e-mail address was changed" {
			t.Errorf("%+v", mail)
		}
		r.post("login", map[string]string{"login": "countess@example.org", "password": goodPassword}).Want(200)
		r.post("login", map[string]string{"login": "ada@example.org", "password": goodPassword}).WantProblem(errs.Unauthenticated)
	})
}

// Two people confirm the same address: the first one has it.
func TestAnAddressIsConfirmedForOne(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada, ben := r.signUp("ada"), r.signUp("ben")
		for _, s := range []signedIn{ada, ben} {
			r.post("email", map[string]string{"email": "us@example.org", "current_password": goodPassword}, bearer(s.AccessToken)).Want(http.StatusAccepted)
		}
		mails := r.mails(2)
		r.post("email/confirm", map[string]string{"token": link(t, mails[1], "/confirm")}).Want(http.StatusNoContent)
		r.post("email/confirm", map[string]string{"token": link(t, mails[0], "/confirm")}).WantProblem(errs.IdentifierTaken)
	})
}

func TestConfirmationRequired(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		form := map[string]string{"username": "ada", "email": "ada@example.org", "password": goodPassword}
		r.post("register", map[string]string{"username": "ada", "password": goodPassword}).WantProblem(errs.InvalidBody)
		first := r.post("register", form)
		first.WantProblem(errs.EmailUnconfirmed)
		mail := r.mails(1)[0]

		// The same address again: the same answer, and its owner hears of it.
		again := r.post("register", map[string]string{"username": "eve", "email": "ada@example.org", "password": goodPassword})
		again.WantProblem(errs.EmailUnconfirmed)
		if first.Problem().Detail != again.Problem().Detail || r.rows("accounts") != 1 {
			t.Errorf("%s, %s", first.Body, again.Body)
		}
		if m := r.mails(2)[1]; m.Subject != "You already have an account" || m.To != "ada@example.org" {
			t.Errorf("%+v", m)
		}
		for _, m := range r.events.All() {
			if strings.Contains(m.Subject, "registered") {
				t.Error("others were told of an account that is not confirmed")
			}
		}
		r.post("login", map[string]string{"login": "ada", "password": "wrong password"}).WantProblem(errs.Unauthenticated)
		r.post("login", map[string]string{"login": "ada", "password": goodPassword}).WantProblem(errs.EmailUnconfirmed)
		r.mails(3) // the link once more

		r.post("email/confirm", map[string]string{"token": link(t, mail, "/confirm")}).Want(http.StatusNoContent)
		s := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		testkit.Eventually(t, 5*time.Second, func() bool {
			return slices.ContainsFunc(r.events.All(), func(m bus.Message) bool { return m.Subject == "chat.auth.v1.registered."+s.User.ID.String() })
		})
	}, required)
}

// A key that was used twice ends the session and is told to its owner.
func TestReuseIsTold(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUpWithEmail("ada")
		r.post("refresh", nil, s.refresh()).Want(200)
		r.clock.add(raceWindow + time.Second)
		r.post("refresh", nil, s.refresh()).WantProblem(errs.TokenReused)
		if m := r.mails(1)[0]; m.Subject != "One of your devices was signed out" {
			t.Errorf("%+v", m)
		}
	})
}
