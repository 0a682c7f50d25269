package messages

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// receipts tells the service what users would have told it.
func (w *world) receipts(of actor, shown bool, version uint64) {
	w.t.Helper()
	data, err := json.Marshal(events.PrivacyChanged{UserID: of.id.String(), ShowReadReceipts: shown, Version: version})
	must(w.t, err)
	must(w.t, w.svc.takePrivacy(w.t.Context(), bus.Message{Type: events.NamePrivacyChanged, Data: data}))
}

func (w *world) read(by actor, conversation string, seq uint64) {
	w.t.Helper()
	w.call(by, "PUT", "/api/v1/conversations/"+conversation+"/read", fields{"seq": seq}).Want(200)
}

func (w *world) wantPeerRead(who actor, want uint64) {
	w.t.Helper()
	if c := w.conversations(who)[0]; c.PeerReadSeq != want {
		w.t.Errorf("%v sees that the other has read up to %d, want %d", who.id, c.PeerReadSeq, want)
	}
}

// Who hides how far they have read neither tells it nor learns it of others; own
// devices do learn it, and conversations with others go on as before.
func TestReadReceiptsOff(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "one")
		other := w.post(w.ada, w.eve, "to another")
		w.read(w.ben, m.ConversationID, 1)
		w.post(w.ada, w.ben, "two")
		w.receipts(w.ben, false, 1)
		seen := w.record()
		w.read(w.ben, m.ConversationID, 2)
		seen.Expect(w.t, logged(w.ben))
		w.wantPeerRead(w.ada, 1)
		if c := w.conversations(w.ben)[0]; c.Unread != 0 || c.ReadSeq != 2 {
			w.t.Errorf("%+v", c)
		}
		w.post(w.ben, w.ada, "three")
		seen.Expect(w.t, logged(w.ada), logged(w.ben))
		w.read(w.ada, m.ConversationID, 3)
		seen.Expect(w.t, logged(w.ada))
		w.wantPeerRead(w.ben, 2) // as it was when ben stopped to tell
		w.read(w.eve, other.ConversationID, 1)
		seen.Expect(w.t, logged(w.ada), logged(w.eve))

		w.receipts(w.ben, true, 2)
		w.receipts(w.ben, false, 1) // late
		w.wantPeerRead(w.ada, 3)
		w.wantPeerRead(w.ben, 3)
		w.post(w.ada, w.ben, "four")
		seen.Expect(w.t, logged(w.ada), logged(w.ben))
		w.read(w.ben, m.ConversationID, 4)
		seen.Expect(w.t, logged(w.ada), logged(w.ben))
	})
}

// A block that ends does not show what receipts hide, nor the other way round;
// and both of two may hide.
func TestReceiptsAndBlocksTogether(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "one")
		w.receipts(w.ben, false, 1)
		w.receipts(w.ada, false, 1)
		w.block(w.ada, w.ben, true, 1)
		w.read(w.ben, m.ConversationID, 1)
		w.block(w.ada, w.ben, false, 2)
		w.wantPeerRead(w.ada, 0)
		w.receipts(w.ben, true, 2)
		w.wantPeerRead(w.ada, 0) // ada hides hers
		w.block(w.ben, w.ada, true, 1)
		w.receipts(w.ada, true, 2)
		w.wantPeerRead(w.ada, 0)
		w.block(w.ben, w.ada, false, 2)
		w.wantPeerRead(w.ada, 1)
	})
}

// However opening, reading and hiding meet, afterwards nothing is told.
func TestHidingRacesTheFirstMessage(t *testing.T) {
	each(t, func(w *world) {
		for range 10 {
			stranger := w.person("s"+id.New().String()[:8], "Stranger")
			var both sync.WaitGroup
			both.Go(func() { w.call(stranger, "POST", "/api/v1/messages", newPost(w.ben, "hello")) })
			both.Go(func() { w.receipts(stranger, false, 1) })
			both.Wait()
			m := w.post(w.ben, stranger, "hello")
			before := w.conversations(w.ben)[0].PeerReadSeq
			w.read(stranger, m.ConversationID, m.Seq)
			w.wantPeerRead(w.ben, before)
		}
	})
}

// Those who have many conversations hide in all of them.
func TestHidingInManyConversations(t *testing.T) {
	each(t, func(w *world) {
		const people = receiptsPage + 3
		for i := range people {
			_, err := w.svc.direct.open(w.t.Context(), w.ada.id, w.person("p"+strconv.Itoa(i), "Person").id)
			must(w.t, err)
		}
		w.receipts(w.ada, false, 1)
		var shown int64
		must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM members WHERE shown_seq IS NULL").Scan(&shown).Error)
		if all := count(w, "members"); shown != 0 || all != 2*people {
			w.t.Errorf("%d of %d show how far they have read", shown, all)
		}
	})
}

// A change that arrives over the bus takes effect.
func TestPrivacyArrives(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "before")
		data, err := json.Marshal(events.PrivacyChanged{UserID: w.ben.id.String(), Version: 1})
		must(w.t, err)
		for _, data := range [][]byte{[]byte("garbage"), []byte(`{"user_id":"x"}`), data, data} {
			must(w.t, w.deps.Bus.Publish(w.t.Context(), bus.Message{
				Subject: events.Subject("users", events.NamePrivacyChanged, w.ben.id.String()), ID: id.New().String(), Type: events.NamePrivacyChanged, Data: data,
			}))
		}
		hidden := func() (n int64) {
			must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM members WHERE shown_seq IS NOT NULL").Scan(&n).Error)
			return n
		}
		testkit.Eventually(w.t, 20*time.Second, func() bool { return count(w, "dead_letters") == 2 && hidden() == 2 })
	})
}
