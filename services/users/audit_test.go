package users

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// do is a request as p from a known device, and must be answered with status.
func do(t *testing.T, s *Service, p person, method, path string, body any, status int) {
	t.Helper()
	req := testkit.NewRequest(t, method, path, p.token, body)
	req.Header.Set("User-Agent", agent)
	if r := testkit.Do(t, s.Handler(), req); r.Status != status {
		t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
}

// showFlag shows a picture of p.
func showFlag(t *testing.T, s *Service, p person, status int) {
	t.Helper()
	putPicture(t, s, p.token, "image/png", encoded(t, "image/png", flag(64, 64))).Want(status)
}

// audits returns event and detail of the audit log, the oldest first.
func (w *world) audits(t *testing.T) (list []string) {
	t.Helper()
	for _, r := range w.auditRows(t) {
		list = append(list, r.Event+" "+*r.Detail)
	}
	return list
}

func (w *world) auditRows(t *testing.T) (rows []audit.Row) {
	t.Helper()
	if err := w.db.R.WithContext(t.Context()).Table("audit_log").Order("at, id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

// What people do to their profiles and to others is recorded with who, when and
// where: the names of what was changed, never the values; and once.
func TestAudit(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben := w.signUp("ada", "Ada"), w.signUp("ben", "Ben")
		admitAll(t, s, ada, ben)
		if log := w.audits(t); len(log) != 0 {
			t.Errorf("before anybody did anything: %q", log)
		}
		block := "/api/v1/users/me/blocks/" + ben.id.String()
		for range 2 { // the second time nothing changes
			do(t, s, ada, "PATCH", "/api/v1/users/me", map[string]string{"display_name": "Countess", "time_zone": "Europe/London"}, 200)
			do(t, s, ada, "PATCH", "/api/v1/users/me", map[string]string{"status_text": "counting", "language": "en-GB"}, 200)
			do(t, s, ada, "PUT", "/api/v1/users/me/privacy", map[string]bool{"listed": false, "show_last_seen": true, "show_read_receipts": false}, 200)
			do(t, s, ada, "PUT", block, nil, 204)
		}
		showFlag(t, s, ada, 200)
		showFlag(t, s, ada, 200) // another one
		for range 2 {
			do(t, s, ada, "DELETE", "/api/v1/users/me/picture", nil, 204)
			do(t, s, ada, "DELETE", block, nil, 204)
		}
		want := []string{
			`profile-changed {"fields":["display_name","time_zone"]}`,
			`profile-changed {"fields":["status_text","language"]}`,
			`privacy-changed {"fields":["listed","show_read_receipts"]}`,
			`person-blocked {"user":"` + ben.id.String() + `"}`,
			`picture-set {}`, `picture-set {}`, `picture-removed {}`,
			`person-unblocked {"user":"` + ben.id.String() + `"}`,
		}
		if log := w.audits(t); !slices.Equal(log, want) {
			t.Errorf("%q", log)
		}
		for _, r := range w.auditRows(t) {
			if r.AccountID == nil || *r.AccountID != ada.id || r.SessionID == nil || r.IP == "" || time.Since(r.At).Abs() > time.Minute ||
				r.UserAgent != agent && r.Event != eventPictureSet {
				t.Errorf("%+v", r)
			}
		}
		do(t, s, ada, "PUT", "/api/v1/users/me/blocks/"+ada.id.String(), nil, 400)
		do(t, s, ada, "PATCH", "/api/v1/users/me", map[string]string{"time_zone": "Europe/Nowhere"}, 400)
		if log := w.audits(t); len(log) != len(want) {
			t.Errorf("what was refused is recorded: %q", log[len(want):])
		}
	})
}

// A change and its record are there together or not at all.
func TestAuditIsInTheTransaction(t *testing.T) {
	deeds := map[string]func(t *testing.T, s *Service, ada, ben person){
		"profile": func(t *testing.T, s *Service, ada, _ person) {
			do(t, s, ada, "PATCH", "/api/v1/users/me", map[string]string{"display_name": "Countess"}, 500)
		},
		"picture": func(t *testing.T, s *Service, ada, _ person) { showFlag(t, s, ada, 500) },
		"privacy": func(t *testing.T, s *Service, ada, _ person) {
			do(t, s, ada, "PUT", "/api/v1/users/me/privacy", map[string]bool{"listed": false, "show_last_seen": true, "show_read_receipts": true}, 500)
		},
		"block": func(t *testing.T, s *Service, ada, ben person) {
			do(t, s, ada, "PUT", "/api/v1/users/me/blocks/"+ben.id.String(), nil, 500)
		},
	}
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben := w.signUp("ada", "Ada"), w.signUp("ben", "Ben")
		admitAll(t, s, ada, ben)
		rename := func(from, to string) {
			t.Helper()
			if err := w.db.W.Exec("ALTER TABLE " + from + " RENAME TO " + to).Error; err != nil {
				t.Fatal(err)
			}
		}
		before, err := s.store.find(t.Context(), ada.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"audit_log", "outbox"} {
			for name, deed := range deeds {
				rename(table, "away")
				deed(t, s, ada, ben)
				rename("away", table)
				if log := w.audits(t); len(log) != 0 {
					t.Errorf("without %s: of the %s there is %q", table, name, log)
				}
			}
			if after, err := s.store.find(t.Context(), ada.id); err != nil || after != before {
				t.Errorf("without %s: %+v, %v", table, after, err)
			}
			if list := get[UserPage](t, s.Handler(), "/api/v1/users/me/blocks", ada.token); len(list.Items) != 0 {
				t.Errorf("without %s: blocked %+v", table, list.Items)
			}
		}
	})
}

// The running replicas seal what they note, together in one chain.
func TestAuditIsSealed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		one, two := w.service(t), w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, one, ada)
		for i, name := range []string{"Bea", "Cleo", "Dora"} {
			do(t, []*Service{one, two}[i%2], ada, "PATCH", "/api/v1/users/me", map[string]string{"display_name": name}, 200)
			testkit.Eventually(t, patience, func() bool {
				report, err := audit.Verify(t.Context(), w.db, "users")
				if err != nil || !report.OK() {
					t.Fatalf("%+v %v", report, err)
				}
				return report.Rows == i+1 && report.Waiting == 0
			})
		}
	})
}

// Everybody sees what they did themselves, the newest first and in pages that
// meet, and neither whom they blocked nor where they were.
func TestActivity(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben := w.signUp("ada", "Ada"), w.signUp("ben", "Ben")
		admitAll(t, s, ada, ben)
		do(t, s, ada, "PUT", "/api/v1/users/me/blocks/"+ben.id.String(), nil, 204)
		do(t, s, ada, "PATCH", "/api/v1/users/me", map[string]string{"display_name": "Countess"}, 200)
		showFlag(t, s, ada, 200)
		do(t, s, ben, "PATCH", "/api/v1/users/me", map[string]string{"display_name": "Benedict"}, 200)
		const path = "/api/v1/users/me/activity"
		if body := testkit.Call(t, s.Handler(), "GET", path, ada.token, nil).Body; strings.Contains(string(body), ben.id.String()) || strings.Contains(string(body), "192.0.2") {
			t.Errorf("too much: %s", body)
		}
		var events []string
		all := get[audit.ActivityPage](t, s.Handler(), path, ada.token)
		for _, item := range all.Items {
			events = append(events, item.Event)
		}
		if !slices.Equal(events, []string{eventPictureSet, eventProfileChanged, eventBlocked}) || all.NextCursor != nil {
			t.Fatalf("%q", events)
		}
		if first := all.Items[2]; first.Device != "Firefox on Linux" || !first.Current {
			t.Errorf("%+v", first)
		}
		if list := get[audit.ActivityPage](t, s.Handler(), path, ben.token).Items; len(list) != 1 || list[0].Event != eventProfileChanged {
			t.Errorf("ben sees %+v", list)
		}
		var paged []audit.ActivityItem
		for query := "?limit=2"; query != ""; {
			page := get[audit.ActivityPage](t, s.Handler(), path+query, ada.token)
			paged, query = append(paged, page.Items...), ""
			if page.NextCursor != nil {
				query = "?limit=2&cursor=" + *page.NextCursor
			}
		}
		if !slices.Equal(paged, all.Items) {
			t.Errorf("in pages: %+v", paged)
		}
		for _, bad := range []string{"x", httpx.EncodeCursor(map[string]any{"at": time.Time{}, "id": id.New()})} {
			wantProblem(t, s, "GET", path+"?cursor="+bad, ada.token, nil, 400, "invalid-cursor")
		}
		wantProblem(t, s, "GET", path, "", nil, 401, "unauthenticated")
	})
}
