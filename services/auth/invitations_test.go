package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

func byInvitation(c *config.Config) { c.SignUp = "invite" }

func closed(c *config.Config) { c.SignUp = "closed" }

// invited makes an invitation and returns its secret.
func (r *rig) invited(boss signedIn, uses int, life time.Duration) (InvitationItem, string) {
	r.t.Helper()
	var made struct {
		Invitation InvitationItem
		Link       string
	}
	body := map[string]any{"max_uses": uses, "expires_in": int(life.Seconds()), "note": "for the team"}
	r.as(boss, "POST", "invitations", body).Want(http.StatusCreated).JSON(&made)
	_, token, ok := strings.Cut(made.Link, "http://localhost:8080/join#token=")
	token, err := url.QueryUnescape(token)
	if !ok || err != nil {
		r.t.Fatalf("link %q", made.Link)
	}
	return made.Invitation, token
}

func joining(name, invitation string) map[string]string {
	return map[string]string{"username": name, "password": goodPassword, "invitation": invitation}
}

func TestInvitation(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		made, token := r.invited(boss, 2, time.Hour)
		if made.MaxUses != 2 || made.Uses != 0 || made.MadeBy != "boss" || made.Note != "for the team" {
			t.Errorf("%+v", made)
		}
		hashes := r.svc.hasher.computed.Load()
		r.post("register", map[string]string{"username": "eve", "password": goodPassword}).WantProblem(errs.Forbidden)
		for _, bad := range []string{"x", token + "x", strings.Repeat("A", 43)} {
			r.post("register", joining("eve", bad)).WantProblem(errs.TokenInvalid)
		}
		if n := r.svc.hasher.computed.Load() - hashes; n != 0 {
			t.Errorf("%d passwords hashed for strangers", n)
		}
		r.post("register", joining("boss", token)).WantProblem(errs.IdentifierTaken) // uses nothing up
		r.post("register", joining("ada", token)).Want(http.StatusCreated)
		r.post("register", joining("bob", token)).Want(http.StatusCreated)
		r.post("register", joining("cleo", token)).WantProblem(errs.TokenInvalid)

		other, withdrawn := r.invited(boss, 5, time.Hour)
		var list struct{ Items []InvitationItem }
		r.as(boss, "GET", "invitations", nil).Want(200).JSON(&list)
		if len(list.Items) != 2 || list.Items[0].ID != other.ID || list.Items[1].Uses != 2 {
			t.Errorf("%+v", list)
		}
		r.as(boss, "DELETE", "invitations/"+other.ID.String(), nil).Want(http.StatusNoContent)
		r.as(boss, "DELETE", "invitations/"+other.ID.String(), nil).WantProblem(errs.NotFound)
		r.post("register", joining("cleo", withdrawn)).WantProblem(errs.TokenInvalid)

		_, late := r.invited(boss, 5, time.Hour)
		r.clock.add(time.Hour)
		r.post("register", joining("cleo", late)).WantProblem(errs.TokenInvalid)
		if got := r.audited(); !slices.Contains(got, eventInvited) || !slices.Contains(got, eventUninvited) {
			t.Errorf("audit %v", got)
		}
		if strings.Contains(r.log.String(), token) {
			t.Error("the secret is in the log")
		}
	}, byInvitation)
}

// Of fifty who want the last uses at the same moment, as many as there are get one.
func TestInvitationRace(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		const uses = 3
		made, token := r.invited(r.admin("boss"), uses, time.Hour)
		status := make([]int, 50)
		var all sync.WaitGroup
		for i := range status {
			all.Go(func() {
				s, ok := secretHash(token)
				if !ok {
					t.Error("no secret")
				}
				acc := Account{ID: id.New(), Username: "person" + strconv.Itoa(i), DisplayName: "x", Role: "user", CreatedAt: r.clock.now()}
				_, err := r.svc.store.createAccount(t.Context(), newAccount{account: acc, hash: "x", invitation: &s, audit: audit(acc.CreatedAt, eventSignUp, acc, Client{})})
				switch {
				case err == nil:
					status[i] = 201
				case !errs.Is(err, errs.TokenInvalid):
					t.Error(err)
				}
			})
		}
		all.Wait()
		won := 0
		for _, s := range status {
			if s == 201 {
				won++
			}
		}
		if n := r.rows("accounts"); won != uses || n != uses+1 {
			t.Errorf("%d of 50 came in with an invitation for %d; %d accounts", won, uses, n)
		}
		list, err := r.svc.Invitations(t.Context())
		if err != nil || list[0].ID != made.ID || list[0].Uses != uses {
			t.Errorf("%+v %v", list, err)
		}
	}, byInvitation)
}

func TestInvitationWithConfirmation(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		_, token := r.invited(r.admin("boss"), 1, time.Hour)
		body := joining("ada", token)
		body["email"] = "ada@example.org"
		r.post("register", body).WantProblem(errs.EmailUnconfirmed)
		body["username"], body["email"] = "bob", "bob@example.org"
		r.post("register", body).WantProblem(errs.TokenInvalid)
	}, byInvitation, required)
}

func TestSignUpModes(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		mode := func(want string) {
			t.Helper()
			var m struct{ Mode string }
			r.call("GET", "/api/v1/auth/sign-up", nil).Want(200).JSON(&m)
			if m.Mode != want {
				t.Errorf("mode %q, want %q", m.Mode, want)
			}
		}
		set := func(to string) {
			t.Helper()
			r.as(boss, "PUT", "settings", map[string]string{"sign_up": to}).Want(200)
			mode(to)
		}
		mode("closed") // as the operator configured it
		_, token := r.invited(boss, 1, time.Hour)
		r.post("register", joining("ada", token)).WantProblem(errs.Forbidden)
		set("open")
		r.post("register", joining("ada", "an old one")).Want(http.StatusCreated)
		set("invite")
		r.post("register", joining("bob", token)).Want(http.StatusCreated)
		set("closed")
		r.login("ada")
	}, closed)
}

func TestSettingsAndAnnouncement(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, eve := r.admin("boss"), r.signUp2("eve")
		soon := r.clock.now().Add(time.Hour)
		announce := func(text, level string, until any) map[string]any {
			a := map[string]any{"text": text, "level": level}
			if until != nil {
				a["until"] = until
			}
			return map[string]any{"sign_up": "open", "announcement": a}
		}
		for name, c := range map[string]struct {
			body any
			slug errs.Slug
		}{
			"no mode":       {map[string]any{}, errs.InvalidBody},
			"unknown mode":  {map[string]any{"sign_up": "maybe"}, errs.InvalidBody},
			"level":         {announce("x", "loud", nil), errs.InvalidBody},
			"empty":         {announce("", "info", nil), errs.InvalidBody},
			"spaces":        {announce("  ", "info", nil), errs.InvalidBody},
			"long":          {announce(strings.Repeat("x", 501), "info", nil), errs.InvalidBody},
			"two lines":     {announce("a\nb", "info", nil), errs.InvalidText},
			"turned around": {announce("a\u202eb", "info", nil), errs.InvalidText},
			"past":          {announce("x", "info", r.clock.now().Add(-time.Second)), errs.InvalidBody},
		} {
			t.Log(name)
			r.as(boss, "PUT", "settings", c.body).WantProblem(c.slug)
		}
		seen := func() *AnnouncementBody {
			t.Helper()
			var out struct{ Announcement *AnnouncementBody }
			r.call("GET", "/api/v1/auth/announcement", nil, bearer(eve.AccessToken)).Want(200).JSON(&out)
			return out.Announcement
		}
		r.call("GET", "/api/v1/auth/announcement", nil).Want(http.StatusUnauthorized)
		if seen() != nil {
			t.Error("there is none yet")
		}
		r.as(boss, "PUT", "settings", announce(" Back at 10 o'clock ", "warning", soon)).Want(200)
		first := seen()
		if first == nil || first.Text != "Back at 10 o'clock" || first.Level != "warning" || !first.Until.Equal(soon) {
			t.Fatalf("%+v", first)
		}
		r.as(boss, "PUT", "settings", announce("Back at 10 o'clock", "warning", nil)).Want(200)
		if again := seen(); again.ID != first.ID || again.Until != nil {
			t.Errorf("%+v: the same text again would come back to who dismissed it", again)
		}
		r.as(boss, "PUT", "settings", announce("Back at 11 o'clock", "info", soon)).Want(200)
		if next := seen(); next.ID == first.ID {
			t.Error("a new text has the old id: who dismissed that one never sees it")
		}
		r.clock.add(time.Hour)
		if late := seen(); late != nil {
			t.Errorf("%+v is shown after its time", late)
		}
	})
}

// signUp2 is signUp that leaves the events alone.
func (r *rig) signUp2(username string) signedIn {
	r.t.Helper()
	return r.signedIn(r.post("register", map[string]string{"username": username, "password": goodPassword}), http.StatusCreated)
}

func TestWhatInvitationsMayBe(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		for _, body := range []map[string]any{
			{},
			{"max_uses": 0, "expires_in": 60},
			{"max_uses": 1001, "expires_in": 60},
			{"max_uses": 1, "expires_in": 59},
			{"max_uses": 1, "expires_in": 31536001},
			{"max_uses": 1, "expires_in": 60, "note": strings.Repeat("x", 201)},
		} {
			r.as(boss, "POST", "invitations", body).WantProblem(errs.InvalidBody)
		}
		for _, wish := range []InvitationWish{{MaxUses: 0, Life: time.Hour}, {MaxUses: 1}, {MaxUses: 1, Life: 400 * 24 * time.Hour}} {
			if _, _, err := r.svc.Invite(t.Context(), Operator(), wish); !errs.Is(err, errs.InvalidBody) {
				t.Errorf("%+v: %v", wish, err)
			}
		}
	})
}
