package messages

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const retentionPath = "/api/v1/moderation/retention"

func (w *world) retention(as actor, query string) (v retentionView) {
	w.t.Helper()
	w.call(as, "GET", retentionPath+query, nil).Want(200).JSON(&v)
	return v
}

func (w *world) keep(as actor, days int, version uint64) (v retentionView) {
	w.t.Helper()
	w.call(as, "PUT", retentionPath, fields{"days": days, "version": version}).Want(200).JSON(&v)
	return v
}

// eraser is the replica that the tests erase as.
var eraser = id.New()

// graceOver makes what was decided hold now, and eraser the one who erases: the
// loop of the service itself, which runs all the time, finds nothing to do.
func (w *world) graceOver() {
	w.t.Helper()
	must(w.t, w.deps.DB.W.Exec("UPDATE retention SET lease_by = ?, lease_until = ? WHERE id = 1", eraser, now().Add(day)).Error)
	must(w.t, w.deps.DB.W.Exec("UPDATE retention SET takes_effect_at = ? WHERE takes_effect_at IS NOT NULL", now().Add(-time.Second)).Error)
}

// aged makes all that was written so far older, conversations included.
func (w *world) aged(by time.Duration) {
	w.t.Helper()
	var conversations []struct {
		ID        id.ID
		CreatedAt time.Time
	}
	must(w.t, w.deps.DB.R.Raw("SELECT id, created_at FROM conversations").Scan(&conversations).Error)
	for _, c := range conversations {
		must(w.t, w.deps.DB.W.Exec("UPDATE conversations SET created_at = ? WHERE id = ?", c.CreatedAt.Add(-by), c.ID).Error)
		var seqs []struct {
			Seq       uint64
			CreatedAt time.Time
		}
		must(w.t, w.deps.DB.R.Raw("SELECT seq, created_at FROM messages WHERE conversation_id = ?", c.ID).Scan(&seqs).Error)
		for _, m := range seqs {
			must(w.t, w.deps.DB.W.Exec("UPDATE messages SET created_at = ? WHERE conversation_id = ? AND seq = ?", m.CreatedAt.Add(-by), c.ID, m.Seq).Error)
		}
	}
	// A mark is made an hour after its conversation; here that was long ago.
	must(w.t, w.deps.DB.W.Exec("DELETE FROM retention_marks").Error)
	for _, c := range conversations {
		must(w.t, w.deps.DB.W.Exec("INSERT INTO retention_marks (conversation_id, erased_seq, due_at) VALUES (?, 0, ?)", c.ID, c.CreatedAt.Add(-by)).Error)
	}
}

// retained erases what is due, after graceOver, and returns of how many messages.
func (w *world) retained(svc *Service) int {
	w.t.Helper()
	n, err := svc.retain(w.t.Context(), eraser)
	must(w.t, err)
	return n
}

// Messages are kept for ever unless administrators say otherwise; who changes
// what somebody else changed meanwhile is told, and each change is recorded.
func TestRetentionSetting(t *testing.T) {
	each(t, func(w *world) {
		admin := w.staff("admin")
		if v := w.retention(admin, ""); v.Days != 0 || v.Version != 0 || v.TakesEffectAt != nil || v.ChangedAt != nil || v.Preview != nil {
			w.t.Errorf("%+v", v)
		}
		for _, days := range []any{-1, 3651, 1.5, "30", nil} {
			w.call(admin, "PUT", retentionPath, fields{"days": days, "version": 0}).WantProblem(errs.InvalidBody)
		}
		w.call(admin, "PUT", retentionPath, fields{"days": 30}).WantProblem(errs.InvalidBody)
		for _, query := range []string{"?days=0", "?days=3651", "?days=x"} {
			w.call(admin, "GET", retentionPath+query, nil).Want(400)
		}
		for _, who := range []actor{w.ben, w.staff("moderator")} {
			w.call(who, "GET", retentionPath, nil).WantProblem(errs.NotFound)
			w.call(who, "PUT", retentionPath, fields{"days": 30, "version": 0}).WantProblem(errs.NotFound)
		}
		first := w.keep(admin, 30, 0)
		if first.Days != 30 || first.Version != 1 || first.PreviousDays != 0 || first.TakesEffectAt == nil || time.Until(*first.TakesEffectAt) < 59*time.Minute {
			w.t.Errorf("%+v", first)
		}
		w.call(admin, "PUT", retentionPath, fields{"days": 7, "version": 0}).WantProblem(errs.Conflict)
		if same := w.keep(admin, 30, 1); same.Version != 1 {
			w.t.Errorf("nothing changed, and yet %+v", same)
		}
		// Shorter still: what holds until then is what holds now, not what was planned.
		if v := w.keep(admin, 7, 1); v.PreviousDays != 0 || v.TakesEffectAt == nil {
			w.t.Errorf("%+v", v)
		}
		if v := w.keep(admin, 0, 2); v.Days != 0 || v.TakesEffectAt != nil || v.Version != 3 {
			w.t.Errorf("taken back: %+v", v)
		}
		if _, err := w.svc.SetRetention(w.t.Context(), 3650, 3); err != nil {
			w.t.Error(err)
		}
		log := w.audits()
		if len(log) != 4 || !strings.Contains(log[0], `"from":"for ever"`) || !strings.Contains(log[0], `"to":"30 days"`) || !strings.Contains(log[1], `"to":"7 days"`) {
			w.t.Errorf("%q", log)
		}
		var operator int
		must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM audit_log WHERE account_id IS NULL").Scan(&operator).Error)
		if operator != 1 {
			w.t.Errorf("%d lines of the operator", operator)
		}
	})
}

// Old texts go, everywhere, when the setting has taken effect and not before;
// numbers, order, unread counts and cursors stay as they are.
func TestRetentionErases(t *testing.T) {
	each(t, func(w *world) {
		admin := w.staff("admin")
		old := w.post(w.ada, w.ben, "old")
		w.post(w.ben, w.ada, "old too")
		w.post(w.ada, w.ada, "an old note")
		reported := w.post(w.ada, w.eve, "reported and closed")
		waiting := w.post(w.ada, w.eve, "reported and open")
		var closed, open struct{ ID string }
		w.call(w.eve, "POST", "/api/v1/reports", fields{"message_id": reported.ID, "reason": "spam"}).Want(201).JSON(&closed)
		w.call(w.eve, "POST", "/api/v1/reports", fields{"message_id": waiting.ID, "reason": "spam"}).Want(201).JSON(&open)
		w.call(admin, "POST", "/api/v1/moderation/reports/"+closed.ID+"/close", fields{"decision": "dismissed"}).Want(200)
		w.aged(31 * day)
		must(w.t, w.deps.DB.W.Exec("UPDATE reports SET sent_at = ?", now().Add(-31*day)).Error)
		w.post(w.ada, w.ben, "new")
		before, log := w.conversation(w.ben, old.ConversationID), w.log(w.ben, "?limit=100")

		w.keep(admin, 30, 0)
		if n := w.retained(w.svc); n != 0 {
			w.t.Errorf("%d erased before it takes effect", n)
		}
		w.graceOver()
		if n := w.retained(w.svc); n != 5 {
			w.t.Errorf("%d erased", n)
		}
		if n := w.retained(w.svc); n != 0 {
			w.t.Errorf("%d erased again", n)
		}
		if got := w.bodies(w.ben, old.ConversationID); fmt.Sprint(got) != "[  new]" {
			w.t.Errorf("%q", got)
		}
		after := w.conversation(w.ben, old.ConversationID)
		if after.LastSeq != before.LastSeq || after.Unread != before.Unread || after.ReadSeq != before.ReadSeq || after.LastMessage.Body != "new" {
			w.t.Errorf("%+v, was %+v", after, before)
		}
		if again := w.log(w.ben, "?limit=100"); len(again.Items) != len(log.Items) || again.Cursor != log.Cursor || again.Items[0].Data["body"] != "" {
			w.t.Errorf("%+v, was %+v", again, log)
		}
		if r := w.reports(admin, "?state=closed").Items[0]; r.Body != "" || r.SentAt != nil {
			w.t.Errorf("the copy in a closed report stays: %+v", r)
		}
		if r := w.reports(admin, "").Items[0]; r.ID != open.ID || r.Body != "reported and open" {
			w.t.Errorf("the copy in an open report went: %+v", r)
		}
		w.aged(29 * day) // "new" is not old enough
		if n := w.retained(w.svc); n != 0 {
			w.t.Errorf("%d erased too early", n)
		}
		w.aged(2 * day)
		if n := w.retained(w.svc); n != 1 {
			w.t.Errorf("%d erased a month later", n)
		}
	})
}

// What is taken back within the hour erases nothing.
func TestRetentionTakenBack(t *testing.T) {
	each(t, func(w *world) {
		admin := w.staff("admin")
		m := w.post(w.ada, w.ben, "old")
		w.aged(400 * day)
		w.keep(admin, 30, 0)
		w.keep(admin, 0, 1)
		w.graceOver()
		if n := w.retained(w.svc); n != 0 || w.bodies(w.ben, m.ConversationID)[0] != "old" {
			w.t.Errorf("%d erased", n)
		}
	})
}

// Conversations get their marks in pages, once they are an hour old.
func TestRetentionMarks(t *testing.T) {
	each(t, func(w *world) {
		admin := w.staff("admin")
		w.keep(admin, 1, 0)
		w.graceOver()
		w.post(w.ada, w.ben, "of today")
		const many = markPage + 3
		must(w.t, w.deps.DB.W.Exec("DELETE FROM retention_marks").Error)
		for i := range many {
			at := now().Add(-3*day + time.Duration(i)*time.Second)
			conversation := firstID(at)
			conversation[15] = 1
			must(w.t, w.deps.DB.W.Exec("INSERT INTO conversations (id, kind, created_at) VALUES (?, 1, ?)", conversation, at).Error)
			must(w.t, w.deps.DB.W.Exec("INSERT INTO messages (conversation_id, seq, id, sender_id, client_id, body, created_at) VALUES (?, 1, ?, ?, ?, 'x', ?)",
				conversation, id.New(), w.ada.id, id.New(), at).Error)
		}
		if n := w.retained(w.svc); n != many {
			w.t.Errorf("%d erased, want %d", n, many)
		}
		if n := count(w, "retention_marks"); n != many {
			w.t.Errorf("%d marks, want %d: the new conversation waits", n, many)
		}
		w.aged(0) // gives it one
		var due int
		must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM retention_marks WHERE due_at < ?", now().Add(-day)).Scan(&due).Error)
		if n := w.retained(w.svc); n != 0 || due != many {
			w.t.Errorf("%d erased again, %d due", n, due)
		}
	})
}

// Long conversations take several transactions, and two replicas at once do the
// work of one: each text is erased and counted once.
func TestRetentionWithTwoReplicas(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		admin := w.staff("admin")
		m := w.post(w.ada, w.ben, "first")
		conversation, err := id.Parse(m.ConversationID)
		must(w.t, err)
		const more = 3*retainRows + 7
		for i := range more {
			must(w.t, w.deps.DB.W.Exec("INSERT INTO messages (conversation_id, seq, id, sender_id, client_id, body, created_at) VALUES (?, ?, ?, ?, ?, 'x', ?)",
				conversation, i+2, id.New(), w.ada.id, id.New(), now()).Error)
		}
		w.aged(31 * day)
		w.keep(admin, 30, 0)
		w.graceOver()
		var mu sync.Mutex
		var erased []int
		var all sync.WaitGroup
		for svc, me := range map[*Service]id.ID{w.svc: eraser, second: id.New()} {
			all.Go(func() {
				n, err := svc.retain(w.t.Context(), me)
				if err != nil {
					w.t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				erased = append(erased, n)
			})
		}
		all.Wait()
		slices.Sort(erased)
		var left, counted int
		must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM messages WHERE body <> ''").Scan(&left).Error)
		must(w.t, w.deps.DB.R.Raw("SELECT COALESCE(SUM(erased), 0) FROM message_days").Scan(&counted).Error)
		if erased[0] != 0 || erased[1] != more+1 || left != 0 || counted != more+1 {
			w.t.Errorf("erased %v of %d, %d left, %d counted", erased, more+1, left, counted)
		}
		// Without the lease both work at once, and still nothing is counted twice.
		must(w.t, w.deps.DB.W.Exec("UPDATE messages SET body = 'x'").Error)
		must(w.t, w.deps.DB.W.Exec("UPDATE retention_marks SET erased_seq = 0, due_at = ?", now().Add(-40*day)).Error)
		must(w.t, w.deps.DB.W.Exec("DELETE FROM message_days").Error)
		for _, svc := range []*Service{w.svc, second} {
			all.Go(func() {
				for more := true; more; {
					var err error
					if _, more, err = svc.store.eraseDue(w.t.Context()); err != nil {
						w.t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		must(w.t, w.deps.DB.R.Raw("SELECT COALESCE(SUM(erased), 0) FROM message_days").Scan(&counted).Error)
		if counted != more+1 {
			w.t.Errorf("%d counted, want %d", counted, more+1)
		}
	})
}

// A replica that stops half-way loses the lease, and another one goes on.
func TestRetentionLease(t *testing.T) {
	each(t, func(w *world) {
		w.keep(w.staff("admin"), 30, 0)
		w.graceOver()
		one, two, at := id.New(), id.New(), now().Add(2*day) // when the lease of eraser has ended
		for _, c := range []struct {
			who  id.ID
			at   time.Time
			want bool
		}{{one, at, true}, {two, at, false}, {one, at.Add(time.Minute), true}, {two, at.Add(leaseTime), false}, {two, at.Add(time.Minute + leaseTime + time.Second), true}, {one, at.Add(time.Minute + leaseTime + 2*time.Second), false}} {
			got, err := w.svc.store.lease(w.t.Context(), c.who, c.at)
			must(w.t, err)
			if got != c.want {
				w.t.Errorf("at %v: %v", c.at.Sub(at), got)
			}
		}
		var got atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				mine, err := w.svc.store.lease(w.t.Context(), id.New(), at.Add(day))
				if err != nil {
					w.t.Error(err)
				}
				if mine {
					got.Add(1)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 {
			w.t.Errorf("%d of 8 replicas at once got the lease", got.Load())
		}
	})
}

// People write while old texts of the same conversation go: all is there after.
func TestWritingWhileRetentionErases(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "old")
		for range 20 {
			w.post(w.ada, w.ben, "old")
		}
		w.aged(31 * day)
		w.keep(w.staff("admin"), 30, 0)
		w.graceOver()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { w.post(w.ben, w.ada, fmt.Sprint("new ", i)) })
		}
		all.Go(func() { w.retained(w.svc) })
		all.Wait()
		w.retained(w.svc)
		bodies := w.bodies(w.ben, m.ConversationID)
		for i, body := range bodies {
			if (i < 21) != (body == "") {
				w.t.Errorf("message %d says %q", i+1, body)
			}
		}
		if len(bodies) != 41 {
			w.t.Errorf("%d messages", len(bodies))
		}
	})
}
