package messages

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// auditEvents returns the events of the audit log that somebody caused, the
// oldest first.
func (w *world) auditEvents(by actor) (list []string) {
	w.t.Helper()
	must(w.t, w.deps.DB.R.Raw("SELECT event FROM audit_log WHERE account_id = ? ORDER BY at, id", by.id).Scan(&list).Error)
	return list
}

// about is the detail of a row about a request.
func about(conversation string, other actor) string {
	return `{"conversation":"` + conversation + `","user":"` + other.id.String() + `"}`
}

// Who may write first and what becomes of requests is recorded, once, with who,
// when and where; an answer accepts a request, too. What people write is not in
// it.
func TestRequestsAreRecorded(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", false) // as it is
		w.policy(w.ben, "contacts", false)
		for range 2 {
			w.policy(w.ben, "everyone", true)
		}
		fromAda := w.post(w.ada, w.ben, "may I?").ConversationID
		for range 2 {
			w.decide(w.ben, fromAda, "ignore")
		}
		w.decide(w.ada, fromAda, "ignore") // it is no request to her
		for range 2 {
			w.decide(w.ben, fromAda, "accept")
		}
		fromEve := w.post(w.eve, w.ben, "and I?").ConversationID
		w.post(w.ben, w.eve, "of course")
		w.post(w.ben, w.eve, "once more")
		want := []string{
			`contact-policy-changed {"ask_first":"false","who_may_write":"contacts"}`,
			`contact-policy-changed {"ask_first":"true","who_may_write":"everyone"}`,
			`request-ignored ` + about(fromAda, w.ada), `request-accepted ` + about(fromAda, w.ada), `request-accepted ` + about(fromEve, w.eve),
		}
		if log := w.audits(); !slices.Equal(log, want) {
			w.t.Errorf("%q", log)
		}
		var rows []audit.Row
		must(w.t, w.deps.DB.R.Table("audit_log").Find(&rows).Error)
		for _, r := range rows {
			if r.AccountID == nil || *r.AccountID != w.ben.id || r.SessionID == nil || r.IP == "" || time.Since(r.At).Abs() > time.Minute {
				w.t.Errorf("%+v", r)
			}
		}
	})
}

// A deed and its record are there together or not at all.
func TestAuditIsInTheTransaction(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		asked := w.post(w.ada, w.ben, "may I?")
		before := w.audits()
		deeds := map[string]func() *testkit.Response{
			"policy": func() *testkit.Response {
				return w.call(w.ben, "PUT", "/api/v1/contact-policy", fields{"who_may_write": "nobody", "ask_first": false})
			},
			"accept": func() *testkit.Response {
				return w.call(w.ben, "POST", "/api/v1/conversations/"+asked.ConversationID+"/accept", nil)
			},
			"ignore": func() *testkit.Response {
				return w.call(w.ben, "POST", "/api/v1/conversations/"+asked.ConversationID+"/ignore", nil)
			},
			"answer": func() *testkit.Response { return w.call(w.ben, "POST", "/api/v1/messages", newPost(w.ada, "yes")) },
			"report": func() *testkit.Response {
				return w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": asked.ID, "reason": "spam"})
			},
		}
		// The table that is away, and what needs it besides the record.
		for table, names := range map[string][]string{
			"audit_log": {"policy", "accept", "ignore", "answer", "report"}, "outbox": {"accept", "ignore", "answer"},
			"members": {"policy"}, "reports": {"report"},
		} {
			for _, name := range names {
				must(w.t, w.deps.DB.W.Exec("ALTER TABLE "+table+" RENAME TO away").Error)
				if got := deeds[name]().Status; got < 500 {
					w.t.Errorf("%s without %s: %d", name, table, got)
				}
				must(w.t, w.deps.DB.W.Exec("ALTER TABLE away RENAME TO "+table).Error)
				if log := w.audits(); !slices.Equal(log, before) {
					w.t.Errorf("%s without %s is recorded: %q", name, table, log)
				}
			}
		}
		if got := w.conversation(w.ben, asked.ConversationID); got.Request != "incoming" || got.LastSeq != 1 || count(w, "reports") != 0 {
			w.t.Errorf("%+v, %d reports", got, count(w, "reports"))
		}
		var v policyView
		w.call(w.ben, "GET", "/api/v1/contact-policy", nil).Want(200).JSON(&v)
		if v != (policyView{WhoMayWrite: "everyone", AskFirst: true}) {
			w.t.Errorf("%+v", v)
		}
	})
}

// What the replicas note is sealed into one chain, together; a detail that was
// changed is found.
func TestAuditIsSealed(t *testing.T) {
	each(t, func(w *world) {
		other := start(w.t, w.deps)
		sealed := func(rows int) {
			w.t.Helper()
			testkit.Eventually(w.t, 20*time.Second, func() bool {
				report, err := audit.Verify(w.t.Context(), w.deps.DB, "messages")
				if err != nil || !report.OK() {
					w.t.Fatalf("%+v %v", report, err)
				}
				return report.Rows == rows && report.Waiting == 0
			})
		}
		w.policy(w.ben, "nobody", false)
		sealed(1)
		testkit.Call(w.t, other.Handler(), "PUT", "/api/v1/contact-policy", w.ben.token, fields{"who_may_write": "everyone", "ask_first": true}).Want(200)
		sealed(2)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.ada.id, "reason": "spam"}).Want(201)
		sealed(3)
		must(w.t, w.deps.DB.W.Exec("UPDATE audit_log SET detail = '{}' WHERE event = ?", eventReported).Error)
		report, err := audit.Verify(w.t.Context(), w.deps.DB, "messages")
		if err != nil || report.OK() || !strings.Contains(report.Problems[0], "was changed") {
			w.t.Errorf("%+v %v", report, err)
		}
	})
}

// Everybody sees what they did themselves, in pages that meet; staff also what
// they did as such. Nobody sees what was done to them.
func TestActivity(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		w.decide(w.ben, w.post(w.ada, w.ben, "may I?").ConversationID, "accept")
		var made struct{ ID string }
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.ada.id, "reason": "spam", "note": "ridiculous"}).Want(201).JSON(&made)
		moderator := w.staff("moderator")
		w.call(moderator, "POST", "/api/v1/moderation/reports/"+made.ID+"/close", fields{"decision": "dismissed", "note": "ridiculous"}).Want(200)
		const path = "/api/v1/messages/activity"
		list := func(as actor, query string) (page audit.ActivityPage) {
			w.t.Helper()
			res := w.call(as, "GET", path+query, nil).Want(200)
			if body := string(res.Body); strings.Contains(body, "ridiculous") || strings.Contains(body, w.ada.id.String()) || strings.Contains(body, "192.0.2") {
				w.t.Errorf("too much: %s", body)
			}
			res.JSON(&page)
			return page
		}
		for who, want := range map[actor][]string{
			w.ben: {eventReported, eventRequestAccepted, eventPolicyChanged}, w.ada: nil, moderator: {eventReportClosed},
		} {
			var events []string
			for _, item := range list(who, "").Items {
				events = append(events, item.Event)
			}
			if !slices.Equal(events, want) || len(events) != len(w.auditEvents(who)) {
				w.t.Errorf("%q, want %q", events, want)
			}
		}
		first := list(w.ben, "?limit=2")
		rest := list(w.ben, "?limit=2&cursor="+*first.NextCursor)
		if got := append(first.Items, rest.Items...); !slices.Equal(got, list(w.ben, "").Items) || rest.NextCursor != nil {
			w.t.Errorf("in pages: %+v", got)
		}
		for _, bad := range []string{"x", httpx.EncodeCursor(map[string]any{"at": time.Time{}, "id": id.New()})} {
			w.call(w.ben, "GET", path+"?cursor="+bad, nil).WantProblem(errs.InvalidCursor)
		}
		w.call(actor{}, "GET", path, nil).WantProblem(errs.Unauthenticated)
	})
}
