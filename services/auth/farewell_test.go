package auth

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// farewell deletes an account by the route and expects success.
func (r *rig) farewell(s signedIn, confirmation map[string]any) *testkit.Response {
	r.t.Helper()
	return r.post("account/delete", confirmation, bearer(s.AccessToken))
}

// keysHeard waits until the verifier can ask for the keys over the bus.
func (r *rig) keysHeard(s signedIn) signedIn {
	r.t.Helper()
	testkit.Eventually(r.t, 10*time.Second, func() bool {
		return r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Status == http.StatusOK
	})
	return s
}

// told waits for the deleted event of an account.
func (r *rig) told(s signedIn) events.Deleted {
	r.t.Helper()
	var d events.Deleted
	testkit.Eventually(r.t, 10*time.Second, func() bool {
		for _, m := range r.events.All() {
			if m.Subject == "chat.auth.v1.deleted."+s.User.ID.String() {
				return json.Unmarshal(m.Data, &d) == nil
			}
		}
		return false
	})
	return d
}

// leftOf counts the rows that still name an account, by table.
func (r *rig) leftOf(account id.ID) map[string]int64 {
	r.t.Helper()
	left := map[string]int64{}
	for _, table := range []string{
		"credentials", "totp_factors", "recovery_codes", "passkeys", "login_challenges", "passkey_challenges",
		"one_time_tokens", "confirmed_emails", "suspensions", "sessions", "audit_log", "deleted_accounts",
	} {
		var n int64
		if err := r.db.R.Table(table).Where("account_id = ?", account).Count(&n).Error; err != nil {
			r.t.Fatal(err)
		}
		if n > 0 {
			left[table] = n
		}
	}
	return left
}

// Everything an account can have goes in one moment, and it is over everywhere.
func TestDeleteAccount(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.keysHeard(r.signUpWithEmail("ada"))
		r.post("email/confirm", map[string]string{"token": r.confirmation(s)}).Want(http.StatusNoContent)
		a, codes := r.enrol(s, confirmed())
		r.addPasskey(s, with(confirmed(), "code", a.next()))
		other := r.signedIn(r.second(r.half("ada").Challenge, "recovery_code", codes[0]), 200)
		r.half("ada") // a sign-in half-way
		r.post("forgot", map[string]string{"login": "ada"}).Want(http.StatusAccepted)
		keeper := r.signUpWithEmail("ben")
		before := r.leftOf(keeper.User.ID)

		for name, body := range map[string]map[string]any{
			"nothing": {}, "a wrong password": {"current_password": "not the one"}, "no second factor": confirmed(),
			"a wrong code": with(confirmed(), "code", "000000"),
		} {
			if res := r.farewell(other, body); res.Status != http.StatusForbidden {
				t.Errorf("%s: %d %s", name, res.Status, res.Body)
			}
		}
		r.post("account/delete", confirmed()).Want(http.StatusUnauthorized)

		mails := len(r.svcMails())
		res := r.farewell(other, with(confirmed(), "code", a.next())).Want(http.StatusNoContent)
		if c := setCookie(t, res); c == nil || c.Value != "" || c.MaxAge >= 0 {
			t.Errorf("the cookie stays: %+v", c)
		}
		if d := r.told(s); d.UserID != s.User.ID.String() || d.Erase || d.At.IsZero() {
			t.Errorf("%+v", d)
		}
		for _, old := range []signedIn{s, other} {
			r.post("refresh", nil, old.refresh()).WantProblem(errs.Unauthenticated)
			r.call("GET", "/api/v1/auth/account", nil, bearer(old.AccessToken)).WantProblem(errs.Unauthenticated)
		}
		left := r.leftOf(s.User.ID)
		for _, table := range []string{"sessions", "audit_log", "deleted_accounts"} {
			delete(left, table)
		}
		if len(left) > 0 || r.rows("accounts") != 1 || r.rows("refresh_tokens") != 1 {
			t.Errorf("left: %v, %d accounts, %d refresh tokens", left, r.rows("accounts"), r.rows("refresh_tokens"))
		}
		var traced int64
		if err := r.db.R.Table("sessions").Where("account_id = ? AND (ip <> '' OR user_agent <> '' OR revoke_reason <> 'deleted')", s.User.ID).Count(&traced).Error; err != nil || traced > 0 {
			t.Errorf("%d sessions say where they were, or are not over; %v", traced, err)
		}
		if after := r.leftOf(keeper.User.ID); len(after) != len(before) || r.call("GET", "/api/v1/auth/account", nil, bearer(keeper.AccessToken)).Status != 200 {
			t.Errorf("somebody else's: %v, was %v", after, before)
		}
		r.wantBye(mails, "ada@example.org")
		if !slices.Contains(r.audited(), eventDeleted) || strings.Contains(r.log.String(), goodPassword) {
			t.Error("not in the audit log, or a password in the log")
		}
	})
}

// confirmation is the token of the mail that confirms an address, made anew.
func (r *rig) confirmation(s signedIn) string {
	r.t.Helper()
	r.post("email/resend", nil, bearer(s.AccessToken)).Want(http.StatusAccepted)
	return link(r.t, r.mails(1)[0], "/confirm")
}

func (r *rig) svcMails() []receivedMail {
	r.svc.inbox.mu.Lock()
	defer r.svc.inbox.mu.Unlock()
	return slices.Clone(r.svc.inbox.mails)
}

func (r *rig) wantBye(after int, to string) {
	r.t.Helper()
	testkit.Eventually(r.t, 10*time.Second, func() bool {
		return slices.ContainsFunc(r.svcMails(), func(m receivedMail) bool {
			return m.Subject == wordings[mailDeleted].Subject && m.To == to && len(r.svcMails()) > after
		})
	})
}

// Nobody can tell a deleted account from one that never was, and nobody gets
// its name.
func TestDeletedIsUnknown(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.keysHeard(r.signUpWithEmail("ada"))
		r.farewell(s, confirmed()).Want(http.StatusNoContent)
		r.told(s)
		runs := r.svc.hasher.computed.Load()
		gone := r.post("login", login("ada"))
		never := r.post("login", login("nobody"))
		if gone.Status != http.StatusUnauthorized || string(gone.Body) == "" || gone.WantProblem(errs.Unauthenticated).Detail != never.WantProblem(errs.Unauthenticated).Detail {
			t.Errorf("%s, and %s for who never was", gone.Body, never.Body)
		}
		if n := r.svc.hasher.computed.Load() - runs; n != 2 {
			t.Errorf("%d hashes for two sign-ins", n)
		}
		r.post("register", map[string]string{"username": "Ada", "password": goodPassword}).WantProblem(errs.IdentifierTaken)
		var free struct{ Available bool }
		if r.call("GET", "/api/v1/auth/usernames/ada", nil).Want(200).JSON(&free); free.Available {
			t.Error("the username is offered")
		}
		if err := r.svc.CreateAdmin(t.Context(), "ada", goodPassword, ""); !errs.Is(err, errs.IdentifierTaken) {
			t.Errorf("an administrator takes the name: %v", err)
		}
		// The address is free: it is the person's own.
		again := r.signedIn(r.post("register", map[string]string{"username": "ada2", "email": "ada@example.org", "password": goodPassword}), 201)
		if again.User.ID == s.User.ID {
			t.Error("the account is back")
		}
		var answer events.Registered
		err := r.svc.bus.Request(t.Context(), events.RPCAccount, events.UserRequest{UserID: s.User.ID.String()}, &answer)
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("the others are told of %+v, %v", answer, err)
		}
	})
}

// A name that is made from the display name is not one that somebody had.
func TestGeneratedNameIsNotADeletedOne(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("grace.hopper")
		r.farewell(s, confirmed()).Want(http.StatusNoContent)
		next := r.signedIn(r.post("register", map[string]string{
			"email": "grace@example.org", "display_name": "Grace Hopper", "password": goodPassword,
		}), 201)
		if next.User.Username == "grace.hopper" || !strings.HasPrefix(next.User.Username, "grace.hopper-") {
			t.Errorf("the name is %q", next.User.Username)
		}
	})
}

// The last administrator stays, and loses nothing by having tried.
func TestLastAdministratorStays(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.keysHeard(r.admin("boss"))
		rows := r.rows("outbox")
		r.farewell(boss, confirmed()).WantProblem(errs.Conflict)
		if err := r.svc.Delete(t.Context(), boss.User.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("the operator: %v", err)
		}
		if r.rows("credentials") != 1 || r.rows("deleted_accounts") != 0 || r.rows("outbox") > rows {
			t.Error("something went all the same")
		}
		r.call("GET", "/api/v1/auth/account", nil, bearer(boss.AccessToken)).Want(200)

		// Two who leave at once: one has to stay.
		second := r.admin("second")
		var both sync.WaitGroup
		statuses := make([]int, 2)
		for i, who := range []signedIn{boss, second} {
			both.Go(func() { statuses[i] = r.farewell(who, confirmed()).Status })
		}
		both.Wait()
		slices.Sort(statuses)
		if !slices.Equal(statuses, []int{http.StatusNoContent, http.StatusConflict}) {
			t.Errorf("%v, want one to stay", statuses)
		}
		var admins int64
		if err := r.db.R.Table("accounts").Where("role = ?", authn.RoleAdmin).Count(&admins).Error; err != nil || admins != 1 {
			t.Errorf("%d administrators, %v", admins, err)
		}
	})
}

// The operator's setting travels with the event and is told before.
func TestDeletedMessagesSetting(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		var acc AccountBody
		if r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200).JSON(&acc); acc.DeletedMessages != config.MessagesErased {
			t.Errorf("the person is told %q", acc.DeletedMessages)
		}
		if err := r.svc.Delete(t.Context(), s.User.ID); err != nil {
			t.Fatal(err)
		}
		if d := r.told(s); !d.Erase {
			t.Errorf("%+v", d)
		}
		if err := r.svc.Delete(t.Context(), s.User.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("once more: %v", err)
		}
	}, func(c *config.Config) { c.DeletedMessages = config.MessagesErased })
}

// A passkey alone is enough, as for all that matters.
func TestDeleteWithPasskey(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		key, _ := r.addPasskey(s, confirmed())
		options := r.options("passkeys/confirm", nil, bearer(s.AccessToken))
		r.farewell(s, map[string]any{"passkey": key.get(options)}).Want(http.StatusNoContent)
		if n := r.rows("passkeys"); n != 0 {
			t.Errorf("%d passkeys", n)
		}
	})
}

// Of several at once one deletes; a password that is changed meanwhile leaves
// nothing behind.
func TestDeletingAtOnce(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		var all sync.WaitGroup
		statuses := make([]int, 4)
		for i := range 3 {
			all.Go(func() { statuses[i] = r.farewell(s, confirmed()).Status })
		}
		all.Go(func() {
			statuses[3] = r.post("password", with(confirmed(), "password", "another good one"), bearer(s.AccessToken)).Status
		})
		all.Wait()
		for _, status := range statuses {
			if !slices.Contains([]int{204, 401, 403}, status) {
				t.Errorf("%v", statuses)
			}
		}
		if left := r.leftOf(s.User.ID); left["credentials"] != 0 || left["deleted_accounts"] != 1 {
			t.Errorf("%v after %v", left, statuses)
		}
	})
}

// An administrator deletes somebody's account, once and with its username; the
// owner is told, not from which device; who did it stands in the audit log.
func TestRemove(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, eve := r.keysHeard(r.admin("boss")), r.signUpWithEmail("eve")
		path := "people/" + eve.User.ID.String() + "/delete"
		name := func(username string) map[string]string { return map[string]string{"username": username} }
		for _, body := range []any{nil, map[string]string{}, name(""), name("boss"), name("eve2"), name("e"), name("eve\x00")} {
			if res := r.as(boss, "POST", path, body); res.Status != http.StatusBadRequest {
				t.Errorf("%v: %d %s", body, res.Status, res.Body)
			}
		}
		r.as(boss, "POST", "people/"+boss.User.ID.String()+"/delete", name("boss")).WantProblem(errs.Forbidden)
		second := r.admin("second") // so that it is not for being the last one
		r.as(boss, "POST", "people/"+boss.User.ID.String()+"/delete", name("boss")).WantProblem(errs.Forbidden)
		r.as(boss, "POST", "people/"+id.New().String()+"/delete", name("eve")).WantProblem(errs.NotFound)
		if n := r.rows("deleted_accounts"); n != 0 {
			t.Fatalf("%d accounts are gone", n)
		}
		mails := len(r.svcMails())
		r.as(boss, "POST", path, name("EVE")).Want(http.StatusNoContent)
		r.as(boss, "POST", path, name("eve")).WantProblem(errs.NotFound)
		if d := r.told(eve); d.UserID != eve.User.ID.String() {
			t.Errorf("%+v", d)
		}
		r.call("GET", "/api/v1/auth/account", nil, bearer(eve.AccessToken)).WantProblem(errs.Unauthenticated)
		r.wantBye(mails, "eve@example.org")
		if left := r.leftOf(eve.User.ID); left["credentials"]+left["suspensions"] > 0 || left["deleted_accounts"] != 1 {
			t.Errorf("%v", left)
		}
		var by []string
		err := r.db.R.Raw("SELECT w.actor FROM audit_log a JOIN audit_actors w ON w.audit_id = a.id WHERE a.event = ? AND a.account_id = ?", eventDeleted, eve.User.ID).Scan(&by).Error
		if err != nil || !slices.Equal(by, []string{"boss"}) {
			t.Errorf("the audit log says %v, %v", by, err)
		}

		// Two administrators delete each other at once: one of them is left.
		var both sync.WaitGroup
		statuses := make([]int, 2)
		for i, pair := range [][2]signedIn{{boss, second}, {second, boss}} {
			both.Go(func() {
				statuses[i] = r.as(pair[0], "POST", "people/"+pair[1].User.ID.String()+"/delete", name(pair[1].User.Username)).Status
			})
		}
		both.Wait()
		slices.Sort(statuses)
		if statuses[0] != http.StatusNoContent || statuses[1] < 400 || statuses[1] >= 500 || r.rows("accounts") != 1 {
			t.Errorf("%v, %d accounts", statuses, r.rows("accounts"))
		}
	})
}
