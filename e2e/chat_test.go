package e2e

import (
	"fmt"
	"slices"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// text makes a body that logs are searched for afterwards.
func text(format string, args ...any) string {
	return harness.SecretBody + " " + fmt.Sprintf(format, args...)
}

// mainJob: two people on different replicas sign up, find each other, write,
// and see every message at once; sockets and posts never meet on one replica.
func mainJob(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	aliceDevice := device(t, alice.At(w.Site(1)), client.Options{})
	bobDevice := device(t, bob.At(w.Site(1)), client.Options{})

	var found client.Users
	eventually(t, "alice finds bob", func() (err error) {
		found, err = alice.At(w.Front).Find(t.Context(), bob.Session().User.Username[:7])
		if err == nil && !slices.Contains(usernames(found.Items), bob.Session().User.Username) {
			err = fmt.Errorf("found %v", usernames(found.Items))
		}
		return err
	})
	conversation, err := alice.Open(t.Context(), bob.ID())
	must(t, err)
	again, err := bob.Open(t.Context(), alice.ID())
	must(t, err)
	if again.ID != conversation.ID || again.Peer.ID != alice.ID() || conversation.Peer.ID != bob.ID() {
		t.Errorf("opened twice: %+v and %+v", conversation, again)
	}

	hello := post(t, alice, bob.ID(), text("hello bob"))
	answer := post(t, bob.At(w.Site(0)), alice.ID(), text("hello alice"))
	for who, d := range map[string]*client.Device{"alice": aliceDevice, "bob": bobDevice} {
		if err := d.WaitMessages(within(t, soon), 2); err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		if err := d.View().Check(byID(hello, answer)); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	for _, site := range w.Everywhere() {
		got, err := bob.At(site).Message(t.Context(), hello.ID)
		must(t, err)
		if got != hello {
			t.Errorf("read by id %+v, posted %+v", got, hello)
		}
		must(t, alice.At(site).CheckHistory(t.Context(), conversation.ID, byID(hello, answer)))
	}
	must(t, alice.CheckLog(t.Context(), aliceDevice.View()))
	must(t, bob.CheckLog(t.Context(), bobDevice.View()))
}

// everyDevice: both parties have devices on every replica; all see everything,
// the sender's other devices included.
func everyDevice(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	second := client.New(w.Site(1))
	must(t, second.Login(t.Context(), bob.Session().User.Username))
	var devices []*client.Device
	for _, site := range w.Everywhere() {
		for _, who := range []*client.Client{alice, bob, second} {
			devices = append(devices, device(t, who.At(site), client.Options{}))
		}
	}
	posted := byID()
	for i := range 10 {
		m := post(t, alice.At(w.Site(i)), bob.ID(), text("number %d", i))
		posted[m.ID] = m
	}
	for i, d := range devices {
		if err := d.WaitMessages(within(t, soon), len(posted)); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
		if err := d.View().Check(posted); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
}

// payloadID: the seed's form, an id in the push and then a GET.
func payloadID(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob.At(w.Site(1)), client.Options{Payload: "id"})
	m := post(t, alice, bob.ID(), text("fetch me"))
	must(t, d.WaitMessages(within(t, soon), 1))
	if got := d.View().Messages[0]; got.ID != m.ID || got.ConversationID != m.ConversationID || got.Body != "" {
		t.Errorf("pushed %+v", got)
	}
	for _, site := range w.Everywhere() { // read your writes, on every replica
		got, err := bob.At(site).Message(t.Context(), d.View().Messages[0].ID)
		must(t, err)
		if got != m {
			t.Errorf("read %+v, posted %+v", got, m)
		}
	}
}

// serverSentEvents: the fallback shows what the WebSocket shows.
func serverSentEvents(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob.At(w.Site(0)), client.Options{})
	start := d.View().Cursor
	missed := []client.Message{post(t, alice, bob.ID(), text("before")), post(t, alice, bob.ID(), text("also before"))}
	var seen []client.Entry
	must(t, bob.At(w.Site(1)).Stream(within(t, soon), start, func(e client.Entry) bool {
		if seen = append(seen, e); len(seen) == 2 {
			missed = append(missed, post(t, alice, bob.ID(), text("live")))
		}
		return len(seen) < 3
	}))
	for i, e := range seen {
		if m, ok := e.Message(); !ok || m != missed[i] {
			t.Errorf("entry %d is %+v, want %+v", i, m, missed[i])
		}
	}
}

// resumeAnywhere: cut connections and long absences lose and repeat nothing.
func resumeAnywhere(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	away := device(t, bob.At(w.Site(0)), client.Options{})
	cut := device(t, bob.At(w.Sites...), client.Options{})
	first := post(t, alice, bob.ID(), text("seen by all"))
	must(t, away.WaitMessages(within(t, soon), 1))
	away.Close()
	posted := byID(first)
	for i := range 30 {
		m := post(t, alice.At(w.Site(i)), bob.ID(), text("while away %d", i))
		posted[m.ID] = m
		if i%10 == 5 {
			cut.Drop()
		}
	}
	back := device(t, bob.At(w.Site(1)), client.Options{Cursor: away.View().Cursor})
	must(t, back.WaitMessages(within(t, soon), 30))
	m := post(t, alice, bob.ID(), text("live again"))
	posted[m.ID] = m
	must(t, back.WaitMessages(within(t, soon), 31))
	must(t, cut.WaitMessages(within(t, soon), 32))
	must(t, cut.View().Check(posted))
	if v := cut.View(); v.Welcomes < 2 {
		t.Errorf("the cut device was welcomed %d times: the cuts cut nothing", v.Welcomes)
	}
	delete(posted, first.ID)
	must(t, back.View().Check(posted))

	if _, _, err := bob.Events(t.Context(), "0123456789abcdef-1"); err == nil {
		t.Error("a cursor of another epoch was accepted")
	} else {
		wantProblem(t, err, 409, "cursor-ahead")
	}
	stranger := device(t, bob.At(w.Site(0)), client.Options{Cursor: "0123456789abcdef-1"})
	must(t, stranger.Wait(within(t, soon), "a resync", func(v client.View) bool { return v.Resyncs == 1 }))
}

// pagesToTheFirst: the latest 15 by default, and back to the first message.
func pagesToTheFirst(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	posted := byID()
	var last client.Message
	for i := range 47 {
		who, to := alice, bob
		if i%2 == 1 {
			who, to = bob, alice
		}
		last = post(t, who, to.ID(), text("line %d", i))
		posted[last.ID] = last
	}
	page, err := bob.Page(t.Context(), last.ConversationID, 0, 0)
	must(t, err)
	if len(page.Items) != 15 || page.Items[0].Seq != 33 || page.Items[14].Seq != 47 || !page.HasOlder || page.HasNewer {
		t.Errorf("the latest page: %d items, %+v", len(page.Items), page)
	}
	for _, limit := range []int{1, 15, 100} {
		history, err := bob.At(w.Site(limit)).History(t.Context(), last.ConversationID, limit)
		must(t, err)
		if len(history) != 47 || history[0].Body != text("line 0") {
			t.Errorf("limit %d: %d messages", limit, len(history))
		}
	}
	must(t, bob.CheckHistory(t.Context(), last.ConversationID, posted))
	var after, with client.Page
	must(t, bob.JSON(t.Context(), "GET", "/api/v1/conversations/"+last.ConversationID+"/messages?after=40&limit=5", nil, &after))
	if len(after.Items) != 5 || after.Items[0].Seq != 41 || !after.HasNewer || !after.HasOlder {
		t.Errorf("after 40: %+v", after)
	}
	must(t, bob.JSON(t.Context(), "GET", "/api/v1/messages?with="+alice.ID(), nil, &with))
	if len(with.Items) != 15 || with.Items[14] != last {
		t.Errorf("filter by partner: %+v", with)
	}
	wantProblem(t, bob.JSON(t.Context(), "GET", "/api/v1/conversations/"+last.ConversationID+"/messages?limit=101", nil, nil), 400, "invalid-parameter")
}

// orderBySeq: many writers at once on both replicas; every device has the one
// order, which is the history's.
func orderBySeq(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	devices := []*client.Device{
		device(t, alice.At(w.Site(1)), client.Options{}), device(t, bob.At(w.Site(0)), client.Options{}), device(t, bob.At(w.Front), client.Options{}),
	}
	const writers, each = 4, 15
	out := make(chan client.Message, writers*each)
	for i := range writers {
		from, to := alice, bob
		if i%2 == 1 {
			from, to = bob, alice
		}
		go func() {
			for n := range each {
				m, _, err := from.At(w.Site(i/2)).Post(t.Context(), to.ID(), client.NewID(), text("%d/%d", i, n))
				if err != nil {
					t.Error(err)
				}
				out <- m
			}
		}()
	}
	posted := byID()
	lastOf := map[string]uint64{}
	for range writers * each {
		m := <-out
		posted[m.ID] = m
		writer := m.Body[:len(text("0"))]
		if m.Seq <= lastOf[writer] {
			t.Errorf("writer %s got seq %d after %d", writer, m.Seq, lastOf[writer])
		}
		lastOf[writer] = m.Seq
	}
	for i, d := range devices {
		must(t, d.WaitMessages(within(t, soon), len(posted)))
		if err := d.View().Check(posted); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
	history, err := alice.History(t.Context(), devices[0].View().Messages[0].ConversationID, 100)
	must(t, err)
	for i, d := range devices {
		if !slices.Equal(d.View().Bodies(), bodies(history)) {
			t.Errorf("device %d shows another order than the history", i)
		}
	}
}
