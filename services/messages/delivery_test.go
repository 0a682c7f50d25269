package messages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func containsText(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }

// The same client_id gives the same message however often, at once, and on
// whichever replica; with another text it is refused and nothing is written.
func TestIdempotent(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		seen := w.record()
		post := newPost(w.ben, "once")
		var mu sync.Mutex
		statuses := map[int]int{}
		ids := map[string]bool{}
		var wg sync.WaitGroup
		for i := range 20 {
			h := w.svc.Handler()
			if i%2 == 1 {
				h = second.Handler()
			}
			wg.Go(func() {
				res := testkit.Call(w.t, h, "POST", "/api/v1/messages", w.ada.token, post)
				var m events.Message
				res.JSON(&m)
				mu.Lock()
				defer mu.Unlock()
				statuses[res.Status]++
				ids[fmt.Sprint(m.ID, m.Seq)] = true
			})
		}
		wg.Wait()
		if statuses[201] != 1 || statuses[200] != 19 || len(ids) != 1 {
			w.t.Errorf("statuses %v, %d different messages", statuses, len(ids))
		}
		post["body"] = "another"
		w.call(w.ada, "POST", "/api/v1/messages", post).WantProblem("client-id-reused")
		post["body"], post["to"] = "once", w.eve.id
		w.call(w.ada, "POST", "/api/v1/messages", post).WantProblem("client-id-reused")
		post["to"] = w.ada.id
		w.call(w.ben, "POST", "/api/v1/messages", post).Want(201) // the key is the sender's own
		seen.Expect(w.t, logged(w.ada), logged(w.ben), logged(w.ada), logged(w.ben))
		if n := count(w, "messages"); n != 2 {
			w.t.Errorf("%d messages", n)
		}
	})
}

// Many people write to each other through two replicas at once. Afterwards
// every conversation and every log is dense, each log tells each message once
// and in order, and everything has left the outbox.
func TestConcurrentPostsAreDenseAndInOrder(t *testing.T) {
	each(t, func(w *world) {
		second := start(w.t, w.deps)
		seen := w.record()
		people := []actor{w.ada, w.ben, w.eve, w.person("dan", "Dan")}
		const each = 25
		var wg sync.WaitGroup
		for i, from := range people {
			for j, to := range people {
				if i == j {
					continue
				}
				h := w.svc.Handler()
				if (i+j)%2 == 1 {
					h = second.Handler()
				}
				wg.Go(func() {
					last := uint64(0)
					for n := range each {
						var m events.Message
						res := testkit.Call(w.t, h, "POST", "/api/v1/messages", from.token, newPost(to, fmt.Sprintf("%d to %d: %d", i, j, n)))
						res.JSON(&m)
						if res.Status != 201 || m.Seq <= last {
							w.t.Errorf("status %d, seq %d after %d", res.Status, m.Seq, last)
						}
						last = m.Seq
					}
				})
			}
		}
		wg.Wait()
		var expected []string
		for _, who := range people {
			items := w.log(who, "?limit=1000").Items
			const want = 2 * 3 * each // to and from three others
			if len(items) != want {
				w.t.Fatalf("%d entries, want %d", len(items), want)
			}
			perConversation := map[string]uint64{}
			for i, e := range items {
				if e.Seq != uint64(i+1) {
					w.t.Fatalf("entry %d has seq %d", i, e.Seq)
				}
				conv, seq := e.Data["conversation_id"].(string), uint64(e.Data["seq"].(float64))
				if seq != perConversation[conv]+1 {
					w.t.Fatalf("conversation %s: %d after %d", conv, seq, perConversation[conv])
				}
				perConversation[conv] = seq
				expected = append(expected, logged(who))
			}
		}
		seen.Expect(w.t, expected...)
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
	})
}

func TestEventLog(t *testing.T) {
	each(t, func(w *world) {
		if p := w.log(w.ada, ""); len(p.Items) != 0 || p.HasMore || !strings.HasSuffix(p.Cursor, "-0") {
			w.t.Errorf("a newcomer's log: %+v", p)
		}
		for i := range 5 {
			w.post(w.ada, w.ben, fmt.Sprint(i+1))
		}
		first := w.log(w.ben, "?limit=2")
		if len(first.Items) != 2 || !first.HasMore || first.Cursor != first.Items[1].Cursor {
			w.t.Fatalf("%+v", first)
		}
		rest := w.log(w.ben, "?after="+first.Cursor)
		if len(rest.Items) != 3 || rest.HasMore || rest.Items[0].Seq != 3 || rest.Items[2].Data["body"] != "5" {
			w.t.Fatalf("%+v", rest)
		}
		if end := w.log(w.ben, "?after="+rest.Cursor); len(end.Items) != 0 || end.Cursor != rest.Cursor {
			w.t.Errorf("%+v", end)
		}
		epoch, _, _ := strings.Cut(rest.Cursor, "-")
		w.call(w.ben, "GET", "/api/v1/events?after="+epoch+"-6", nil).WantProblem("cursor-ahead")
		w.call(w.ben, "GET", "/api/v1/events?after="+repeat("0", 16)+"-1", nil).WantProblem("cursor-ahead")
		for _, forged := range []string{"x", "5", epoch + "-", epoch + "--1", epoch + "-01", epoch + "-1x", "-1", epoch + "-99999999999999999999"} {
			w.call(w.ben, "GET", "/api/v1/events?after="+forged, nil).WantProblem("invalid-cursor")
		}
		if n, err := w.svc.store.trim(w.t.Context(), time.Now().Add(time.Hour)); err != nil || n != 8 {
			w.t.Fatalf("trimmed %d entries, %v; want 4 of each of two logs", n, err)
		}
		w.call(w.ben, "GET", "/api/v1/events?after="+first.Cursor, nil).WantProblem("cursor-expired")
		if p := w.log(w.ben, ""); len(p.Items) != 1 || p.Items[0].Seq != 5 {
			w.t.Errorf("after trimming: %+v", p)
		}
		if p := w.log(w.ben, "?after="+epoch+"-4"); len(p.Items) != 1 {
			w.t.Errorf("the newest stays readable: %+v", p)
		}
		if n := count(w, "messages"); n != 5 {
			w.t.Errorf("trimming touched messages: %d", n)
		}
	})
}

// A page of long messages fits into one message of the bus, and the next one
// goes on where it ended; a hole, which must never be, sends the client to the
// conversations instead of into a loop.
func TestLogPagesAreBounded(t *testing.T) {
	each(t, func(w *world) {
		for range 40 {
			w.post(w.ada, w.ben, repeat("😀", 8000))
		}
		after, pages, total := w.log(w.ben, "?limit=1").Cursor, 0, 1
		for more := true; more; pages++ {
			var log events.LogReply
			must(w.t, w.deps.Bus.Request(w.t.Context(), events.RPCLog, events.LogRequest{UserID: w.ben.id.String(), After: after, Limit: 1000}, &log))
			var last events.Entry
			must(w.t, json.Unmarshal(log.Events[len(log.Events)-1], &last))
			total, after, more = total+len(log.Events), last.Cursor, log.HasMore
			if last.Seq != uint64(total) {
				w.t.Fatalf("entry %d ends %d entries", last.Seq, total)
			}
		}
		if total != 40 || pages < 3 {
			w.t.Errorf("%d entries in %d pages", total, pages)
		}
		must(w.t, w.deps.DB.W.Exec("DELETE FROM user_events WHERE user_id = ? AND event_seq = 3", w.ben.id).Error)
		epoch, _, _ := strings.Cut(after, "-")
		w.call(w.ben, "GET", "/api/v1/events?after="+epoch+"-2", nil).WantProblem("cursor-expired")
	})
}

// The list's cursor is read before the list: a message that comes between is
// seen twice, never missed.
func TestListCursorContinuesInTheLog(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "before")
		var page struct{ Cursor string }
		w.call(w.ben, "GET", "/api/v1/conversations", nil).Want(200).JSON(&page)
		w.post(w.ada, w.ben, "after")
		if p := w.log(w.ben, "?after="+page.Cursor); len(p.Items) != 1 || p.Items[0].Data["body"] != "after" {
			w.t.Errorf("%+v", p)
		}
	})
}

func TestRequestsOverTheBus(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "x")
		w.post(w.ben, w.ada, "y")
		ask := func(subject string, req, resp any) error {
			ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
			defer cancel()
			return w.deps.Bus.Request(ctx, subject, req, resp)
		}
		var head, log events.LogReply
		must(w.t, ask(events.RPCLog, events.LogRequest{UserID: w.ada.id.String()}, &head))
		if len(head.Events) != 0 || !strings.HasSuffix(head.Cursor, "-2") {
			w.t.Errorf("%+v", head)
		}
		epoch, _, _ := strings.Cut(head.Cursor, "-")
		must(w.t, ask(events.RPCLog, events.LogRequest{UserID: w.ada.id.String(), After: epoch + "-0", Limit: 1}, &log))
		var e events.Entry
		must(w.t, json.Unmarshal(log.Events[0], &e))
		if len(log.Events) != 1 || !log.HasMore || log.Cursor != head.Cursor || e.Seq != 1 {
			w.t.Errorf("%+v", log)
		}
		if err := ask(events.RPCLog, events.LogRequest{UserID: w.ada.id.String(), After: epoch + "-9", Limit: 1}, &log); !errs.Is(err, errs.CursorAhead) {
			w.t.Errorf("%v", err)
		}
		var heads events.HeadsReply
		must(w.t, ask(events.RPCHeads, events.HeadsRequest{UserIDs: []string{w.ada.id.String(), w.eve.id.String()}}, &heads))
		if heads.Epoch != epoch || len(heads.Heads) != 1 || heads.Heads[w.ada.id.String()] != 2 {
			w.t.Errorf("%+v", heads)
		}
		var members events.MembersReply
		must(w.t, ask(events.RPCMembers, events.MembersRequest{ConversationID: m.ConversationID, UserID: w.ben.id.String()}, &members))
		if len(members.UserIDs) != 2 {
			w.t.Errorf("%+v", members)
		}
		if err := ask(events.RPCMembers, events.MembersRequest{ConversationID: m.ConversationID, UserID: w.eve.id.String()}, &members); !errs.Is(err, errs.NotFound) {
			w.t.Errorf("a stranger asks: %v", err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Someone whose profile has not arrived yet is asked for once and written to;
// nobody is 404; no answer is 503 and not "no such person".
func TestPersonNotYetKnown(t *testing.T) {
	each(t, func(w *world) {
		stranger := actor{id: id.New()}
		w.call(w.ada, "POST", "/api/v1/messages", newPost(stranger, "hi")).WantProblem("unavailable")
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() {
			served <- w.deps.Bus.Serve(ctx, events.RPCProfile, "users", func(_ context.Context, data []byte) (any, error) {
				q, err := question[events.UserRequest](data)
				if err != nil || q.UserID != stranger.id.String() {
					return nil, errs.New(errs.NotFound, "nobody")
				}
				return events.ProfileChanged{UserID: q.UserID, Username: "new", DisplayName: "New", Version: 1}, nil
			})
		}()
		testkit.Eventually(w.t, 5*time.Second, func() bool {
			return w.call(w.ada, "POST", "/api/v1/messages", newPost(stranger, "hi")).Status == 201
		})
		w.call(w.ada, "POST", "/api/v1/messages", newPost(actor{id: id.New()}, "hi")).WantProblem("not-found")
		cancel()
		must(w.t, <-served)
		w.call(w.ada, "POST", "/api/v1/messages", newPost(stranger, "users is down, and the person known")).Want(201)
	})
}

// Profiles end in the newest state however often and in whatever order their
// events come; one that cannot be read is set aside where it can be seen.
func TestProfileEvents(t *testing.T) {
	each(t, func(w *world) {
		publish := func(name string, version uint64, data []byte) {
			if data == nil {
				data, _ = json.Marshal(events.ProfileChanged{UserID: w.ben.id.String(), Username: "ben", DisplayName: name, Version: version})
			}
			must(w.t, w.deps.Bus.Publish(w.t.Context(), bus.Message{Subject: events.Subject("users", events.NameProfileChanged, w.ben.id.String()), ID: id.New().String(), Type: events.NameProfileChanged, Data: data}))
		}
		publish("Benjamin", 3, nil)
		publish("Old Ben", 2, nil)
		publish("", 0, []byte("garbage"))
		publish("Benjamin", 3, nil)
		w.post(w.ada, w.ben, "x")
		testkit.Eventually(w.t, 20*time.Second, func() bool {
			return count(w, "dead_letters") == 1 && w.conversations(w.ada)[0].Peer.DisplayName == "Benjamin"
		})
	})
}

// Who sees a person hears that they changed, once for each change: their own
// devices, and everybody who has a conversation with them, nobody else.
func TestChangesOfPeopleAreTold(t *testing.T) {
	each(t, func(w *world) {
		told := make(chan events.PersonChanged, 10)
		watch := w.deps.Bus.Watch(func(m bus.Message) {
			var change events.PersonChanged
			if json.Unmarshal(m.Data, &change) == nil {
				told <- change
			}
		})
		defer watch.Close()
		must(w.t, watch.Add(events.Subject(events.ServiceMessages, events.NamePersonChanged, "*")))
		must(w.t, watch.Flush(w.t.Context()))
		w.post(w.ada, w.ben, "x")
		w.post(w.ada, w.ada, "a note")
		changed := func(who actor, version uint64) {
			profile := events.ProfileChanged{UserID: who.id.String(), Username: "who", DisplayName: "Who", PictureID: id.New().String(), Version: version}
			data, _ := json.Marshal(profile)
			must(w.t, w.svc.takeProfile(w.t.Context(), bus.Message{Data: data}))
		}
		changed(w.ada, 2)
		changed(w.ada, 2) // the same again
		changed(w.eve, 2)
		gone, _ := json.Marshal(events.Deleted{UserID: w.ada.id.String()})
		must(w.t, w.svc.takeDeleted(w.t.Context(), bus.Message{Data: gone}))
		for _, want := range []events.PersonChanged{
			{UserID: w.ada.id.String(), Tell: []string{w.ada.id.String(), w.ben.id.String()}},
			{UserID: w.eve.id.String(), Tell: []string{w.eve.id.String()}},
			{UserID: w.ada.id.String(), Tell: []string{w.ada.id.String(), w.ben.id.String()}},
		} {
			select {
			case got := <-told:
				if !reflect.DeepEqual(got, want) {
					w.t.Errorf("told %+v, want %+v", got, want)
				}
			case <-time.After(20 * time.Second):
				w.t.Fatal("nobody was told")
			}
		}
	})
}

// One write that cannot be saved does not fail those it shares a transaction
// with.
func TestOneBadWriteDoesNotFailItsNeighbours(t *testing.T) {
	each(t, func(w *world) {
		good, err := w.svc.direct.open(w.t.Context(), w.ada.id, w.ben.id)
		must(w.t, err)
		bad := membership{id: id.New(), members: []id.ID{w.ada.id}} // no such row
		batch := []*write{
			{where: good, sender: w.ada.id, clientID: id.New(), body: "one"},
			{where: bad, sender: w.ada.id, clientID: id.New(), body: "lost cause"},
			{where: good, sender: w.ben.id, clientID: id.New(), body: "two"},
			{where: good, sender: w.ben.id, readSeq: 2},
		}
		published := 0
		c := newCommitter(w.svc.store, func(u *unit) { published += len(u.entries) }, 1, w.deps.Log, newMetrics(nil))
		c.commit(w.t.Context(), batch)
		if batch[0].outcome.message.Seq != 1 || batch[1].outcome.err == nil || batch[2].outcome.message.Seq != 2 || batch[3].outcome.readSeq != 2 {
			for _, b := range batch {
				w.t.Errorf("%+v", b.outcome)
			}
		}
		if published != 4 {
			w.t.Errorf("%d events published", published)
		}
	})
}

// A transaction that hangs, on a lock that somebody holds, does not keep other
// people's posts waiting.
func TestAHangingTransactionHoldsUpNobodyElse(t *testing.T) {
	d := testkit.OpenMariaDB(t, Migrations) // SQLite has one writer
	w := newWorld(t, d)
	w.post(w.ada, w.ben, "ada and ben know each other")
	w.post(w.eve, w.eve, "and eve herself")
	tx := d.W.Begin()
	defer tx.Rollback()
	must(t, tx.Exec("SELECT * FROM user_clocks WHERE user_id = ? FOR UPDATE", w.ben.id).Error)
	hangs := make(chan int, 1)
	go func() { hangs <- w.call(w.ada, "POST", "/api/v1/messages", newPost(w.ben, "waits")).Status }()
	testkit.Eventually(t, 5*time.Second, func() bool { return len(w.svc.commit.slots) > 0 && len(w.svc.commit.queue) == 0 })
	w.svc.commit.usual.Store(maxBatch) // as if it were a large one, which small ones wait for
	for range 3 {
		w.post(w.eve, w.eve, "does not")
	}
	select {
	case status := <-hangs:
		t.Fatalf("the post that was to hang got %d", status)
	default:
	}
	must(t, tx.Rollback().Error)
	if status := <-hangs; status != 201 {
		t.Errorf("after the lock was gone: %d", status)
	}
}

// A caller that gives up while waiting leaves nothing behind; a full queue is
// an honest 503.
func TestWaitingWrites(t *testing.T) {
	each(t, func(w *world) {
		where, err := w.svc.direct.open(w.t.Context(), w.ada.id, w.ben.id)
		must(w.t, err)
		c := newCommitter(w.svc.store, func(*unit) {}, 1, w.deps.Log, newMetrics(nil))
		c.slots <- struct{}{} // a transaction that does not end
		gone, cancel := context.WithCancel(w.t.Context())
		cancel()
		for range maxQueued {
			if o := c.do(gone, &write{where: where, sender: w.ada.id, clientID: id.New(), body: "given up"}); o.err == nil {
				w.t.Fatal("committed")
			}
		}
		if o := c.do(w.t.Context(), &write{where: where, sender: w.ada.id, clientID: id.New(), body: "no room"}); !errs.Is(o.err, errs.Unavailable) {
			w.t.Errorf("%v", o.err)
		}
		c.drain()
		if n := count(w, "messages"); n != 0 {
			w.t.Errorf("%d messages nobody waited for", n)
		}
		if o := c.do(w.t.Context(), &write{where: where, sender: w.ada.id, clientID: id.New(), body: "works again"}); o.err != nil {
			w.t.Error(o.err)
		}
	})
}
