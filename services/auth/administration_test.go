package auth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

// login signs a person in with the good password.
func (r *rig) login(username string) signedIn {
	r.t.Helper()
	return r.signedIn(r.post("login", map[string]string{"login": username, "password": goodPassword}), http.StatusOK)
}

// admin makes an administrator and signs them in.
func (r *rig) admin(username string) signedIn {
	r.t.Helper()
	if err := r.svc.CreateAdmin(r.t.Context(), username, goodPassword, ""); err != nil {
		r.t.Fatal(err)
	}
	return r.login(username)
}

// ranked makes a person with a role and signs them in.
func (r *rig) ranked(username, role string) signedIn {
	r.t.Helper()
	s := r.signUpWithEmail(username)
	if err := r.svc.SetRole(r.t.Context(), Operator(), s.User.ID, role); err != nil {
		r.t.Fatal(err)
	}
	return r.login(username)
}

// as calls a route of administration.
func (r *rig) as(who signedIn, method, path string, body any) *testkit.Response {
	r.t.Helper()
	return r.call(method, "/api/v1/admin/"+path, body, bearer(who.AccessToken))
}

func (r *rig) person(who, about signedIn) (d struct {
	Person     PersonItem      `json:"person"`
	Suspension *SuspensionBody `json:"suspension"`
	Sessions   int             `json:"sessions"`
	LastSignIn *time.Time      `json:"last_sign_in"`
	Events     []EventItem     `json:"events"`
},
) {
	r.t.Helper()
	r.as(who, "GET", "people/"+about.User.ID.String(), nil).Want(200).JSON(&d)
	return d
}

// revoked waits until n sessions of a person were said to be over.
func (r *rig) revoked(who signedIn, n int) {
	r.t.Helper()
	testkit.Eventually(r.t, 10*time.Second, func() bool {
		found := 0
		for _, m := range r.events.All() {
			if m.Subject == who.revokedSubject() {
				found++
			}
		}
		return found == n
	})
}

func byRole(role string) Actor { return Actor{ID: id.New(), Name: "x", Role: role} }

// Every route of administration, asked by every role.
func TestRolesAndRoutes(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, warden, eve := r.admin("boss"), r.ranked("warden", authn.RoleModerator), r.signUpWithEmail("eve")
		other, victim := r.ranked("other", authn.RoleModerator), r.signUpWithEmail("victim")
		one, mod := "people/"+victim.User.ID.String(), "people/"+other.User.ID.String()
		reason, role := map[string]string{"reason": "spam"}, map[string]string{"role": "user"}
		const missing, forbidden = 404, 403
		for _, c := range []struct {
			method, path string
			body         any
			moderator    int
			admin        int
		}{
			{"GET", "people", nil, 200, 200},
			{"GET", one, nil, 200, 200},
			{"POST", one + "/suspend", reason, 204, 204},
			{"POST", one + "/restore", nil, 204, 204},
			{"POST", mod + "/suspend", reason, forbidden, 204},
			{"POST", mod + "/restore", nil, forbidden, 204},
			{"POST", one + "/sign-out", nil, missing, 204},
			{"POST", one + "/reset-password", nil, missing, 202},
			{"POST", one + "/reset-factors", nil, missing, 204},
			{"PUT", one + "/role", role, missing, 204},
			{"GET", "settings", nil, missing, 200},
			{"PUT", "settings", map[string]string{"sign_up": "open"}, missing, 200},
			{"GET", "invitations", nil, missing, 200},
			{"POST", "invitations", map[string]int{"max_uses": 1, "expires_in": 60}, missing, 201},
			{"DELETE", "invitations/" + id.New().String(), nil, missing, 404},
			{"GET", "statistics", nil, missing, 200},
			{"POST", one + "/delete", map[string]string{"username": "victim"}, missing, 204}, // the last thing
		} {
			r.call(c.method, "/api/v1/admin/"+c.path, c.body).Want(http.StatusUnauthorized)
			// Not a word about what is wrong with a request to what is not there.
			for _, body := range []any{c.body, map[string]string{"nonsense": "x"}} {
				if c.method == "GET" && body != nil {
					continue
				}
				r.as(eve, c.method, c.path, body).WantProblem(errs.NotFound)
			}
			r.as(warden, c.method, c.path, c.body).Want(c.moderator)
			r.as(boss, c.method, c.path, c.body).Want(c.admin)
		}
	})
}

// A suspension bites at once and everywhere; after it all is as before.
func TestSuspension(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, eve := r.admin("boss"), r.signUpWithEmail("eve")
		second := r.login("eve")
		r.post("forgot", map[string]string{"login": "eve"}).Want(http.StatusAccepted)
		reset := link(t, r.mails(1)[0], "/reset")
		path := "people/" + eve.User.ID.String()

		r.as(boss, "POST", path+"/suspend", map[string]string{"reason": " sells\u00a0things "}).Want(http.StatusNoContent)
		r.as(boss, "POST", path+"/suspend", map[string]string{"reason": "again"}).Want(http.StatusNoContent)
		r.revoked(eve, 2)
		for _, s := range []signedIn{eve, second} {
			r.post("refresh", nil, s.refresh()).WantProblem(errs.Unauthenticated)
			r.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).WantProblem(errs.Unauthenticated)
		}
		res := r.post("login", map[string]string{"login": "eve", "password": goodPassword})
		res.WantProblem(errs.Suspended)
		if !strings.Contains(string(res.Body), "suspended") || setCookie(t, res) != nil {
			t.Errorf("%s", res.Body)
		}
		r.post("login", map[string]string{"login": "eve", "password": "wrong password"}).WantProblem(errs.Unauthenticated)
		r.post("reset", map[string]string{"token": reset, "password": newPass}).WantProblem(errs.Suspended)
		r.post("forgot", map[string]string{"login": "eve"}).Want(http.StatusAccepted)
		r.as(boss, "POST", path+"/reset-password", nil).WantProblem(errs.Conflict)

		d := r.person(boss, eve)
		if !d.Person.Suspended || d.Suspension == nil || d.Suspension.Reason != "sells\u00a0things" || d.Suspension.By != "boss" || d.Sessions != 0 || d.LastSignIn == nil {
			t.Errorf("%+v", d)
		}
		at := slices.IndexFunc(d.Events, func(e EventItem) bool { return e.Event == eventSuspended })
		if at < 0 || d.Events[at].Actor != "boss" || d.Events[at].Detail != "sells\u00a0things" {
			t.Errorf("events %+v", d.Events)
		}

		r.as(boss, "POST", path+"/restore", nil).Want(http.StatusNoContent)
		r.as(boss, "POST", path+"/restore", nil).Want(http.StatusNoContent)
		r.login("eve")
		r.post("refresh", nil, eve.refresh()).WantProblem(errs.Unauthenticated)
		count := func(event string) (n int) {
			for _, e := range r.audited() {
				if e == event {
					n++
				}
			}
			return n
		}
		if count(eventSuspended) != 1 || count(eventRestored) != 1 || count(eventLoginSuspended) != 1 {
			t.Errorf("audit %v", r.audited())
		}
		if n := len(r.mails(1)); n != 1 {
			t.Errorf("%d mails: a suspended person got a link", n)
		}
	})
}

// Sign-ins at the moment of a suspension: none of them is left.
func TestSuspensionAgainstSignIns(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		eve := r.signUp("eve")
		acc, _, err := r.svc.store.account(t.Context(), eve.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if i == 10 {
					if err := r.svc.Suspend(t.Context(), Operator(), eve.User.ID, "race"); err != nil {
						t.Error(err)
					}
					return
				}
				_, err := r.svc.completeLogin(t.Context(), acc, Client{}, newLogin{attempt: newAttempt("eve", "10.0.0.1")})
				if err != nil && !errs.Is(err, errs.Suspended) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if live, err := r.svc.store.liveSessions(t.Context(), eve.User.ID, r.clock.now()); err != nil || len(live) != 0 {
			t.Errorf("%d sessions of a suspended person, %v", len(live), err)
		}
	}, perIP(1000))
}

// A sign-in that has passed the check holds a suspension up until its session is
// there to be ended. The sign-in stops just before it stores the session, and goes
// on when the suspension is seen to wait.
func TestSuspensionWaitsForSignIns(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		eve := r.signUp("eve")
		acc, _, err := r.svc.store.account(t.Context(), eve.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		checked, goOn := r.holdSessions()
		signedIn, suspended := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := r.svc.completeLogin(t.Context(), acc, Client{}, newLogin{attempt: newAttempt("eve", "10.0.0.1")})
			signedIn <- err
		}()
		<-checked
		waiting := r.waiting()
		go func() { suspended <- r.svc.Suspend(t.Context(), Operator(), acc.ID, "race") }()
		testkit.Eventually(t, 20*time.Second, func() bool { return len(suspended) > 0 || waiting() })
		if len(suspended) > 0 {
			t.Error("the suspension did not wait for the sign-in")
		}
		goOn()
		if err := errors.Join(<-signedIn, <-suspended); err != nil {
			t.Fatal(err)
		}
		if live, err := r.svc.store.liveSessions(t.Context(), acc.ID, r.clock.now()); err != nil || len(live) != 0 {
			t.Errorf("%d sessions of a suspended person, %v", len(live), err)
		}
	})
}

// holdSessions makes the next transaction that stores a session stop before it
// does, which closes reached, until goOn is called.
func (r *rig) holdSessions() (reached <-chan struct{}, goOn func()) {
	r.t.Helper()
	there, gate := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(there) })
	err := r.db.W.Callback().Create().Before("gorm:create").Register("test:hold", func(tx *gorm.DB) {
		if tx.Statement.Table == "sessions" {
			once()
			<-gate
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
	goOn = sync.OnceFunc(func() { close(gate) })
	r.t.Cleanup(goOn) // also when the test has failed
	return there, goOn
}

// waiting says whether, since it was made, a transaction waits for another: for a
// row, or on SQLite for the one connection that writes.
func (r *rig) waiting() func() bool {
	r.t.Helper()
	pool, err := r.db.W.DB()
	if err != nil {
		r.t.Fatal(err)
	}
	before := pool.Stats().WaitCount
	return func() bool {
		if r.db.Dialect == db.SQLite {
			return pool.Stats().WaitCount > before
		}
		var n int // not from innodb_trx, which is never fresh for who asks more often than each 100 ms
		err := r.db.R.Raw("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'innodb_row_lock_current_waits'").Scan(&n).Error
		if err != nil {
			r.t.Error(err)
		}
		return n > 0
	}
}

// A session that slipped through is refused at its refresh.
func TestRefreshOfSuspended(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		eve := r.signUp("eve")
		row := suspensionRow{AccountID: eve.User.ID, Reason: "x", SuspendedBy: "boss", SuspendedAt: r.clock.now()}
		if err := r.db.W.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		r.post("refresh", nil, eve.refresh()).WantProblem(errs.Unauthenticated)
	})
}

func TestRoleChange(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, eve := r.admin("boss"), r.signUpWithEmail("eve")
		path := "people/" + eve.User.ID.String() + "/role"
		r.as(boss, "PUT", path, map[string]string{"role": "owner"}).WantProblem(errs.InvalidBody)
		r.as(boss, "PUT", path, map[string]string{"role": "user"}).Want(http.StatusNoContent)
		r.call("GET", "/api/v1/auth/account", nil, bearer(eve.AccessToken)).Want(200) // nothing changed: nothing ended
		r.as(boss, "PUT", path, map[string]string{"role": "moderator"}).Want(http.StatusNoContent)
		r.revoked(eve, 1)
		r.as(eve, "GET", "people", nil).WantProblem(errs.Unauthenticated)
		r.post("refresh", nil, eve.refresh()).WantProblem(errs.Unauthenticated)

		mod := r.login("eve")
		if mod.User.Role != authn.RoleModerator {
			t.Errorf("role %q", mod.User.Role)
		}
		r.as(mod, "GET", "people", nil).Want(200)
		r.as(boss, "PUT", path, map[string]string{"role": "user"}).Want(http.StatusNoContent)
		r.as(mod, "GET", "people", nil).WantProblem(errs.Unauthenticated)
		r.as(boss, "PUT", "people/"+id.New().String()+"/role", map[string]string{"role": "user"}).WantProblem(errs.NotFound)
		e := r.person(boss, eve).Events
		at := slices.IndexFunc(e, func(e EventItem) bool { return e.Event == eventRole })
		if e[at].Detail != "moderator to user" || e[at].Actor != "boss" {
			t.Errorf("%+v", e[at])
		}
	})
}

// A token says admin, the database no longer: the database counts.
func TestDismissedAdminsDoNothing(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		eve := r.signUp("eve")
		acc, _, _ := r.svc.store.account(t.Context(), eve.User.ID)
		token, err := r.svc.keys.sign(authn.Identity{UserID: acc.ID, SessionID: id.New(), Username: "eve", Role: authn.RoleAdmin, Expires: r.clock.now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		eve.AccessToken = token
		victim := r.signUp("victim")
		path := "people/" + victim.User.ID.String()
		r.as(eve, "GET", "people", nil).Want(200) // as long as the token lives, which a role change ends
		for path, body := range map[string]any{
			path + "/suspend": map[string]string{"reason": "x"}, path + "/restore": nil, path + "/sign-out": nil,
			path + "/delete": map[string]string{"username": "victim"}, path + "/reset-password": nil, "invitations": map[string]int{"max_uses": 1, "expires_in": 60},
		} {
			r.as(eve, "POST", path, body).WantProblem(errs.NotFound)
		}
		r.as(eve, "PUT", path+"/role", map[string]string{"role": "admin"}).WantProblem(errs.NotFound)
		r.as(eve, "PUT", "settings", map[string]string{"sign_up": "closed"}).WantProblem(errs.NotFound)
		r.as(eve, "DELETE", "invitations/"+id.New().String(), nil).WantProblem(errs.NotFound)
		for _, by := range []Actor{byRole(authn.RoleAdmin), {}} {
			if err := r.svc.SetRole(t.Context(), by, eve.User.ID, authn.RoleAdmin); !errs.Is(err, errs.NotFound) {
				t.Errorf("a made-up actor: %v", err)
			}
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		me := "people/" + boss.User.ID.String()
		alone := func() {
			t.Helper()
			r.as(boss, "PUT", me+"/role", map[string]string{"role": "user"}).WantProblem(errs.Conflict)
			r.as(boss, "POST", me+"/suspend", map[string]string{"reason": "x"}).WantProblem(errs.Conflict)
			if err := r.svc.SetRole(t.Context(), Operator(), boss.User.ID, authn.RoleModerator); !errs.Is(err, errs.Conflict) {
				t.Errorf("by the operator: %v", err)
			}
		}
		alone()
		second := r.admin("second")
		r.as(boss, "POST", "people/"+second.User.ID.String()+"/suspend", map[string]string{"reason": "x"}).Want(http.StatusNoContent)
		alone() // who is suspended does not count
		r.as(boss, "POST", "people/"+second.User.ID.String()+"/restore", nil).Want(http.StatusNoContent)
		r.as(boss, "PUT", me+"/role", map[string]string{"role": "user"}).Want(http.StatusNoContent)
	})
}

// Two administrators dismiss each other at the same moment: one of them is left.
// With a third one that must be so because the dismissed has no say any more.
func TestAdministratorsDismissEachOther(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, testkit.Bus(t))
		for round, third := range []bool{false, true, false, true, false, true} {
			names := []string{"a" + string(rune('0'+round)) + "x", "b" + string(rune('0'+round)) + "x"}
			a, b := r.admin(names[0]), r.admin(names[1])
			others := `role = 'admin' AND username NOT IN ?`
			if err := d.W.Exec("UPDATE accounts SET role = 'user' WHERE "+others, names).Error; err != nil {
				t.Fatal(err)
			}
			if third {
				r.admin("third" + names[0])
			}
			var done [2]error
			var both sync.WaitGroup
			for i, pair := range [][2]signedIn{{a, b}, {b, a}} {
				both.Go(func() {
					by := Actor{ID: pair[0].User.ID, Name: pair[0].User.Username, Role: authn.RoleAdmin}
					done[i] = r.svc.SetRole(t.Context(), by, pair[1].User.ID, authn.RoleUser)
				})
			}
			both.Wait()
			if (done[0] == nil) == (done[1] == nil) {
				t.Errorf("round %d: %v and %v, want one to succeed", round, done[0], done[1])
			}
		}
	})
}

func TestSignOutAndResetByAdmin(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, eve, bare := r.admin("boss"), r.signUpWithEmail("eve"), r.signUp2("bare")
		path := "people/" + eve.User.ID.String()
		r.as(boss, "POST", path+"/sign-out", nil).Want(http.StatusNoContent)
		r.revoked(eve, 1)
		r.post("refresh", nil, eve.refresh()).WantProblem(errs.Unauthenticated)
		r.as(boss, "POST", path+"/reset-password", nil).Want(http.StatusAccepted)
		token := link(t, r.mails(1)[0], "/reset")
		r.post("reset", map[string]string{"token": token, "password": newPass}).Want(http.StatusNoContent)
		r.as(boss, "POST", "people/"+bare.User.ID.String()+"/reset-password", nil).WantProblem(errs.Conflict)
		for range mailsPerHour - 1 {
			r.as(boss, "POST", path+"/reset-password", nil).Want(http.StatusAccepted)
		}
		r.as(boss, "POST", path+"/reset-password", nil).WantProblem(errs.RateLimited)
		for _, want := range []string{eventSignedOut, eventResetSent} {
			if !slices.ContainsFunc(r.person(boss, eve).Events, func(e EventItem) bool { return e.Event == want && e.Actor == "boss" }) {
				t.Errorf("no %s by boss", want)
			}
		}
	})
}

// What the command line does has no bus: the running service tells everybody.
func TestCommandLineBesideARunningService(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, testkit.Bus(t))
		eve := r.signUp("eve")
		commandLine(t, r, func(svc *Service) error { return svc.SignOut(t.Context(), Operator(), eve.User.ID) })
		r.events.Expect(t, eve.revokedSubject())
		eve = r.login("eve")
		commandLine(t, r, func(svc *Service) error {
			acc, err := svc.PersonNamed(t.Context(), "EVE")
			if err != nil {
				return err
			}
			return svc.Suspend(t.Context(), Operator(), acc.ID, "spam")
		})
		r.events.Expect(t, eve.revokedSubject())
		r.post("login", map[string]string{"login": "eve", "password": goodPassword}).WantProblem(errs.Suspended)
		boss := r.admin("boss")
		if e := r.person(boss, eve); e.Suspension.By != "operator" || !slices.ContainsFunc(e.Events, func(e EventItem) bool { return e.Actor == "operator" }) {
			t.Errorf("%+v", e)
		}
	})
}

func commandLine(t *testing.T, r *rig, work func(*Service) error) {
	t.Helper()
	svc, err := New(run.Deps{Config: r.svc.cfg, DB: r.db})
	if err != nil {
		t.Fatal(err)
	}
	if err := work(svc); err != nil {
		t.Fatal(err)
	}
}
