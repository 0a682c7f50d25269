package auth

import (
	"net/http"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

func (r *rig) sessions(s signedIn) (list []SessionItem) {
	r.t.Helper()
	var body struct{ Items []SessionItem }
	r.call(http.MethodGet, "/api/v1/auth/sessions", nil, bearer(s.AccessToken)).Want(200).JSON(&body)
	return body.Items
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		here := r.signUp("ada")
		ben := r.signUp("ben")
		login := func(agent string) signedIn {
			return r.signedIn(r.post("login", map[string]string{"login": "ada", "password": goodPassword}, header{"User-Agent", agent}), 200)
		}
		r.clock.add(time.Minute)
		phone := login("Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0")
		r.clock.add(time.Minute)
		laptop := login("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36")
		list := r.sessions(here)
		if len(list) != 3 || list[0].Device != "Chrome on Linux" || list[1].Device != "Firefox on Android" || !list[2].Current ||
			list[0].Current || list[0].LastUsedAt.Before(list[1].LastUsedAt) {
			t.Fatalf("%+v", list)
		}
		if n := len(r.sessions(ben)); n != 1 {
			t.Errorf("ben has %d sessions", n)
		}

		end := func(s signedIn, sess id.ID) int {
			return r.call(http.MethodDelete, "/api/v1/auth/sessions/"+sess.String(), nil, bearer(s.AccessToken)).Status
		}
		if got := end(ben, list[0].ID); got != http.StatusNotFound {
			t.Errorf("ben ends ada's session: %d", got)
		}
		if got := end(here, list[0].ID); got != http.StatusNoContent {
			t.Errorf("ada ends her own session: %d", got)
		}
		if got := end(here, list[0].ID); got != http.StatusNotFound {
			t.Errorf("and again: %d", got)
		}
		r.events.Expect(t, here.revokedSubject())
		r.post("refresh", nil, laptop.refresh()).WantProblem(errs.Unauthenticated)
		if _, err := r.svc.verifier.Verify(t.Context(), laptop.AccessToken); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("its token still works: %v", err)
		}

		r.post("sessions/end-others", nil, bearer(here.AccessToken)).Want(http.StatusNoContent)
		r.events.Expect(t, here.revokedSubject())
		r.post("refresh", nil, phone.refresh()).WantProblem(errs.Unauthenticated)
		if list := r.sessions(here); len(list) != 1 || !list[0].Current {
			t.Errorf("%+v", list)
		}
		r.post("sessions/end-others", nil, bearer(here.AccessToken)).Want(http.StatusNoContent) // none left
	})
}
