package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/e2e/faultproxy"
	"chatapp/e2e/harness"
	"chatapp/e2e/nemesis"
	"chatapp/internal/client"
)

// edges are scenarios about one bound each, for which a random fault is too
// blunt. The first ones wait long and run side by side.
var (
	patientEdges = []scenario{
		{"a half-open socket is gone within 45 s", halfOpenSocket, nil},
		{"a session ended behind a partition is closed when its token expires", revokedBehindPartition, nil},
	}
	edges = []scenario{
		{"an ended session loses its socket within 5 s", revokedSession, nil},
		{"a full database disk refuses and recovers", fullDatabaseDisk, func(*harness.World) bool { return harness.OwnDisks() }},
		{"a restored backup makes every client read again", restoredBackup, nil},
	}
)

// bounds are what the edges measured, for the report.
var bounds struct {
	sync.Mutex
	lines []string
}

// measured notes a result of an edge.
func measured(t *testing.T, format string, args ...any) {
	t.Helper()
	bounds.Lock()
	defer bounds.Unlock()
	bounds.lines = append(bounds.lines, fmt.Sprintf(format, args...))
	t.Logf(format, args...)
}

// halfOpenSocket: packets vanish in both directions, nobody says goodbye. The
// server gives the socket up within 45 s.
func halfOpenSocket(t *testing.T, w *harness.World) {
	link, site := faultproxy.New(), w.Site(0)
	t.Cleanup(link.Close)
	address, err := link.Forward(strings.TrimPrefix(site.Notify, "http://"))
	must(t, err)
	site.Notify = "http://" + address
	alice := person(t, "alice", site)
	device(t, alice, client.Options{})
	sockets := link.Conns()
	if len(sockets) != 1 {
		t.Fatalf("%d connections through the link, want 1", len(sockets))
	}
	link.Set(faultproxy.Faults{SilentUp: true, SilentDown: true})
	began := time.Now()
	select {
	case <-sockets[0].TargetGone():
		measured(t, "half-open socket: the server hung up %v after the last packet (bound 45 s)", time.Since(began).Round(time.Millisecond))
	case <-time.After(45 * time.Second):
		t.Error("the server still holds a socket that has been silent for 45 s")
	}
}

// revokedBehindPartition: a notify that cannot hear of revocations closes a
// socket at the latest when the token it was opened with expires.
func revokedBehindPartition(t *testing.T, w *harness.World) {
	const life = 15 * time.Second
	ttl := harness.Env{"CHAT_ACCESS_TOKEN_TTL": life.String()}
	auth, authBase, err := w.Service("auth-short", harness.Auth, ttl)
	must(t, err)
	notify, notifyBase, err := w.Service("notify-apart", harness.Notify, ttl)
	must(t, err)
	must(t, errors.Join(auth.Start(t.Context()), notify.Start(t.Context())))
	defer func() {
		w.Links.NATS[notify.Name].Set(faultproxy.Faults{})
		if err := errors.Join(w.Retire(within(t, soon), notify), w.Retire(within(t, soon), auth)); err != nil {
			t.Error(err)
		}
	}()
	site := w.Site(0)
	site.Auth, site.Notify = authBase, notifyBase
	opened := time.Now()
	alice := person(t, "alice", site)
	d := device(t, alice, client.Options{})
	w.Links.NATS[notify.Name].Set(faultproxy.Faults{SilentUp: true, SilentDown: true})
	must(t, alice.Logout(t.Context()))
	ended := time.Now()
	bob := person(t, "bob", w.Front)
	post(t, bob, alice.ID(), text("not for a session that has ended"))
	must(t, d.Wait(within(t, life+5*time.Second), "the end of the socket", func(v client.View) bool { return len(v.Closes) > 0 }))
	v := d.View()
	if v.Closes[0].Code != 4401 || len(v.Messages) > 0 {
		t.Errorf("closed with %+v after %d messages, want 4401 and none", v.Closes, len(v.Messages))
	}
	measured(t, "session ended while its notify was cut off from the broker: socket closed %v after the logout, %v after its token was made (which lives %v)",
		v.Closes[0].At.Sub(ended).Round(time.Millisecond), v.Closes[0].At.Sub(opened).Round(time.Millisecond), life)
}

// revokedSession: with nothing broken, a session that is ended at one replica
// loses its socket at another within 5 s.
func revokedSession(t *testing.T, w *harness.World) {
	alice := person(t, "alice", w.Site(0))
	d := device(t, alice.At(w.Site(1)), client.Options{})
	asked := time.Now()
	must(t, alice.Logout(t.Context()))
	must(t, d.Wait(within(t, 5*time.Second), "the end of the socket", func(v client.View) bool { return len(v.Closes) > 0 }))
	if c := d.View().Closes[0]; c.Code != 4401 {
		t.Errorf("closed with %+v, want 4401", c)
	}
	measured(t, "session ended: socket closed %v after the logout was sent (bound 5 s)", d.View().Closes[0].At.Sub(asked).Round(100*time.Microsecond))
}

// fullDatabaseDisk: a post is then refused with 503 and never acknowledged,
// reads work, and soon after there is space again posts are accepted, without
// anybody doing anything.
func fullDatabaseDisk(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	posted := byID(post(t, alice, bob.ID(), text("before")))
	free, err := nemesis.Fill(filepath.Join(w.DB.DataDir(), "stuffing"))
	must(t, err)
	refused := false
	full := time.Now()
	for ctx := within(t, time.Minute); !refused && ctx.Err() == nil; {
		m, status, err := alice.Post(ctx, bob.ID(), client.NewID(), text("%s", strings.Repeat("x", 3900)))
		p, answered := errors.AsType[*client.Problem](err)
		switch {
		case err == nil && status == 201:
			posted[m.ID] = m
		case answered && p.Status == 503 && p.Type == "/problems/unavailable":
			refused = true
		default:
			t.Fatalf("on a full disk a post got %d %v, want 201 or 503 unavailable", status, err)
		}
	}
	if !refused {
		t.Fatalf("%d posts were accepted on a full disk and none refused", len(posted))
	}
	measured(t, "full database disk: posts refused with 503 from %v on, after %d had still found room", time.Since(full).Round(time.Millisecond), len(posted)-1)
	for _, c := range []*client.Client{alice, bob} {
		_, err := c.Conversations(within(t, soon))
		must(t, err)
	}
	must(t, free())
	space := time.Now()
	m, _, err := alice.PostUntil(within(t, 30*time.Second), bob.ID(), client.NewID(), text("there is space again"))
	must(t, err)
	posted[m.ID] = m
	measured(t, "full database disk: posts accepted %v after there was space again (bound 30 s)", time.Since(space).Round(time.Millisecond))
	must(t, bob.CheckHistory(within(t, soon), m.ConversationID, posted))
}

// restoredBackup: the database of messages goes back to a backup with a new
// epoch, while clients are ahead of it. Every one of them is told to read again;
// what the backup held is there, what came after it is not, and nobody shows a
// hole.
func restoredBackup(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Front), person(t, "bob", w.Front)
	devices := []*client.Device{device(t, alice, client.Options{}), device(t, bob, client.Options{}), device(t, bob.At(w.Site(1)), client.Options{})}
	kept := byID()
	var conversation string
	for i := range 10 {
		m := post(t, alice, bob.ID(), text("before the backup %d", i))
		kept[m.ID], conversation = m, m.ConversationID
	}
	for _, d := range devices {
		must(t, d.WaitMessages(within(t, soon), 10))
	}
	must(t, w.DB.CopySchema(t.Context(), "chat_messages", "backup"))
	for i := range 5 {
		post(t, bob, alice.ID(), text("after the backup %d", i))
	}
	for _, d := range devices {
		must(t, d.WaitMessages(within(t, soon), 15))
	}
	for i := range 2 {
		must(t, w.Replica(harness.Messages, i).Stop(within(t, soon)))
	}
	must(t, w.DB.CopySchema(t.Context(), "backup", "chat_messages"))
	must(t, w.DB.SQL(t.Context(), "UPDATE chat_messages.meta SET value = '00000000feedface' WHERE name = 'epoch'"))
	for i := range 2 {
		must(t, w.Replica(harness.Messages, i).Start(t.Context()))
	}
	for i := range 3 {
		m, _, err := alice.PostUntil(within(t, soon), bob.ID(), client.NewID(), text("after the restore %d", i))
		must(t, err)
		kept[m.ID] = m
	}
	must(t, bob.CheckHistory(within(t, soon), conversation, kept))
	for i, d := range devices {
		// The clients' side of a resync is to load a snapshot; the device only
		// notes that it was told, and counts on from the cursor it was given.
		err := d.Wait(within(t, 45*time.Second), "a resync to the new epoch", func(v client.View) bool {
			return v.Resyncs > 0 && strings.HasPrefix(v.Cursor, "00000000feedface-")
		})
		if err != nil {
			t.Fatalf("device %d: %v", i, err)
		}
		if v := d.View(); len(v.Faults) > 0 {
			t.Errorf("device %d: %v", i, v.Faults)
		}
	}
	measured(t, "restored backup with a new epoch: %d of %d devices were told to read again", len(devices), len(devices))
	m := post(t, alice, bob.ID(), text("and on"))
	for i, d := range devices {
		must(t, d.Wait(within(t, soon), fmt.Sprintf("the next message on device %d", i), func(v client.View) bool {
			return len(v.Messages) > 0 && v.Messages[len(v.Messages)-1].ID == m.ID
		}))
	}
}

// runEdges runs the scenarios about single bounds on a world that is whole.
func runEdges(t *testing.T, w *harness.World) {
	t.Run("patient", func(t *testing.T) {
		for _, s := range patientEdges {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.run(t, w)
			})
		}
	})
	for _, s := range edges {
		if s.only == nil || s.only(w) {
			t.Run(s.name, func(t *testing.T) { s.run(t, w) })
		} else {
			t.Logf("NOT RUN, needs root and loop devices: %s", s.name)
		}
	}
}
