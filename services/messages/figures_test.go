package messages

import (
	"context"
	"fmt"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

type figuresBody struct {
	Messages, Conversations uint64
	OpenReports             uint64 `json:"open_reports"`
	WritersDay              uint64 `json:"writers_day"`
	WritersWeek             uint64 `json:"writers_week"`
	WritersMonth            uint64 `json:"writers_month"`
	Days                    []messageDay
	Complete                bool
}

// counted waits until the service has counted what was there when it began.
func (w *world) counted() {
	w.t.Helper()
	testkit.Eventually(w.t, 20*time.Second, func() bool {
		state, err := w.svc.store.meta(w.deps.DB.R, metaCountAt)
		return err == nil && state == countedAll
	})
}

func (w *world) figures(as actor) (f figuresBody) {
	w.t.Helper()
	w.call(as, "GET", "/api/v1/moderation/statistics", nil).Want(200).JSON(&f)
	return f
}

// What two replicas commit is counted once, with who wrote it; read marks and
// repetitions are none.
func TestFigures(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		w.counted()
		admin := w.staff("admin")
		w.call(w.staff("moderator"), "GET", "/api/v1/moderation/statistics", nil).WantProblem(errs.NotFound)
		again := newPost(w.ben, "once")
		w.call(w.ada, "POST", "/api/v1/messages", again).Want(201)
		w.call(w.ada, "POST", "/api/v1/messages", again).Want(200)
		m := w.post(w.ada, w.ben, "two")
		w.call(w.ben, "PUT", "/api/v1/conversations/"+m.ConversationID+"/read", fields{"seq": 2}).Want(200)
		must(w.t, w.svc.storeTally(w.t.Context()))
		w.svc, second = second, w.svc
		w.post(w.ada, w.ben, "three")
		w.post(w.eve, w.ben, "four")
		w.call(w.ben, "POST", "/api/v1/reports", fields{"message_id": m.ID, "reason": "spam"}).Want(201)
		var closed struct{ ID string }
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.eve.id, "reason": "other", "note": "loud"}).Want(201).JSON(&closed)
		w.call(admin, "POST", "/api/v1/moderation/reports/"+closed.ID+"/close", fields{"decision": "dismissed"}).Want(200)
		must(w.t, w.svc.storeTally(w.t.Context()))
		must(w.t, w.svc.storeTally(w.t.Context()))
		must(w.t, second.storeTally(w.t.Context()))
		f := w.figures(admin)
		if f.Messages != 4 || f.Conversations != 2 || f.OpenReports != 1 || f.WritersDay != 2 || f.WritersWeek != 2 || f.WritersMonth != 2 || len(f.Days) != figureDays || !f.Complete {
			w.t.Errorf("%+v", f)
		}
		if last := f.Days[figureDays-1]; last.Date != dayOf(now()) || last.Messages != 4 {
			w.t.Errorf("%+v", last)
		}
		must(w.t, w.deps.DB.W.Exec("UPDATE writers SET last_at = ? WHERE user_id = ?", now().Add(-3*day), w.eve.id).Error)
		must(w.t, w.deps.DB.W.Exec("UPDATE message_days SET day = ?", dayOf(now().Add(-29*day))).Error)
		f = w.figures(admin)
		if f.WritersDay != 1 || f.WritersWeek != 2 || f.Days[0].Messages != 4 || f.Days[figureDays-1].Messages != 0 {
			w.t.Errorf("%+v", f)
		}
		w.deleted(w.eve, false)
		if f = w.figures(admin); f.WritersWeek != 1 {
			w.t.Errorf("of who is gone something is left: %+v", f)
		}
	})
}

// What cannot be stored is kept for the next time.
func TestTallyOutlivesAFailure(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "one")
		gone, cancel := context.WithCancel(w.t.Context())
		cancel()
		if err := w.svc.storeTally(gone); err == nil {
			w.t.Fatal("stored")
		}
		w.post(w.ada, w.ben, "two")
		must(w.t, w.svc.storeTally(w.t.Context()))
		if f := w.figures(w.staff("admin")); f.Messages != 2 || f.WritersDay != 1 {
			w.t.Errorf("%+v", f)
		}
	})
}

// Messages of before anybody counted are counted once, in pages, by whichever
// replica goes on; what is counted while it is written is not counted again.
func TestCountingWhatWasThere(t *testing.T) {
	each(t, func(w *world) {
		w.counted()
		admin, dan := w.staff("admin"), w.person("dan", "Dan")
		for range 5 {
			w.post(w.ada, w.ben, "x")
			w.post(w.ben, w.eve, "x")
		}
		w.post(w.eve, w.eve, "x")
		must(w.t, w.svc.storeTally(w.t.Context()))
		w.aged(40 * day)
		must(w.t, w.deps.DB.W.Exec("DELETE FROM message_days").Error)
		must(w.t, w.deps.DB.W.Exec("DELETE FROM writers").Error)
		must(w.t, w.deps.DB.W.Exec("DELETE FROM meta WHERE name <> 'epoch'").Error)
		since := now()
		w.post(dan, w.ada, "counted while it is written")
		must(w.t, w.svc.storeTally(w.t.Context()))
		if f := w.figures(admin); f.Complete || f.Messages != 1 {
			w.t.Errorf("%+v", f)
		}
		if v := w.retention(admin, "?days=30"); v.Preview == nil || v.Preview.Complete || v.Preview.Messages != 0 {
			w.t.Errorf("%+v", v.Preview)
		}
		done, err := w.svc.store.countOld(w.t.Context(), since, 3)
		if err != nil || done {
			w.t.Fatal(done, err)
		}
		second := start(w.t, w.deps) // which begins at once, too
		for pages := 0; !done; pages++ {
			if pages > 20 {
				w.t.Fatal("it does not end")
			}
			done, err = []*Service{w.svc, second}[pages%2].store.countOld(w.t.Context(), now(), 3)
			must(w.t, err)
		}
		f := w.figures(admin)
		if f.Messages != 12 || !f.Complete || f.WritersMonth != 1 {
			w.t.Errorf("%+v", f)
		}
	})
}

// The preview counts what is older, and not what is erased already.
func TestPreview(t *testing.T) {
	each(t, func(w *world) {
		w.counted()
		admin := w.staff("admin")
		for i := range 4 {
			w.post(w.ada, w.ben, "x")
			if i == 2 {
				w.aged(100 * day)
				must(w.t, w.svc.storeTally(w.t.Context()))
				must(w.t, w.deps.DB.W.Exec("UPDATE message_days SET day = ?", dayOf(now().Add(-100*day))).Error)
			}
		}
		must(w.t, w.svc.storeTally(w.t.Context()))
		for days, want := range map[int]uint64{1: 3, 99: 3, 101: 0, 3650: 0} {
			if p := w.retention(admin, fmt.Sprint("?days=", days)).Preview; p == nil || p.Messages != want || !p.Complete {
				w.t.Errorf("%d days: %+v", days, p)
			}
		}
		w.keep(admin, 30, 0)
		w.graceOver()
		if n := w.retained(w.svc); n != 3 {
			w.t.Errorf("%d erased", n)
		}
		if p := w.retention(admin, "?days=1").Preview; p == nil || p.Messages != 0 {
			w.t.Errorf("%+v", p)
		}
	})
}

// The time of somebody's last message is stored now and then, not each time.
func TestTallyNotesPeopleNowAndThen(t *testing.T) {
	tally, user, at := newTally(), id.New(), now()
	write := func(after time.Duration) int {
		tally.add([]Message{{SenderID: user, CreatedAt: at.Add(after)}, {SenderID: user, CreatedAt: at.Add(after)}})
		days, writers := tally.take()
		if days[dayOf(at.Add(after))] != 2 {
			t.Errorf("%v", days)
		}
		return len(writers)
	}
	if a, b, c := write(0), write(time.Minute), write(noteAgain); a != 1 || b != 0 || c != 1 {
		t.Errorf("%d %d %d", a, b, c)
	}
}

// BenchmarkTally is what counting adds to a transaction of 64 posts.
func BenchmarkTally(b *testing.B) {
	list := make([]Message, 64)
	for i := range list {
		list[i] = Message{SenderID: id.New(), CreatedAt: now()}
	}
	t := newTally()
	for b.Loop() {
		t.add(list)
	}
}
