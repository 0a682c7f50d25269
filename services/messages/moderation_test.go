package messages

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// staff is a person with a role.
func (w *world) staff(role string) actor {
	w.t.Helper()
	a := w.person(role, role)
	a.token = w.tokens.Sign(authn.Identity{UserID: a.id, SessionID: id.New(), Username: role, Role: role, Expires: time.Now().Add(10 * time.Minute)})
	return a
}

type reportPage struct {
	Items      []reportView
	NextCursor *string `json:"next_cursor"`
}

func (w *world) reports(as actor, query string) (p reportPage) {
	w.t.Helper()
	w.call(as, "GET", "/api/v1/moderation/reports"+query, nil).Want(200).JSON(&p)
	return p
}

// audits returns event and detail of the audit log, the oldest first.
func (w *world) audits() (list []string) {
	w.t.Helper()
	var rows []struct{ Event, Detail string }
	must(w.t, w.deps.DB.R.Raw("SELECT event, detail FROM audit_log ORDER BY id").Scan(&rows).Error)
	for _, r := range rows {
		list = append(list, r.Event+" "+r.Detail)
	}
	return list
}

// A report keeps what was reported, is made once, and only of what its reporter
// can see.
func TestReports(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "buy pills")
		var first, again, other struct{ ID string }
		body := fields{"message_id": m.ID, "reason": "spam", "note": "Again and again."}
		w.call(w.ben, "POST", "/api/v1/reports", body).Want(201).JSON(&first)
		w.call(w.ben, "POST", "/api/v1/reports", body).Want(200).JSON(&again)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.ada.id, "reason": "other"}).Want(201).JSON(&other)
		if first != again || first == other {
			w.t.Errorf("%v %v %v", first, again, other)
		}
		w.call(w.eve, "POST", "/api/v1/reports", body).WantProblem(errs.NotFound)
		w.call(w.eve, "POST", "/api/v1/reports", fields{"message_id": id.New(), "reason": "spam"}).WantProblem(errs.NotFound)
		w.call(w.ada, "POST", "/api/v1/reports", body).WantProblem(errs.InvalidBody) // her own message
		w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": m.ID, "user_id": w.ada.id, "reason": "spam"}).WantProblem(errs.InvalidBody)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": m.ID, "reason": "boring"}).WantProblem(errs.InvalidBody)
		moderator := w.staff("moderator")
		list := w.reports(moderator, "").Items
		if len(list) != 2 {
			w.t.Fatalf("%+v", list)
		}
		r := list[1]
		if r.ID != first.ID || r.Body != "buy pills" || r.MessageID != m.ID || r.Person.Username != "ada" || r.Reporter.Username != "ben" ||
			r.Note != "Again and again." || r.State != "open" || r.SentAt == nil || !r.SentAt.Equal(m.CreatedAt) {
			w.t.Errorf("%+v", r)
		}
		if list[0].Body != "" || list[0].MessageID != "" || list[0].Reason != "other" {
			w.t.Errorf("%+v", list[0])
		}
	})
}

// The twenty-first report of a day has to wait, whatever became of the others.
func TestReportsPerDay(t *testing.T) {
	each(t, func(w *world) {
		for range reportsPerDay {
			w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": w.post(w.ada, w.ben, "spam").ID, "reason": "spam"}).Want(201)
		}
		last := w.post(w.ada, w.ben, "spam")
		must(w.t, w.deps.DB.W.Exec("UPDATE reports SET state = 1, open_key = NULL").Error)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": last.ID, "reason": "spam"}).WantProblem(errs.RateLimited)
		must(w.t, w.deps.DB.W.Exec("UPDATE reports SET created_at = ?", now().Add(-reportWindow-time.Second)).Error)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": last.ID, "reason": "spam"}).Want(201)
	})
}

// Reports are for moderators and administrators; closing one is recorded, and
// happens once. Afterwards the same may be reported anew.
func TestModeration(t *testing.T) {
	each(t, func(w *world) {
		report := fields{"user_id": w.ada.id, "reason": "harassment"}
		var made struct{ ID string }
		w.call(w.ben, "POST", "/api/v1/reports", report).Want(201).JSON(&made)
		w.call(w.eve, "POST", "/api/v1/reports", report).Want(201)
		closing := "/api/v1/moderation/reports/" + made.ID + "/close"
		verdict := fields{"decision": "dismissed", "note": "Third time."}
		w.call(w.ben, "GET", "/api/v1/moderation/reports", nil).WantProblem(errs.NotFound)
		w.call(w.ben, "POST", closing, verdict).WantProblem(errs.NotFound)
		moderator, admin := w.staff("moderator"), w.staff("admin")
		first := w.reports(admin, "?limit=1")
		if len(first.Items) != 1 || first.NextCursor == nil {
			w.t.Fatalf("%+v", first)
		}
		if rest := w.reports(admin, "?limit=1&cursor="+*first.NextCursor); len(rest.Items) != 1 || rest.Items[0].ID != made.ID || rest.NextCursor != nil {
			w.t.Errorf("%+v", rest)
		}
		w.call(moderator, "POST", closing, fields{"decision": "beheaded"}).Want(400)
		var closed reportView
		w.call(moderator, "POST", closing, verdict).Want(200).JSON(&closed)
		if closed.State != "closed" || closed.Decision != "dismissed" || closed.DecidedBy == nil || closed.DecidedBy.Username != "moderator" || closed.DecidedAt == nil {
			w.t.Errorf("%+v", closed)
		}
		w.call(admin, "POST", closing, verdict).WantProblem(errs.Conflict)
		w.call(admin, "POST", "/api/v1/moderation/reports/"+id.New().String()+"/close", verdict).WantProblem(errs.NotFound)
		if open, done := w.reports(admin, "").Items, w.reports(admin, "?state=closed").Items; len(open) != 1 || len(done) != 1 || done[0].ID != made.ID {
			w.t.Errorf("open %+v, closed %+v", open, done)
		}
		w.call(w.ben, "POST", "/api/v1/reports", report).Want(201)
		log := w.audits()
		if len(log) != 4 || !strings.HasPrefix(log[2], "report-closed ") || !strings.Contains(log[2], `"Third time."`) || !strings.Contains(log[2], made.ID) {
			w.t.Errorf("%q", log)
		}
	})
}

// searching runs fn where the operator switched the search on.
func searching(t *testing.T, fn func(w *world)) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.deps.Config.MessageSearch = "on"
		w.svc = start(t, w.deps)
		fn(w)
	})
}

const because = "case 4711, asked by the court"

func (w *world) search(as actor, status int, params ...string) []foundView {
	w.t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	res := w.call(as, "GET", "/api/v1/moderation/messages?"+q.Encode(), nil).Want(status)
	var page struct {
		Items      []foundView
		NextCursor *string `json:"next_cursor"`
	}
	if status == 200 {
		res.JSON(&page)
		if page.NextCursor != nil {
			return append(page.Items, w.search(as, status, append(params, "cursor", *page.NextCursor)...)...)
		}
	}
	return page.Items
}

// A search finds by who, to whom, what and when; each leaves a line in the audit
// log, also when it finds nothing; without a reason or a person there is none.
func TestSearch(t *testing.T) {
	searching(t, func(w *world) {
		admin := w.staff("admin")
		w.post(w.ada, w.ben, "100% sure: the Parcel is here")
		w.post(w.ben, w.ada, "which parcel?")
		last := w.post(w.ada, w.eve, "another parcel")
		w.post(w.eve, w.eve, "notes")
		for _, c := range []struct {
			params []string
			want   int
		}{
			{[]string{"from", "ada"}, 2},
			{[]string{"from", w.ada.id.String()}, 2},
			{[]string{"to", "Ada"}, 1},
			{[]string{"from", "ada", "to", "eve"}, 1},
			{[]string{"from", "ada", "text", "PARCEL"}, 2},
			{[]string{"from", "ada", "text", "0%"}, 1},
			{[]string{"from", "ada", "text", "%"}, 1},
			{[]string{"from", "ada", "text", "pa_cel"}, 0},
			{[]string{"from", "ada", "limit", "1"}, 2},
			{[]string{"from", "ada", "since", last.CreatedAt.Format(time.RFC3339Nano)}, 1},
			{[]string{"from", "ada", "until", last.CreatedAt.Format(time.RFC3339Nano)}, 1},
			{[]string{"from", "nosuch"}, 0},
		} {
			before := len(w.audits())
			got := w.search(admin, 200, append(c.params, "reason", because)...)
			if len(got) != c.want {
				w.t.Errorf("%v: %+v", c.params, got)
			}
			log := w.audits()
			if len(log) == before || !strings.HasPrefix(log[before], "messages-searched ") || !strings.Contains(log[before], because) {
				w.t.Errorf("%v left %q", c.params, log[before:])
			}
		}
		before := len(w.audits())
		w.search(admin, 400, "from", "ada")
		w.search(admin, 400, "from", "ada", "reason", "curious")
		w.search(admin, 400, "from", "ada", "reason", "              ")
		w.search(admin, 400, "text", "parcel", "reason", because)
		w.search(w.staff("moderator"), 404, "from", "ada", "reason", because)
		w.search(w.eve, 404, "from", "ada", "reason", because)
		if n := len(w.audits()); n != before {
			w.t.Errorf("%d lines, want %d", n, before)
		}
	})
}

// Nothing is shown that could not be recorded.
func TestSearchNeedsItsRecord(t *testing.T) {
	searching(t, func(w *world) {
		w.post(w.ada, w.ben, "secret")
		admin := w.staff("admin")
		must(w.t, w.deps.DB.W.Exec("ALTER TABLE audit_log RENAME TO audit_away").Error)
		res := w.call(admin, "GET", "/api/v1/moderation/messages?from=ada&reason="+url.QueryEscape(because), nil)
		if res.Status < 500 || strings.Contains(string(res.Body), "secret") {
			w.t.Errorf("%d %s", res.Status, res.Body)
		}
	})
}

// Where the operator did not switch it on there is no search.
func TestSearchIsOff(t *testing.T) {
	each(t, func(w *world) {
		w.search(w.staff("admin"), 404, "from", "ada", "reason", because)
		if log := w.audits(); len(log) != 0 {
			w.t.Errorf("%q", log)
		}
	})
}
