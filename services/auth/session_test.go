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
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestRefreshRotates(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		first, err := r.svc.verifier.Verify(t.Context(), s.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{s.cookie.Value: true}
		for range 5 {
			next := r.signedIn(r.post("refresh", nil, s.refresh()), http.StatusOK)
			who, err := r.svc.verifier.Verify(t.Context(), next.AccessToken)
			if err != nil || who.SessionID != first.SessionID || who.UserID != first.UserID {
				t.Fatalf("identity %+v, %v; want the session of %+v", who, err, first)
			}
			if seen[next.cookie.Value] || next.AccessToken == s.AccessToken || next.User != s.User {
				t.Fatal("a token came twice, or another user")
			}
			seen[next.cookie.Value] = true
			s = next
		}
		r.events.Expect(t)
		if n := r.rows("sessions"); n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

// Ten tabs refresh at once, again and again: one wins each time, the others
// are told so and keep their cookie, and nobody is signed out.
func TestRefreshRace(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		const rounds, tabs = 10, 10
		for range rounds {
			answers := make([]*testkit.Response, tabs)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = r.post("refresh", nil, s.refresh()) })
			}
			wg.Wait()
			won := 0
			for _, res := range answers {
				if res.Status == http.StatusOK {
					won++
					s = r.signedIn(res, http.StatusOK)
					continue
				}
				res.WantProblem(errs.RefreshRaced)
				if c := setCookie(t, res); c != nil {
					t.Fatalf("a loser's cookie is touched: %v", c)
				}
			}
			if won != 1 {
				t.Fatalf("%d of %d won, want 1", won, tabs)
			}
		}
		r.post("refresh", nil, s.refresh()).Want(http.StatusOK)
		r.events.Expect(t)
		if got := r.audited(); !slices.Equal(got, []string{"sign-up"}) {
			t.Errorf("audit %v", got)
		}
	})
}

func TestReuseEndsTheFamily(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		other := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		next := r.signedIn(r.post("refresh", nil, s.refresh()), http.StatusOK)

		r.clock.add(raceWindow - time.Second)
		r.post("refresh", nil, s.refresh()).WantProblem(errs.RefreshRaced)
		r.events.Expect(t)

		r.clock.add(2 * time.Second)
		res := r.post("refresh", nil, s.refresh())
		res.WantProblem(errs.TokenReused)
		if c := setCookie(t, res); c == nil || c.MaxAge >= 0 {
			t.Errorf("cookie %v, want it deleted", c)
		}
		got := r.events.Expect(t, s.revokedSubject())
		var e events.SessionRevoked
		if err := json.Unmarshal(got[0].Data, &e); err != nil {
			t.Fatal(err)
		}
		if e.Reason != "token-reused" || e.UserID != s.User.ID.String() || e.SessionID == "" {
			t.Errorf("event %+v", e)
		}
		// Thief and owner are both out, and told why; nothing is said twice.
		r.post("refresh", nil, next.refresh()).WantProblem(errs.TokenReused)
		r.post("refresh", nil, s.refresh()).WantProblem(errs.TokenReused)
		if _, err := r.svc.verifier.Verify(t.Context(), next.AccessToken); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("the access token lives on: %v", err)
		}
		r.events.Expect(t)
		// The person's other sessions have nothing to do with it.
		r.post("refresh", nil, other.refresh()).Want(http.StatusOK)
		r.events.Expect(t)
		if got := r.audited(); !slices.Equal(got, []string{"sign-up", "login", "token-reused"}) {
			t.Errorf("audit %v", got)
		}
	})
}

func TestRefreshRefusals(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		for name, h := range map[string]header{
			"no cookie":         {"X-Nothing", "1"},
			"garbage":           cookie("chat_refresh", "garbage"),
			"never given out":   cookie("chat_refresh", strings.Repeat("A", 43)),
			"an access token":   cookie("chat_refresh", s.AccessToken),
			"the https name":    cookie("__Host-chat_refresh", s.cookie.Value),
			"in the wrong case": cookie("chat_refresh", strings.ToUpper(s.cookie.Value)),
			"as bearer":         bearer(s.cookie.Value),
		} {
			t.Run(name, func(t *testing.T) {
				r.post("refresh", nil, h).WantProblem(errs.Unauthenticated)
			})
		}
		r.events.Expect(t)
		r.post("refresh", nil, s.refresh()).Want(200)
	})
}

func TestSessionsExpire(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ttl := r.svc.cfg.RefreshTTL
		idle, busy := r.signUp("idle"), r.signUp("busy")
		for range 5 { // 100 days, used every 20
			r.clock.add(ttl * 2 / 3)
			res := r.post("refresh", nil, busy.refresh())
			if time.Duration(r.clock.skew.Load()) < 90*24*time.Hour {
				busy = r.signedIn(res, http.StatusOK)
				continue
			}
			res.WantProblem(errs.Unauthenticated) // 90 days are the end, used or not
		}
		r.post("refresh", nil, idle.refresh()).WantProblem(errs.Unauthenticated)
		r.events.Expect(t)
	})
}

func TestLogout(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ways := map[string]func(s signedIn) []header{
			"cookie":                func(s signedIn) []header { return []header{s.refresh()} },
			"bearer":                func(s signedIn) []header { return []header{bearer(s.AccessToken)} },
			"both":                  func(s signedIn) []header { return []header{s.refresh(), bearer(s.AccessToken)} },
			"cookie and bad bearer": func(s signedIn) []header { return []header{s.refresh(), bearer("expired")} },
			"rotated cookie":        func(s signedIn) []header { r.post("refresh", nil, s.refresh()); return []header{s.refresh()} },
		}
		for name, with := range ways {
			t.Run(name, func(t *testing.T) {
				s := r.signUp("ada-" + strings.ReplaceAll(name, " ", "-"))
				headers := with(s)
				res := r.post("logout", nil, headers...).Want(http.StatusNoContent)
				if c := setCookie(t, res); c == nil || c.MaxAge >= 0 || c.Value != "" {
					t.Errorf("cookie %v, want it deleted", c)
				}
				got := r.events.Expect(t, s.revokedSubject())
				if !strings.Contains(string(got[0].Data), `"reason":"signed-out"`) {
					t.Errorf("event %s", got[0].Data)
				}
				r.post("refresh", nil, s.refresh()).WantProblem(errs.Unauthenticated)
				if _, err := r.svc.verifier.Verify(t.Context(), s.AccessToken); !errs.Is(err, errs.Unauthenticated) {
					t.Errorf("the access token lives on: %v", err)
				}
				r.post("logout", nil, s.refresh()).Want(http.StatusNoContent) // again: no error, no event
				r.events.Expect(t)
			})
		}
	})
}

func TestLogoutOfTwoSessions(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		one := r.signUp("ada")
		two := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		three := r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}), 200)
		r.post("logout", nil, one.refresh(), bearer(two.AccessToken)).Want(http.StatusNoContent)
		r.events.Expect(t, one.revokedSubject(), one.revokedSubject())
		r.post("refresh", nil, one.refresh()).WantProblem(errs.Unauthenticated)
		r.post("refresh", nil, two.refresh()).WantProblem(errs.Unauthenticated)
		r.post("refresh", nil, three.refresh()).Want(200)
	})
}

func TestLogoutWithoutSession(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		res := r.post("logout", nil)
		res.WantProblem(errs.Unauthenticated)
		if res.Header.Get("WWW-Authenticate") == "" {
			t.Error("no WWW-Authenticate")
		}
		r.post("logout", nil, bearer("garbage")).WantProblem(errs.Unauthenticated)
		r.post("logout", nil, cookie("chat_refresh", "unknown")).Want(http.StatusNoContent)
		r.events.Expect(t)
	})
}

// Only the cookie endpoints act on what a browser adds by itself, so only they
// ask who made it.
func TestCrossSiteRequests(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		for _, path := range []string{"refresh", "logout"} {
			for _, h := range []header{
				{"Sec-Fetch-Site", "cross-site"},
				{"Sec-Fetch-Site", "same-site"},
				{"Origin", "https://evil.example"},
				{"Origin", "null"},
				{"Origin", "https://chat.example.org.evil.example"},
			} {
				r.post(path, nil, s.refresh(), h).WantProblem(errs.CrossOrigin)
			}
		}
		r.events.Expect(t)
		for _, h := range []header{
			{"Sec-Fetch-Site", "same-origin"},
			{"Sec-Fetch-Site", "none"},
			{"Origin", "https://chat.example.org"},
			{"Origin", "http://example.com"}, // the request's own host
		} {
			s = r.signedIn(r.post("refresh", nil, s.refresh(), h), http.StatusOK)
		}
	}, https)
}

func TestCookieOverHTTPS(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		s := r.signUp("ada")
		if s.cookie.Name != "__Host-chat_refresh" || !s.cookie.Secure || s.cookie.Path != "/" || s.cookie.Domain != "" {
			t.Errorf("cookie %v", s.cookie)
		}
		r.post("refresh", nil, cookie("chat_refresh", s.cookie.Value)).WantProblem(errs.Unauthenticated)
		r.post("refresh", nil, s.refresh()).Want(200)
	}, https)
}

// The password, the cookie and the tokens of a whole session are in no log.
func TestNoSecretsInLogs(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		secrets := []string{goodPassword, "Tr0ub4dor&3 typo", "hunter2-in-the-name-field"}
		s := r.signUp("ada")
		r.post("login", map[string]string{"login": "ada", "password": "Tr0ub4dor&3 typo"}).Want(401)
		r.post("login", map[string]string{"login": "hunter2-in-the-name-field", "password": "x"}).Want(401)
		next := r.signedIn(r.post("refresh", nil, s.refresh()), 200)
		r.clock.add(time.Minute)
		r.post("refresh", nil, s.refresh()).Want(401)
		r.post("logout", nil, next.refresh(), bearer(next.AccessToken)).Want(204)
		for _, x := range []signedIn{s, next} {
			secrets = append(secrets, x.cookie.Value, x.AccessToken)
		}
		var hashes []string
		if err := r.db.R.Table("credentials").Pluck("password_hash", &hashes).Error; err != nil || len(hashes) != 1 {
			t.Fatal(err, hashes)
		}
		if !strings.HasPrefix(hashes[0], "$argon2id$") {
			t.Errorf("stored as %q", hashes[0])
		}
		text := r.log.String()
		if !strings.Contains(text, "/api/v1/auth/login") {
			t.Fatal("the log does not hold the requests at all")
		}
		for _, secret := range append(secrets, hashes[0]) {
			if strings.Contains(text, secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		// Nor in any table: hashes only.
		for _, table := range []string{"sessions", "refresh_tokens", "login_attempts", "audit_log", "accounts"} {
			var rows []map[string]any
			if err := r.db.R.Table(table).Find(&rows).Error; err != nil {
				t.Fatal(err)
			}
			dump, err := json.Marshal(rows)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if strings.Contains(string(dump), secret) {
					t.Errorf("%s holds %q", table, secret)
				}
			}
		}
	})
}

// Clean-up removes what is over and leaves the living alone.
func TestClean(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		old := r.signUp("old")
		r.signedIn(r.post("refresh", nil, old.refresh()), 200)
		r.post("login", map[string]string{"login": "old", "password": "wrong password"}).Want(401)
		r.clock.add(r.svc.cfg.RefreshTTL + cleanGrace + time.Minute)
		young := r.signUp("young")
		if err := r.svc.clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int64{"sessions": 1, "refresh_tokens": 1, "login_attempts": 1, "accounts": 2, "audit_log": 3} {
			if n := r.rows(table); n != want {
				t.Errorf("%d rows in %s, want %d", n, table, want)
			}
		}
		r.post("refresh", nil, young.refresh()).Want(200)
		r.post("login", map[string]string{"login": "old", "password": goodPassword}).Want(200)
	})
}

// A transaction that fails leaves nothing: no account without its event, no
// event without its account.
func TestSignUpIsAtomic(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, testkit.Bus(t))
		if err := d.W.Exec("DROP TABLE outbox").Error; err != nil {
			t.Fatal(err)
		}
		r.post("register", map[string]string{"username": "ada", "password": goodPassword}).WantProblem(errs.Internal)
		for _, table := range []string{"accounts", "credentials", "sessions", "refresh_tokens", "audit_log"} {
			if n := r.rows(table); n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		r.events.Expect(t)
	})
}

func TestRevokingNobodysSession(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		if err := r.svc.Logout(t.Context(), "", authn.Identity{SessionID: id.New()}, Client{}); err != nil {
			t.Fatal(err)
		}
		r.events.Expect(t)
	})
}

func TestClientFieldsFit(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		for _, agent := range []string{strings.Repeat("é", 300), "bad \xff bytes", ""} {
			from := Client{IP: strings.Repeat("1", 100), UserAgent: agent}
			if _, err := r.svc.Login(t.Context(), "ghost", "x", from); !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("%q: %v", agent, err)
			}
		}
	})
}
