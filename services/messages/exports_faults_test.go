package messages

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// A replica that was away for longer than its lease finds that another has taken
// over, and spoils nothing: there is one file.
func TestDataExportOfAZombie(t *testing.T) {
	idle(t, func(w *world) {
		w.answers(events.RPCProfileData, profile)
		for range 5 {
			w.post(w.ada, w.ben, noise(5000))
		}
		first, free := make(chan struct{}), make(chan struct{})
		var calls atomic.Int64
		w.answers(events.RPCAccountData, func(ctx context.Context, r events.DataRequest) (any, error) {
			if calls.Add(1) == 1 {
				close(first)
				<-free
			}
			return account(ctx, r)
		})
		w.ask(w.ada, 202)
		zombie := w.replica()
		zombie.exports.renew = time.Hour // it notices nothing by itself
		done := make(chan error, 1)
		go func() {
			_, err := zombie.exports.one(context.Background())
			done <- err
		}()
		<-first
		w.leaseIsOver()
		w.one(true)
		v := w.asked(w.ada)
		before := w.call(w.ada, "GET", filePath(v), nil).Want(200).Body
		close(free)
		must(w.t, <-done)
		if after := w.asked(w.ada); after != withTimes(v, after) {
			w.t.Errorf("%+v, was %+v", after, v)
		}
		if after := w.call(w.ada, "GET", filePath(v), nil).Want(200).Body; string(after) != string(before) {
			w.t.Error("the file changed")
		}
		w.download(w.ada, v)
	})
}

// withTimes is v with the times of o, which are pointers.
func withTimes(v, o exportView) exportView {
	v.ReadyAt, v.ExpiresAt = o.ReadyAt, o.ExpiresAt
	return v
}

// An attempt that loses its lease while it waits for somebody ends by itself.
func TestDataExportNoticesThatItLostItsLease(t *testing.T) {
	idle(t, func(w *world) {
		first, free := make(chan struct{}), make(chan struct{})
		defer close(free)
		w.answers(events.RPCAccountData, func(context.Context, events.DataRequest) (any, error) {
			close(first)
			<-free
			return nil, errs.New(errs.Unavailable, "Not now.")
		})
		v := w.ask(w.ada, 202)
		done := make(chan error, 1)
		go func() {
			_, err := w.svc.exports.attempt(context.Background(), w.claim())
			done <- err
		}()
		<-first
		w.call(w.ada, "DELETE", "/api/v1/data-exports/"+v.ID, nil).Want(204)
		select {
		case err := <-done:
			if !errors.Is(err, errNotHeld) {
				w.t.Errorf("%v", err)
			}
		case <-time.After(4 * time.Second):
			w.t.Error("it waits on")
		}
	})
}

func (w *world) claim() dataExport {
	e, ok, err := w.svc.store.claimExport(w.t.Context(), time.Hour)
	if err != nil || !ok {
		w.t.Errorf("nothing to claim: %v", err)
	}
	return e
}

// Two replicas share the work: each file is made once.
func TestDataExportsOnTwoReplicas(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		var calls atomic.Int64
		w.answers(events.RPCProfileData, profile)
		w.answers(events.RPCAccountData, func(ctx context.Context, r events.DataRequest) (any, error) {
			if r.After == "" {
				calls.Add(1)
			}
			return account(ctx, r)
		})
		var people []actor
		for i := range 12 {
			p := w.person(fmt.Sprint("person", i), "Person")
			w.post(p, w.ben, fmt.Sprint("I am number ", i))
			people = append(people, p)
		}
		for i, p := range people {
			if i%2 == 0 {
				w.ask(p, 202)
			} else {
				testkit.Call(w.t, second.Handler(), "POST", "/api/v1/data-exports", p.token, nil).Want(202)
			}
		}
		for i, p := range people {
			files := w.download(p, w.becomes(p, "ready"))
			index := decode[[]exportedConversation](w.t, files["conversations.json"])
			if len(index) != 1 || !containsText(files[index[0].File], fmt.Sprintf("I am number %d\"", i)) {
				w.t.Errorf("%d: %+v", i, index)
			}
		}
		if n := calls.Load(); n != 12 {
			w.t.Errorf("%d attempts at 12 files", n)
		}
	})
}

// While auth or users do not answer the file waits; it is whole when they are
// back, and fails with a reason when they are not for long enough.
func TestDataExportWaitsForOthers(t *testing.T) {
	for subject, reason := range map[string]string{events.RPCAccountData: reasonAccount, events.RPCProfileData: reasonProfile} {
		t.Run(reason, func(t *testing.T) {
			idle(t, func(w *world) {
				handle, other, answer := answerData(account), events.RPCProfileData, answerData(profile)
				if subject == events.RPCProfileData {
					handle, other, answer = profile, events.RPCAccountData, account
				}
				w.answers(other, answer)
				w.svc.exports.pause = time.Nanosecond
				w.post(w.ada, w.ben, "hello")
				v := w.ask(w.ada, 202)
				for range 3 {
					w.one(true)
					if got := w.asked(w.ada); got.State != "waiting" || got.Reason != "" || got.ID != v.ID {
						w.t.Fatalf("%+v", got)
					}
					w.call(w.ada, "GET", filePath(v), nil).WantProblem(errs.Conflict)
				}
				stop := w.answers(subject, handle)
				w.one(true)
				w.download(w.ada, w.asked(w.ada))
				stop()

				v = w.ask(w.ada, 202)
				w.one(true)
				must(w.t, w.deps.DB.W.Exec("UPDATE data_exports SET failing_since = ?", now().Add(-11*time.Minute)).Error)
				w.one(true)
				if got := w.asked(w.ada); got.State != "failed" || got.Reason != reason || got.ID != v.ID || got.ExpiresAt == nil {
					w.t.Errorf("%+v", got)
				}
				w.call(w.ada, "GET", filePath(v), nil).WantProblem(errs.Conflict)
				if n := count(w, "data_export_parts"); n != 0 {
					w.t.Errorf("%d pieces", n)
				}
				w.one(false)
				w.answers(subject, handle)
				w.ask(w.ada, 202) // once more
				w.one(true)
				w.download(w.ada, w.asked(w.ada))
			})
		})
	}
}

// A second attempt waits for its time, and it is this long only.
func TestDataExportBacksOff(t *testing.T) {
	idle(t, func(w *world) {
		w.svc.exports.pause = time.Hour // at most a minute
		w.ask(w.ada, 202)
		w.one(true)
		w.one(false)
		var at time.Time
		must(w.t, w.deps.DB.R.Raw("SELECT try_at FROM data_exports").Scan(&at).Error)
		if wait := time.Until(at); wait < 50*time.Second || wait > longestPause {
			w.t.Errorf("the next attempt in %v", wait)
		}
	})
}

// A panic is one attempt that failed; the replica lives on.
func TestDataExportSurvivesAPanic(t *testing.T) {
	idle(t, func(w *world) {
		w.others()
		w.ask(w.ada, 202)
		broken := *w.svc.exports
		broken.bus, broken.pause = nil, time.Nanosecond
		if worked, err := broken.one(w.t.Context()); err != nil || !worked {
			w.t.Fatal(worked, err)
		}
		w.one(true)
		w.download(w.ada, w.asked(w.ada))
	})
}

// A file is there for three days; then nothing of it is left. So it is with
// pieces that belong to no file.
func TestDataExportExpires(t *testing.T) {
	idle(t, func(w *world) {
		w.others()
		v := w.ask(w.ada, 202)
		w.one(true)
		kept := w.ask(w.ben, 202)
		w.one(true)
		must(w.t, w.deps.DB.W.Exec("INSERT INTO data_export_parts (export_id, n, bytes) VALUES (?, 0, 'left over')", id.New()).Error)
		must(w.t, w.deps.DB.W.Exec("UPDATE data_exports SET expires_at = ? WHERE user_id = ?", now().Add(-time.Second), w.ada.id).Error)
		w.call(w.ada, "GET", filePath(v), nil).WantProblem(errs.NotFound)
		if got := w.asked(w.ada); got.ID != "" {
			w.t.Errorf("%+v", got)
		}
		if n, err := w.svc.store.sweepExports(w.t.Context()); err != nil || n != 2 {
			w.t.Errorf("%d removed, %v", n, err)
		}
		var left []id.ID
		must(w.t, w.deps.DB.R.Raw("SELECT DISTINCT export_id FROM data_export_parts").Scan(&left).Error)
		if n := count(w, "data_exports"); n != 1 || len(left) != 1 || left[0].String() != kept.ID {
			w.t.Errorf("%d files, pieces of %v", n, left)
		}
		w.download(w.ben, w.asked(w.ben))
		w.ask(w.ada, 202)
	})
}

// With the account its file goes, also one that is being made; another cannot be
// asked for.
func TestDataExportOfADeletedAccount(t *testing.T) {
	idle(t, func(w *world) {
		w.others()
		for _, state := range []string{"ready", "running"} {
			p := w.person("gone-"+state, "Gone")
			w.ask(p, 202)
			var e dataExport
			if state == "ready" {
				w.one(true)
			} else {
				e = w.claim()
				must(w.t, w.svc.store.saveExportPart(w.t.Context(), e, time.Hour, 0, []byte("x")))
			}
			w.deleted(p, false)
			if n, m := count(w, "data_exports"), count(w, "data_export_parts"); n != 0 || m != 0 {
				w.t.Errorf("%s: %d files, %d pieces", state, n, m)
			}
			if state == "running" {
				if err := w.svc.store.saveExportPart(w.t.Context(), e, time.Hour, 1, []byte("x")); !errors.Is(err, errNotHeld) {
					w.t.Errorf("%v", err)
				}
			}
			w.call(p, "POST", "/api/v1/data-exports", nil).WantProblem(errs.Unauthenticated)
			w.one(false)
		}
	})
}

// Auth may say that an account is gone before its event is here.
func TestDataExportOfAnAccountThatIsGone(t *testing.T) {
	idle(t, func(w *world) {
		w.answers(events.RPCAccountData, func(context.Context, events.DataRequest) (any, error) {
			return nil, errs.New(errs.NotFound, "There is no such account.")
		})
		w.ask(w.ada, 202)
		w.one(true)
		if n := count(w, "data_exports"); n != 0 {
			w.t.Errorf("%d files", n)
		}
	})
}
