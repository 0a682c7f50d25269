package messages

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// reported lets ben report a message of ada's and returns the report's id.
func (w *world) reported(message string) string {
	w.t.Helper()
	var made struct{ ID string }
	w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": message, "reason": "illegal"}).Want(201).JSON(&made)
	return made.ID
}

func (w *world) close(as actor, report, decision string) *testkit.Response {
	w.t.Helper()
	return w.call(as, "POST", "/api/v1/moderation/reports/"+report+"/close", fields{"decision": decision, "note": "Read it."})
}

// The text of a removed message is gone wherever it is read, and every member is
// told once, in the log as over the bus; numbers stay as they are.
func TestRemove(t *testing.T) {
	each(t, func(w *world) {
		moderator := w.staff("moderator")
		m := w.post(w.ada, w.ben, "something illegal")
		w.post(w.ada, w.ben, "harmless")
		report := w.reported(m.ID)
		old := w.log(w.ben, "")
		before := w.call(w.ben, "GET", "/api/v1/messages/"+m.ID, nil).Header.Get("ETag")
		seen := w.record()
		var closed reportView
		w.close(moderator, report, "removed").Want(200).JSON(&closed)
		if closed.Decision != "removed" || closed.State != "closed" {
			w.t.Errorf("%+v", closed)
		}
		told := seen.Expect(w.t, logged(w.ada), logged(w.ben))
		want := `"type":"message.erased"`
		for _, e := range told {
			if !containsText(e.Data, want) || !containsText(e.Data, m.ID) || !containsText(e.Data, m.ConversationID) || containsText(e.Data, "illegal") {
				w.t.Errorf("%s", e.Data)
			}
		}
		for _, who := range []actor{w.ada, w.ben} {
			if got := w.bodies(who, m.ConversationID); len(got) != 2 || got[0] != "" || got[1] != "harmless" {
				w.t.Errorf("%q", got)
			}
			items := w.log(who, "?limit=100").Items
			last := items[len(items)-1]
			if items[0].Data["body"] != "" || last.Type != events.TypeMessageErased || last.Seq != uint64(len(items)) || last.Data["message_id"] != m.ID || last.Data["seq"] != float64(1) || time.Since(last.Time) > time.Minute {
				w.t.Errorf("%+v", items)
			}
		}
		if p := w.log(w.ben, "?after="+old.Cursor); len(p.Items) != 1 || p.Items[0].Type != events.TypeMessageErased {
			w.t.Errorf("%+v", p)
		}
		req := testkit.NewRequest(w.t, "GET", "/api/v1/messages/"+m.ID, w.ben.token, nil)
		req.Header.Set("If-None-Match", before)
		if res := testkit.Do(w.t, w.svc.Handler(), req); res.Status != http.StatusOK {
			w.t.Errorf("a cached copy stays valid: %d", res.Status)
		}
		c := w.conversation(w.ben, m.ConversationID)
		if c.LastSeq != 2 || c.Unread != 2 {
			w.t.Errorf("%+v", c)
		}
		log := w.audits()
		if last := log[len(log)-1]; !strings.HasPrefix(last, "report-closed ") || !strings.Contains(last, `"removed"`) {
			w.t.Errorf("%q", log)
		}
		// The moderators' copy stays: it is what was decided about.
		if r := w.reports(moderator, "?state=closed").Items[0]; r.Body != "something illegal" {
			w.t.Errorf("%+v", r)
		}
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
	})
}

// Who may decide what; nothing half-done is left.
func TestRemoveRefused(t *testing.T) {
	each(t, func(w *world) {
		moderator := w.staff("moderator")
		m := w.post(w.ada, w.ben, "x")
		var about struct{ ID string }
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.ada.id, "reason": "spam"}).Want(201).JSON(&about)
		w.close(moderator, about.ID, "removed").WantProblem(errs.InvalidBody)
		report := w.reported(m.ID)
		w.close(w.ben, report, "removed").WantProblem(errs.NotFound)
		w.close(moderator, id.New().String(), "removed").WantProblem(errs.NotFound)
		w.close(moderator, about.ID, "suspended").Want(200)
		w.close(moderator, report, "dismissed").Want(200)
		w.close(moderator, report, "removed").WantProblem(errs.Conflict)
		if got := w.bodies(w.ben, m.ConversationID); got[0] != "x" {
			w.t.Errorf("closed before, and yet %q", got)
		}
		if items := w.log(w.ben, "").Items; len(items) != 1 {
			w.t.Errorf("%+v", items)
		}
	})
}

// Two moderators at once, a message whose text is gone already, and the sender
// who repeats the post: it is erased once, told once, and no error.
func TestRemoveAgain(t *testing.T) {
	each(t, func(w *world) {
		moderator, admin := w.staff("moderator"), w.staff("admin")
		post := newPost(w.ben, "x")
		var m events.Message
		w.call(w.ada, "POST", "/api/v1/messages", post).Want(201).JSON(&m)
		report := w.reported(m.ID)
		var mu sync.Mutex
		statuses := map[int]int{}
		var all sync.WaitGroup
		for _, who := range []actor{moderator, admin} {
			all.Go(func() {
				status := w.close(who, report, "removed").Status
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
		}
		all.Wait()
		if statuses[200] != 1 || statuses[409] != 1 {
			w.t.Errorf("%v", statuses)
		}
		w.close(moderator, w.reported(m.ID), "removed").Want(200) // nothing is left to erase
		if items := w.log(w.ben, "").Items; len(items) != 2 {
			w.t.Errorf("%+v", items)
		}
		w.call(w.ada, "POST", "/api/v1/messages", post).Want(200).JSON(&m)
		if m.Body != "" || m.Seq != 1 {
			w.t.Errorf("%+v", m)
		}
	})
}

// People write while messages of their conversation are removed, on two
// replicas: the logs stay dense, and each removal is told once.
func TestRemoveWhileWriting(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		moderator := w.staff("moderator")
		const each = 10
		var reports []string
		for range each {
			reports = append(reports, w.reported(w.post(w.ada, w.ben, "bad").ID))
		}
		var all sync.WaitGroup
		for i := range each {
			h := w.svc.Handler()
			if i%2 == 1 {
				h = second.Handler()
			}
			all.Go(func() {
				testkit.Call(w.t, h, "POST", "/api/v1/messages", w.ben.token, newPost(w.ada, "fine")).Want(201)
			})
			all.Go(func() {
				testkit.Call(w.t, h, "POST", "/api/v1/moderation/reports/"+reports[i]+"/close", moderator.token, fields{"decision": "removed"}).Want(200)
			})
		}
		all.Wait()
		for _, who := range []actor{w.ada, w.ben} {
			kinds := map[string]int{}
			for i, e := range w.log(who, "?limit=1000").Items {
				if e.Seq != uint64(i+1) {
					w.t.Fatalf("entry %d has seq %d", i, e.Seq)
				}
				kinds[e.Type]++
			}
			if kinds[events.TypeMessageErased] != each || kinds[events.TypeMessageCreated] != 2*each {
				w.t.Errorf("%v", kinds)
			}
		}
	})
}

// The log as a replica of the version before reads it: an erasure is a message
// that it can encode, without a text. Were it a kind of its own, such a replica
// would answer with an error until the last of them is replaced.
func TestErasureIsReadableByOlderReplicas(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "x")
		w.close(w.staff("moderator"), w.reported(m.ID), "removed").Want(200)
		var kinds []uint8
		must(w.t, w.deps.DB.R.Raw("SELECT kind FROM user_events WHERE user_id = ? ORDER BY event_seq", w.ben.id).Scan(&kinds).Error)
		if len(kinds) != 2 || kinds[1] != kindMessage {
			w.t.Errorf("%v", kinds)
		}
	})
}

// A process that dies after it removed a message told nobody: the next one tells.
func TestErasureLeavesThroughTheOutbox(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "x")
		reportID, err := id.Parse(w.reported(m.ID))
		must(w.t, err)
		testkit.Eventually(w.t, 20*time.Second, func() bool { return count(w, "outbox") == 0 })
		news, stored := w.record(), testkit.Record(w.t, w.deps.Bus, "chat.messages.v1.committed.*")
		who := auditor{Account: w.ada.id, Session: id.New()}
		u, err := w.svc.store.closeReport(w.t.Context(), verdict{report: reportID, decision: decisionRemoved, by: who})
		must(w.t, err) // and never handed to the relay
		w.swept(u, news, stored)
		var e events.Entry
		must(w.t, json.Unmarshal(news.All()[0].Data, &e))
		if e.Type != events.TypeMessageErased || e.Seq != 2 {
			w.t.Errorf("%+v", e)
		}
	})
}
