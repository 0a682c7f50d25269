package e2e

import (
	"fmt"
	"slices"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// typing: the frame goes to the other person's devices on every replica, and
// to nobody outside the conversation.
func typing(t *testing.T, w *harness.World) {
	alice, bob, carol := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1)), person(t, "carol", w.Front)
	m := post(t, alice, bob.ID(), text("hi"))
	aliceDevice, carolDevice := device(t, alice.At(w.Site(0)), client.Options{}), device(t, carol, client.Options{})
	frame := fmt.Sprintf(`{"type":"typing","conversation_id":%q}`, m.ConversationID)
	must(t, carolDevice.Send(frame)) // not hers: must reach nobody
	var devices []*client.Device
	for _, site := range w.Everywhere() {
		devices = append(devices, device(t, bob.At(site), client.Options{}))
	}
	must(t, aliceDevice.Send(frame))
	want := client.Typing{ConversationID: m.ConversationID, UserID: alice.ID()}
	for _, d := range devices {
		must(t, d.Wait(within(t, soon), "typing", func(v client.View) bool { return len(v.Typing) > 0 }))
		if seen := d.View().Typing; seen[0] != want {
			t.Errorf("bob saw %+v", seen)
		}
	}
	fence := post(t, alice, carol.ID(), text("fence"))
	must(t, carolDevice.WaitMessages(within(t, soon), 1))
	if v := carolDevice.View(); len(v.Typing) > 0 || v.Check(byID(fence)) != nil {
		t.Errorf("carol saw %+v", v)
	}
}

// reading: unread counts what the other person wrote, a read mark clears it on
// every device of the reader and shows to the writer; marks never go back.
func reading(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	aliceDevice, bobDevice := device(t, alice.At(w.Site(1)), client.Options{}), device(t, bob.At(w.Site(0)), client.Options{})
	var last client.Message
	for i := range 3 {
		last = post(t, alice, bob.ID(), text("unread %d", i))
	}
	conversation := func(c *client.Client) client.Conversation {
		t.Helper()
		list, err := c.Conversations(t.Context())
		must(t, err)
		if len(list.Items) != 1 || list.Items[0].LastMessage == nil || *list.Items[0].LastMessage != last {
			t.Fatalf("the list is %+v", list)
		}
		return list.Items[0]
	}
	if c := conversation(bob); c.Unread != 3 || c.ReadSeq != 0 || c.LastSeq != 3 {
		t.Errorf("bob has %+v", c)
	}
	if c := conversation(alice); c.Unread != 0 || c.ReadSeq != 3 {
		t.Errorf("alice has %+v", c)
	}
	must(t, bob.Read(t.Context(), last.ConversationID, 3))
	must(t, bob.At(w.Site(0)).Read(t.Context(), last.ConversationID, 1)) // late, from another device
	for who, d := range map[string]*client.Device{"alice": aliceDevice, "bob": bobDevice} {
		err := d.Wait(within(t, soon), "the read mark", func(v client.View) bool {
			return slices.ContainsFunc(v.Entries, func(e client.Entry) bool { return e.Type == "conversation.read" })
		})
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	for _, site := range w.Everywhere() {
		if c := conversation(bob.At(site)); c.Unread != 0 || c.ReadSeq != 3 {
			t.Errorf("after reading bob has %+v", c)
		}
		if c := conversation(alice.At(site)); c.PeerReadSeq != 3 {
			t.Errorf("after reading alice has %+v", c)
		}
	}
	last = post(t, bob, alice.ID(), text("answer"))
	if c := conversation(alice); c.Unread != 1 {
		t.Errorf("alice has %+v", c)
	}
	must(t, aliceDevice.WaitMessages(within(t, soon), 4))
	must(t, alice.CheckLog(t.Context(), aliceDevice.View()))
}

// noteToSelf: allowed, one conversation, each message once.
func noteToSelf(t *testing.T, w *harness.World) {
	alice := person(t, "alice", w.Site(0))
	d := device(t, alice.At(w.Site(1)), client.Options{})
	posted := byID(post(t, alice, alice.ID(), text("milk")), post(t, alice.At(w.Site(1)), alice.ID(), text("eggs")))
	must(t, d.WaitMessages(within(t, soon), 2))
	list, err := alice.Conversations(t.Context())
	must(t, err)
	if len(list.Items) != 1 || list.Items[0].Kind != "self" || list.Items[0].Peer.ID != alice.ID() || list.Items[0].Unread != 0 {
		t.Fatalf("the list is %+v", list.Items)
	}
	must(t, alice.CheckHistory(t.Context(), list.Items[0].ID, posted))
	must(t, d.View().Check(posted))
	must(t, alice.CheckLog(t.Context(), d.View()))
}
