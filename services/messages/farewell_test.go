package messages

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func deletedMessage(t *testing.T, who actor, erase bool) bus.Message {
	t.Helper()
	data, err := json.Marshal(events.Deleted{UserID: who.id.String(), Erase: erase, At: time.Now()})
	must(t, err)
	return bus.Message{
		Subject: events.Subject(events.ServiceAuth, events.NameDeleted, who.id.String()), ID: id.New().String(), Type: events.NameDeleted, Data: data,
	}
}

// deleted tells the service what auth would have told it.
func (w *world) deleted(who actor, erase bool) {
	w.t.Helper()
	must(w.t, w.svc.takeDeleted(w.t.Context(), deletedMessage(w.t, who, erase)))
}

// bodies are the texts of a conversation as somebody reads it.
func (w *world) bodies(as actor, conversation string) (list []string) {
	w.t.Helper()
	var page messagePage
	w.call(as, "GET", "/api/v1/conversations/"+conversation+"/messages?limit=100", nil).Want(200).JSON(&page)
	for _, m := range page.Items {
		list = append(list, m.Body)
	}
	return list
}

// What was written stays readable with who is left, or is erased, as the event
// says; nothing is added any more, from either side.
func TestDeletedPerson(t *testing.T) {
	for _, erase := range []bool{false, true} {
		t.Run(fmt.Sprintf("erase=%v", erase), func(t *testing.T) {
			each(t, func(w *world) {
				m := w.post(w.ada, w.ben, "from Ada")
				w.post(w.ben, w.ada, "from Ben")
				w.post(w.ada, w.ben, "Ada again")
				notes := w.post(w.ada, w.ada, "my notes")
				others := w.post(w.eve, w.ben, "from Eve")
				rows := count(w, "messages")
				w.deleted(w.ada, erase)
				w.deleted(w.ada, erase) // again changes nothing
				profile := events.ProfileChanged{UserID: w.ada.id.String(), Username: "deleted:0", DisplayName: "Deleted user", Version: 2}
				_, err := w.svc.store.savePerson(w.t.Context(), w.ada.id, profile)
				must(w.t, err)

				want := []string{"from Ada", "from Ben", "Ada again"}
				if erase {
					want = []string{"", "from Ben", ""}
				}
				if got := w.bodies(w.ben, m.ConversationID); fmt.Sprint(got) != fmt.Sprint(want) {
					w.t.Errorf("Ben reads %q, want %q", got, want)
				}
				if got := w.bodies(w.ben, others.ConversationID); fmt.Sprint(got) != "[from Eve]" {
					w.t.Errorf("of Eve he reads %q", got)
				}
				if got := w.bodies(w.ada, notes.ConversationID); fmt.Sprint(got) != "[]" {
					w.t.Errorf("notes that nobody reads any more: %q", got)
				}
				if n := count(w, "messages"); n != rows {
					w.t.Errorf("%d messages, were %d", n, rows)
				}
				c := w.conversation(w.ben, m.ConversationID)
				if !c.PeerGone || c.Peer.DisplayName != "Deleted user" || c.LastMessage.Body != want[2] || c.LastSeq != 3 {
					w.t.Errorf("%+v", c)
				}
				if w.conversation(w.ben, others.ConversationID).PeerGone {
					w.t.Error("Eve is said to be gone")
				}
				w.refused(w.ben, w.ada)
				w.refused(w.ada, w.ben) // a token lives a moment longer
				w.refused(w.eve, w.ada) // a conversation that begins now
				w.post(w.ben, w.eve, "life goes on")
				for _, e := range w.log(w.ben, "?limit=1000").Items {
					if body, ok := e.Data["body"]; erase && ok && e.Data["sender_id"] == w.ada.id.String() && body != "" {
						w.t.Errorf("the log still says %q", body)
					}
				}
			})
		})
	}
}

// Nothing that either side does later opens the conversation.
func TestGoneForEver(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ada, "everyone", true)
		m := w.post(w.ben, w.ada, "a request")
		w.deleted(w.ada, false)
		w.policy(w.ada, "everyone", false)
		w.call(w.ada, "POST", "/api/v1/conversations/"+m.ConversationID+"/accept", nil)
		w.call(w.ada, "GET", "/api/v1/contact-policy", nil).Want(200)
		w.block(w.ben, w.ada, true, 1)
		w.block(w.ben, w.ada, false, 2)
		w.receipts(w.ada, true, 1)
		w.receipts(w.ada, false, 2)
		w.refused(w.ben, w.ada)
		w.refused(w.eve, w.ada)
	})
}

// Long conversations are erased in batches, and what was cut short goes on.
func TestErasingMuch(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "first")
		conversation, err := id.Parse(m.ConversationID)
		must(w.t, err)
		const more = eraseBatch + 20
		for i := range more {
			must(w.t, w.deps.DB.W.Exec("INSERT INTO messages (conversation_id, seq, id, sender_id, client_id, body, created_at) VALUES (?, ?, ?, ?, ?, 'x', ?)",
				conversation, i+2, id.New(), w.ada.id, id.New(), now()).Error)
		}
		must(w.t, w.deps.DB.W.Exec("UPDATE messages SET body = '' WHERE seq < 40").Error)
		w.deleted(w.ada, true)
		var left int
		must(w.t, w.deps.DB.R.Raw("SELECT COUNT(*) FROM messages WHERE body <> ''").Scan(&left).Error)
		if left != 0 || count(w, "messages") != more+1 {
			w.t.Errorf("%d messages have a text, of %d", left, count(w, "messages"))
		}
	})
}

// Whoever writes while somebody goes is either before or refused: nothing that
// was to be erased comes after.
func TestWritingWhileSomebodyGoes(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "first")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if s := w.call(w.ada, "POST", "/api/v1/messages", newPost(w.ben, fmt.Sprint(i))).Status; s != 201 && s != 403 {
					w.t.Errorf("%d", s)
				}
			})
		}
		all.Go(func() { w.deleted(w.ada, true) })
		all.Wait()
		for _, body := range w.bodies(w.ben, m.ConversationID) {
			if body != "" {
				w.t.Errorf("%q was written after the end", body)
			}
		}
	})
}

// The event arrives over the bus; what is none is set aside.
func TestDeletedArrives(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "before")
		good := deletedMessage(w.t, w.ada, true)
		for _, data := range []string{"garbage", `{"user_id":"x"}`, string(good.Data)} {
			must(w.t, w.deps.Bus.Publish(w.t.Context(), bus.Message{Subject: good.Subject, ID: id.New().String(), Type: good.Type, Data: []byte(data)}))
		}
		testkit.Eventually(w.t, 20*time.Second, func() bool {
			return count(w, "dead_letters") == 2 && w.conversation(w.ben, m.ConversationID).LastMessage.Body == ""
		})
		w.refused(w.ben, w.ada)
	})
}
