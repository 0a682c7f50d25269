package notify

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func fastHeal(t *timing) { t.heal = 200 * time.Millisecond }

func TestEveryDeviceOnEveryNodeGetsTheDenseSequenceOnce(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t, fastHeal), c.node(t, fastHeal)
	user, other := id.New(), id.New()
	c.log.post(t, user, 3)
	devices := []*wsClient{a.connect(t, user, ""), b.connect(t, user, ""), b.connect(t, user, "")}
	stranger := a.connect(t, other, "")
	fromStart := a.connect(t, user, c.log.cursor(user, 0))

	// A push is lost, comes twice or at another time: one in five each.
	var late []json.RawMessage
	for range 500 {
		e := c.log.write(user, 1, 10)[0]
		switch rand.IntN(5) {
		case 0:
		case 1:
			c.log.publish(t, user, e, e)
		case 2:
			late = append(late, e)
		default:
			c.log.publish(t, user, e)
		}
		if len(late) > 10 {
			rand.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
			c.log.publish(t, user, late...)
			late = nil
		}
	}
	for _, d := range devices {
		d.expect(t, 4, 503)
	}
	fromStart.expect(t, 1, 503)
	c.log.post(t, other, 1)
	stranger.expect(t, 1, 1)
}

func TestTheLastEventIsHealedWithoutANextOne(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, fastHeal)
	user := id.New()
	d := n.connect(t, user, "")
	c.log.write(user, 7, 10) // written, never pushed
	d.expect(t, 1, 7)
}

func TestADisturbanceOfTheBusIsHealedAtOnce(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.heal = time.Hour })
	user := id.New()
	d := n.connect(t, user, "")
	c.log.post(t, user, 1)
	d.expect(t, 1, 1)
	testkit.Eventually(t, patience, func() bool { return c.log.headReads.Load() > 0 }) // the second look at newcomers
	c.log.write(user, 4, 10)
	n.cutBus(t)
	d.expect(t, 1, 5)
	c.log.post(t, user, 1)
	d.expect(t, 1, 6)
}

// cutBus breaks the node's connection to NATS; it reconnects by itself.
func (n *node) cutBus(t testing.TB) {
	t.Helper()
	conns, err := n.c.nats.Connz(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range conns.Conns {
		if err := n.c.nats.DisconnectClientByID(conn.Cid); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClientResumesOnAnotherNode(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t), c.node(t)
	user := id.New()
	first := a.connect(t, user, "")
	c.log.post(t, user, 10)
	first.expect(t, 1, 10)
	at := first.last()
	first.drop()
	c.log.post(t, user, 500)
	second := b.connect(t, user, at)
	if second.welcome != at {
		t.Fatalf("welcome at %s, want %s", second.welcome, at)
	}
	second.expect(t, 11, 510)
	c.log.post(t, user, 1)
	second.expect(t, 11, 511)
}

func TestAConnectionDiesUnderLoadAndNothingIsLost(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t), c.node(t)
	user := id.New()
	first := a.connect(t, user, "")
	stop := make(chan struct{})
	written := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				written <- n
				return
			default:
				c.log.post(t, user, 1)
			}
		}
	}()
	first.wait(t, "events", func(c *wsClient) bool { return len(c.seqs) > 50 })
	first.drop()
	first.wait(t, "end", func(c *wsClient) bool { return c.over })
	seen := uint64(len(first.seqs))
	first.expect(t, 1, seen)
	second := b.connect(t, user, first.last())
	close(stop)
	second.expect(t, seen+1, uint64(<-written))
}

func TestTenSocketsOfAUserMakeOneQuery(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.post(t, user, 100)
	token := c.tokens.For(user, "someone")
	var devices []*wsClient
	for range 10 {
		devices = append(devices, n.dial(t, token))
	}
	c.log.set(func() { c.log.down = true }) // they gather while the log is away
	for _, d := range devices {
		d.send(t, map[string]string{"type": "hello", "cursor": c.log.cursor(user, 97)})
	}
	f := n.svc.hub.feed(user)
	testkit.Eventually(t, patience, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.seq.lanes) == 10
	})
	c.log.set(func() { c.log.down = false; c.log.logReads.Store(0) })
	for _, d := range devices {
		d.expect(t, 98, 100)
	}
	if reads := c.log.logReads.Load(); reads > 1 {
		t.Fatalf("%d log reads for ten sockets", reads)
	}
}

func TestAnUpToDateUserCostsNoLogReads(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, fastHeal)
	user := id.New()
	d := n.connect(t, user, "")
	before := c.log.logReads.Load()
	c.log.post(t, user, 200)
	d.expect(t, 1, 200)
	heads := c.log.headReads.Load()
	testkit.Eventually(t, patience, func() bool { return c.log.headReads.Load() > heads+2 })
	if reads := c.log.logReads.Load() - before; reads > 3 { // a head that is compared in flight may cost one
		t.Fatalf("%d log reads for events that all came", reads)
	}
}

func TestALargeBacklogIsPacedNotCut(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.write(user, 300, 20<<10) // 6 MB, far more than a queue holds
	d := n.connect(t, user, c.log.cursor(user, 0))
	d.expect(t, 1, 300)
	c.log.post(t, user, 1)
	d.expect(t, 1, 301)
}

func TestAnOutageOfTheLogDelaysAndLosesNothing(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.post(t, user, 5)
	c.log.set(func() { c.log.down = true })
	d := n.dial(t, c.tokens.For(user, "someone"))
	d.send(t, map[string]string{"type": "hello", "cursor": c.log.cursor(user, 2)})
	testkit.Eventually(t, patience, func() bool { return c.log.logReads.Load() > 1 })
	c.log.post(t, user, 5)
	c.log.set(func() { c.log.down = false })
	d.expect(t, 3, 10)
}

func TestPositionsTheLogCannotContinueAreResynced(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.post(t, user, 10)
	c.log.set(func() { c.log.trimmed[user.String()] = 5 })
	cases := map[string]struct{ cursor, reason string }{
		"trimmed":     {c.log.cursor(user, 3), "cursor-expired"},
		"ahead":       {c.log.cursor(user, 11), "cursor-ahead"},
		"other epoch": {cursor{0xdef, 10}.String(), "cursor-ahead"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			d := n.connect(t, user, test.cursor)
			d.wait(t, "resync", func(c *wsClient) bool { return len(c.other) == 1 })
			r := d.other[0]
			if r["type"] != "resync" || r["reason"] != test.reason || r["cursor"] != c.log.cursor(user, 10) || r["snapshot"] != "/api/v1/conversations" {
				t.Fatalf("%v", r)
			}
			if !slices.Equal(d.order, []string{"welcome", "resync"}) {
				t.Fatalf("frames %v", d.order)
			}
			d.drop()
		})
	}
	d := n.connect(t, user, cursor{0xdef, 10}.String())
	c.log.post(t, user, 2)
	d.expect(t, 11, 12) // live from the head
}

func TestARestoredDatabaseResyncsEverybody(t *testing.T) {
	c := newCluster(t)
	a, b := c.node(t, fastHeal), c.node(t, fastHeal)
	user := id.New()
	c.log.post(t, user, 10)
	devices := []*wsClient{a.connect(t, user, ""), a.connect(t, user, c.log.cursor(user, 4)), b.connect(t, user, "")}
	devices[1].expect(t, 5, 10)
	old := c.log.write(user, 1, 10) // the push of the lost database arrives after the restore
	c.log.set(func() {
		c.log.epoch = 0xfff
		log := c.log.logs[user.String()][:6]
		for i := range log {
			log[i] = encode(events.Entry{Cursor: cursor{0xfff, uint64(i) + 1}.String(), Seq: uint64(i) + 1, Type: "x", Data: []byte("1")})
		}
		c.log.logs[user.String()] = log
	})
	for _, d := range devices {
		d.wait(t, "resync", func(c *wsClient) bool { return len(c.other) > 0 })
	}
	c.log.publish(t, user, old...)
	c.log.post(t, user, 3)
	for _, d := range devices {
		d.wait(t, "event 9", func(d *wsClient) bool {
			return len(d.cursors) >= 3 && d.cursors[len(d.cursors)-1] == c.log.cursor(user, 9)
		})
		got := d.cursors[len(d.cursors)-3:]
		if want := []string{c.log.cursor(user, 7), c.log.cursor(user, 8), c.log.cursor(user, 9)}; !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestAHoleInTheLogResyncsInsteadOfWaitingForEver(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	c.log.write(user, 10, 10)
	c.log.set(func() { c.log.logs[user.String()][4] = []byte(`{"cursor":"?"}`) })
	d := n.connect(t, user, c.log.cursor(user, 0))
	d.wait(t, "resync", func(c *wsClient) bool { return len(c.other) == 1 })
	if d.other[0]["reason"] != "cursor-expired" {
		t.Fatalf("%v", d.other[0])
	}
	d.expect(t, 1, 4)
}

func TestAnAnswerTooLargeToTravelIsAskedForInParts(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.read = 300 * time.Millisecond })
	user := id.New()
	c.log.set(func() { c.log.noBound = true })
	c.log.write(user, 100, 40<<10)
	d := n.connect(t, user, c.log.cursor(user, 0))
	d.expect(t, 1, 100)
}

func TestADamagedLogResyncsInsteadOfWaitingForEver(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, func(t *timing) { t.backoff = 50 * time.Millisecond })
	user := id.New()
	c.log.write(user, 10, 10)
	at := c.log.cursor(user, 3)
	c.log.set(func() { c.log.damaged = at })
	d := n.connect(t, user, at)
	d.wait(t, "resync", func(c *wsClient) bool { return len(c.other) == 1 })
	c.log.post(t, user, 1)
	d.expect(t, 11, 11)
}

func TestPoisonOnTheBusHurtsNobody(t *testing.T) {
	c := newCluster(t)
	n := c.node(t, fastHeal)
	user := id.New()
	d := n.connect(t, user, "")
	for _, poison := range []string{"", "{", "null", `{"cursor":"x"}`, `{"cursor":"0000000000000abc-0"}`, `[1]`, `{"cursor":7}`} {
		c.log.publish(t, user, json.RawMessage(poison))
	}
	c.log.publish(t, user, json.RawMessage(`{"cursor":"0000000000000abc-99","seq":99}`)) // never written
	c.log.publish(t, user, json.RawMessage(`{"cursor":"0000000000000def-1","seq":1}`))   // another epoch
	c.log.post(t, user, 3)
	d.expect(t, 1, 3)
	heads := c.log.headReads.Load()
	testkit.Eventually(t, patience, func() bool { return c.log.headReads.Load() > heads+2 })
	if reads := c.log.logReads.Load(); reads > 20 {
		t.Fatalf("%d log reads because of poison", reads)
	}
}

func TestPayloadIDShowsNewMessagesByTheirIDs(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	d := n.dial(t, c.tokens.For(user, "someone"))
	d.send(t, map[string]string{"type": "hello", "payload": "id"})
	d.wait(t, "welcome", func(c *wsClient) bool { return c.welcome != "" })
	full := n.connect(t, user, "")
	c.log.post(t, user, 1)
	d.expect(t, 1, 1)
	full.expect(t, 1, 1)
	var e events.Entry
	if err := json.Unmarshal(d.entries[0], &e); err != nil {
		t.Fatal(err)
	}
	var whole events.Entry
	var m events.Message
	_ = json.Unmarshal(full.entries[0], &whole)
	_ = json.Unmarshal(whole.Data, &m)
	if want := `{"id":"` + m.ID + `","conversation_id":"` + m.ConversationID + `"}`; string(e.Data) != want || e.Cursor != whole.Cursor || m.Body == "" {
		t.Fatalf("data %s, want %s", e.Data, want)
	}
}
