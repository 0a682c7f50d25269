package messages

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// block tells the service what users would have told it.
func (w *world) block(by, of actor, active bool, version uint64) {
	w.t.Helper()
	must(w.t, w.svc.store.saveBlock(w.t.Context(), block{by: by.id, of: of.id, active: active, version: version}))
}

func (w *world) refused(from, to actor) {
	w.t.Helper()
	r := w.call(from, "POST", "/api/v1/messages", newPost(to, "anybody there?")).Want(403)
	if p := r.WantProblem(errs.Undeliverable); p.Detail != "This message cannot be delivered." {
		w.t.Errorf("the refusal says %q", p.Detail)
	}
}

// A block refuses posts from both sides alike, writes and tells nothing, and
// leaves what was written readable; who blocked knows, the other does not.
func TestBlockedPosts(t *testing.T) {
	each(t, func(w *world) {
		old := w.post(w.ada, w.ben, "before")
		w.block(w.ben, w.ada, true, 1)
		seen := w.record()
		w.refused(w.ada, w.ben)
		w.refused(w.ben, w.ada)
		w.post(w.ada, w.eve, "another")
		w.call(w.ada, "POST", "/api/v1/messages", fields{"conversation_id": old.ConversationID, "client_id": id.New(), "body": "by id"}).Want(403)
		seen.Expect(w.t, logged(w.ada), logged(w.eve))
		if n := count(w, "messages"); n != 2 {
			w.t.Errorf("%d messages, want 2", n)
		}
		for who, blocked := range map[actor]bool{w.ada: false, w.ben: true} {
			var c conversationView
			w.call(who, "GET", "/api/v1/conversations/"+old.ConversationID, nil).Want(200).JSON(&c)
			if c.Blocked != blocked || c.LastMessage == nil || c.LastMessage.Body != "before" {
				w.t.Errorf("%+v", c)
			}
			w.call(who, "GET", "/api/v1/messages/"+old.ID, nil).Want(200)
		}
		w.block(w.ben, w.ada, false, 2)
		w.post(w.ada, w.ben, "after")
		w.post(w.ben, w.ada, "too")
	})
}

// Each may block the other: lifting one block does not lift the other.
func TestBlocksOfBothSides(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "before")
		w.block(w.ben, w.ada, true, 1)
		w.block(w.ada, w.ben, true, 1)
		w.block(w.ben, w.ada, false, 2)
		w.refused(w.ben, w.ada)
		if !w.conversations(w.ada)[0].Blocked || w.conversations(w.ben)[0].Blocked {
			w.t.Error("the wrong one is said to have blocked")
		}
		w.block(w.ada, w.ben, false, 2)
		w.post(w.ben, w.ada, "after")
	})
}

// Blocks of people who never wrote hold when one of them begins; in any order of
// delivery, and more than once, the newest version counts.
func TestBlockBeforeTheFirstMessage(t *testing.T) {
	each(t, func(w *world) {
		w.block(w.ben, w.ada, true, 3)
		w.block(w.ben, w.ada, false, 2)
		w.block(w.ben, w.ada, true, 3)
		w.block(w.ben, w.ada, true, 1)
		w.block(w.ben, w.ada, false, 2)
		w.refused(w.ada, w.ben)
		w.refused(w.ben, w.ada)
		if n := len(w.conversations(w.ada)); n != 0 {
			w.t.Errorf("%d conversations", n)
		}
		w.post(w.ada, w.eve, "the others do not mind")
	})
}

// However opening, posting and blocking meet, afterwards the block holds.
func TestBlockRacesTheFirstMessage(t *testing.T) {
	each(t, func(w *world) {
		for range 20 {
			stranger := w.person("s"+id.New().String()[:8], "Stranger")
			var both sync.WaitGroup
			both.Go(func() { w.call(stranger, "POST", "/api/v1/messages", newPost(w.ben, "hello")) })
			both.Go(func() { w.block(w.ben, stranger, true, 1) })
			both.Wait()
			w.refused(stranger, w.ben)
		}
	})
}

// The retry of a post that was saved before the block gets its answer, and
// another text under its key does not.
func TestRetryAcrossABlock(t *testing.T) {
	each(t, func(w *world) {
		post := newPost(w.ben, "before")
		var first, again events.Message
		w.call(w.ada, "POST", "/api/v1/messages", post).Want(201).JSON(&first)
		w.block(w.ben, w.ada, true, 1)
		w.call(w.ada, "POST", "/api/v1/messages", post).Want(200).JSON(&again)
		if again != first {
			w.t.Errorf("%+v, want %+v", again, first)
		}
		post["body"] = "another"
		w.call(w.ada, "POST", "/api/v1/messages", post).Want(409)
	})
}

// While one blocks the other, reading is seen by oneself only, also where the
// list is read again; afterwards the mark is where it is.
func TestReadingWhileBlocked(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "before")
		w.block(w.ben, w.ada, true, 1)
		seen := w.record()
		for _, reader := range []actor{w.ben, w.ada} {
			w.call(reader, "PUT", "/api/v1/conversations/"+m.ConversationID+"/read", fields{"seq": 1}).Want(200)
		}
		seen.Expect(w.t, logged(w.ben)) // ada had read her own
		if c := w.conversations(w.ada)[0]; c.PeerReadSeq != 0 {
			w.t.Errorf("%+v", c)
		}
		if c := w.conversations(w.ben)[0]; c.Unread != 0 {
			w.t.Errorf("%+v", c)
		}
		w.block(w.ben, w.ada, false, 2)
		if c := w.conversations(w.ada)[0]; c.PeerReadSeq != 1 {
			w.t.Errorf("%+v", c)
		}
	})
}

// Nobody is told who else is in a conversation with a block, so that no hint of
// typing goes out; and a block that arrives over the bus takes effect, whatever
// arrives with it.
func TestBlockArrives(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "before")
		members := func(who actor) int {
			var reply events.MembersReply
			must(w.t, w.deps.Bus.Request(w.t.Context(), events.RPCMembers, events.MembersRequest{ConversationID: m.ConversationID, UserID: who.id.String()}, &reply))
			return len(reply.UserIDs)
		}
		publish := func(data []byte) {
			must(w.t, w.deps.Bus.Publish(w.t.Context(), bus.Message{
				Subject: events.Subject("users", events.NameBlockChanged, w.ben.id.String()), ID: id.New().String(), Type: events.NameBlockChanged, Data: data,
			}))
		}
		data, err := json.Marshal(events.BlockChanged{UserID: w.ben.id.String(), BlockedID: w.ada.id.String(), Blocked: true, Version: 1})
		must(w.t, err)
		publish([]byte("garbage"))
		publish([]byte(`{"user_id":"x"}`))
		publish(data)
		publish(data)
		testkit.Eventually(w.t, 20*time.Second, func() bool { return count(w, "dead_letters") == 2 && w.conversations(w.ben)[0].Blocked })
		if members(w.ada) != 1 || members(w.ben) != 1 {
			w.t.Error("the members of a conversation with a block are told")
		}
		w.refused(w.ada, w.ben)
	})
}
