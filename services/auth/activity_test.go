package auth

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sealing "chatapp/libs/audit"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// What happened is listed to whom it happened, the newest first, in pages that
// meet, and says nothing of where anybody is.
func TestActivity(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada, ben := r.signUp("ada"), r.signUp("ben")
		const phone = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"
		for range 2 {
			r.clock.add(time.Minute)
			r.post("login", map[string]string{"login": "ada", "password": goodPassword}, header{"User-Agent", phone}).Want(200)
		}
		r.clock.add(time.Minute)
		r.post("login", map[string]string{"login": "ada", "password": "not this one"}).WantProblem(errs.Unauthenticated)
		list := func(s signedIn, query string) (page sealing.ActivityPage) {
			t.Helper()
			res := r.call(http.MethodGet, "/api/v1/auth/events"+query, nil, bearer(s.AccessToken)).Want(200)
			if strings.Contains(string(res.Body), "192.0.2") || strings.Contains(string(res.Body), "Mozilla") {
				t.Errorf("too much: %s", res.Body)
			}
			res.JSON(&page)
			return page
		}
		all := list(ada, "").Items
		var events []string
		for _, item := range all {
			events = append(events, item.Event)
		}
		if !slices.Equal(events, []string{eventLoginFailed, eventLogin, eventLogin, eventSignUp}) {
			t.Fatalf("%v", events)
		}
		if all[1].Device != "Firefox on Android" || all[1].Current || !all[3].Current || !all[1].At.After(all[2].At) {
			t.Errorf("%+v", all)
		}
		if got := list(ben, "").Items; len(got) != 1 || got[0].Event != eventSignUp {
			t.Errorf("ben sees %+v", got)
		}
		var paged []sealing.ActivityItem
		for query := "?limit=3"; query != ""; {
			page := list(ada, query)
			paged = append(paged, page.Items...)
			query = ""
			if page.NextCursor != nil {
				query = "?limit=3&cursor=" + *page.NextCursor
			}
		}
		if !slices.Equal(paged, all) {
			t.Errorf("in pages: %+v", paged)
		}
		for _, bad := range []string{"x", httpx.EncodeCursor(map[string]any{"at": time.Time{}, "id": id.New()}), httpx.EncodeCursor(map[string]int{"page": 2})} {
			r.call(http.MethodGet, "/api/v1/auth/events?cursor="+bad, nil, bearer(ada.AccessToken)).WantProblem(errs.InvalidCursor)
		}
		r.call(http.MethodGet, "/api/v1/auth/events", nil).WantProblem(errs.Unauthenticated)
	})
}

// The running service seals what it notes.
func TestAuditIsSealed(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.signUp("ada")
		testkit.Eventually(t, 10*time.Second, func() bool {
			report, err := sealing.Verify(t.Context(), r.db, "auth")
			if err != nil || !report.OK() {
				t.Fatalf("%+v %v", report, err)
			}
			return report.Rows == 1 && report.Waiting == 0
		})
		r.signUp("ben")
		testkit.Eventually(t, 10*time.Second, func() bool {
			report, err := sealing.Verify(t.Context(), r.db, "auth")
			return err == nil && report.OK() && report.Rows == 2 && report.Seals == 2
		})
	})
}
