package messages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
	"chatapp/libs/testkit"
)

// A post between people who wrote before costs the transaction and nothing else:
// who they are and which conversation it is stand in memory. Two reads under
// locks; message, log, clocks, members and outbox; sent in two round trips.
func TestWarmPostCostsItsTransaction(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "warm")
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
		if n := w.cost(func() { w.post(w.ada, w.ben, "x") }); n != 7 {
			w.t.Errorf("%d statements, want 7", n)
		}
	})
}

// Whatever was written stands in the committed events exactly once, and is the
// same as what the log holds. The events of two transactions may change places:
// the number in the log is the order.
func TestCommitted(t *testing.T) {
	each(t, func(w *world) {
		seen := testkit.Record(w.t, w.deps.Bus, "chat.messages.v1.committed.*")
		var posts sync.WaitGroup
		for i := range 60 {
			from, to := w.ada, w.ben
			if i%2 == 1 {
				from, to = w.ben, w.eve
			}
			posts.Go(func() { w.post(from, to, fmt.Sprint("message ", i)) })
		}
		posts.Wait()
		conversation := w.conversations(w.ben)[0]
		w.call(w.ben, "PUT", "/api/v1/conversations/"+conversation.ID+"/read", fields{"seq": conversation.LastSeq}).Want(200)
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
		got := map[string][]events.Entry{} // by user
		for _, m := range seen.All() {
			var c events.Committed
			must(w.t, json.Unmarshal(m.Data, &c))
			for _, change := range c.Changes {
				for _, place := range change.Logs {
					e := events.Entry{Cursor: cursor{c.Epoch, place.Seq}.String(), Seq: place.Seq, Type: change.Type, Time: change.Time, Data: change.Data}
					got[place.UserID] = append(got[place.UserID], e)
				}
			}
		}
		for _, who := range []actor{w.ada, w.ben, w.eve} {
			_, rows, err := w.svc.store.log(w.t.Context(), who.id, 0, 1000)
			must(w.t, err)
			epoch, err := w.svc.store.epoch(w.t.Context())
			must(w.t, err)
			want := make([]string, len(rows))
			for i, row := range rows {
				data, err := row.encode(epoch)
				must(w.t, err)
				want[i] = string(data)
			}
			mine := got[who.id.String()]
			slices.SortFunc(mine, func(a, b events.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
			told := make([]string, len(mine))
			for i, e := range mine {
				told[i] = string(e.Append(nil))
			}
			if !slices.Equal(told, want) {
				w.t.Errorf("committed:\n%s\nthe log:\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// A process that dies between commit and publish leaves a row of references;
// the next one tells from the log what the first would have told.
func TestSweepTellsWhatACrashedProcessWrote(t *testing.T) {
	each(t, func(w *world) {
		warm := w.post(w.ada, w.ben, "warm")
		news, stored := w.record(), testkit.Record(w.t, w.deps.Bus, "chat.messages.v1.committed.*")
		where, err := w.svc.direct.of(w.t.Context(), id.ID(uuid.MustParse(warm.ConversationID)), w.ada.id)
		must(w.t, err)
		batch := []*write{
			{where: where, sender: w.ada.id, clientID: id.New(), body: "one"},
			{where: where, sender: w.ben.id, clientID: id.New(), body: "two <b>"},
			{where: where, sender: w.ada.id, readSeq: 3},
		}
		u, err := w.svc.store.commit(w.t.Context(), batch) // and never handed to the relay
		must(w.t, err)
		w.swept(u, news, stored)
	})
}

// swept waits until the sweep has told what u wrote, exactly as who wrote it would
// have told it.
func (w *world) swept(u *unit, news, stored *testkit.Recorder) {
	w.t.Helper()
	want, err := parcel(u.epoch, u.row, u.entries)
	must(w.t, err)
	testkit.Eventually(w.t, 20*time.Second, func() bool { return count(w, "outbox") == 0 && len(news.All()) == len(want.News) })
	for i, m := range news.All() {
		if m.Subject != want.News[i].Subject || string(m.Data) != string(want.News[i].Data) {
			w.t.Errorf("news %d: %s %s, want %s %s", i, m.Subject, m.Data, want.News[i].Subject, want.News[i].Data)
		}
	}
	if got := stored.All(); len(got) != 1 || got[0].ID != want.Events[0].ID || string(got[0].Data) != string(want.Events[0].Data) {
		w.t.Errorf("stored %+v, want %+v", got, want.Events)
	}
}

// More than fits into one message of the bus goes into several, none of it lost
// and none too large.
func TestLargeTransactionsAreSeveralEvents(t *testing.T) {
	each(t, func(w *world) {
		where, err := w.svc.direct.open(w.t.Context(), w.ada.id, w.ben.id)
		must(w.t, err)
		batch := make([]*write, 100)
		for i := range batch {
			batch[i] = &write{where: where, sender: w.ada.id, clientID: id.New(), body: strings.Repeat("👋", MaxBody)} // 32 KB each
		}
		u, err := w.svc.store.commit(w.t.Context(), batch)
		must(w.t, err)
		p, err := parcel(u.epoch, u.row, u.entries)
		must(w.t, err)
		changes := 0
		for _, m := range p.Events {
			var c events.Committed
			if err := json.Unmarshal(m.Data, &c); err != nil || len(m.Data) > 1<<20 {
				w.t.Fatalf("%d bytes, %v", len(m.Data), err)
			}
			changes += len(c.Changes)
		}
		if changes != len(batch) || len(p.News) != 2*len(batch) {
			w.t.Errorf("%d changes and %d news of %d posts", changes, len(p.News), len(batch))
		}
		if p.Events[0].ID == p.Events[1].ID {
			w.t.Error("two events with one id: the broker would drop the second")
		}
	})
}

// A row that cannot be read is an error that is tried again, not an event.
func TestUnreadableOutboxRow(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.svc.unpack(w.t.Context(), outbox.Row{Type: outboxLog, Payload: []byte("no reference")})
		if err == nil {
			w.t.Error("a row without references was unpacked")
		}
	})
}
