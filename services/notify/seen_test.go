package notify

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// Who comes is told, who stays is told again and again, and who goes is told,
// also where the node itself goes.
func TestSeen(t *testing.T) {
	c := newCluster(t)
	told := make(chan []string, 1000)
	w := testkit.Join(t, c.nats).Watch(func(m bus.Message) {
		var s events.Seen
		if err := json.Unmarshal(m.Data, &s); err != nil {
			t.Error(err)
		}
		told <- s.UserIDs
	})
	t.Cleanup(w.Close)
	if err := w.Add(seenSubject); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := func(user id.ID) {
		t.Helper()
		for late := time.After(patience); ; {
			select {
			case users := <-told:
				if slices.Contains(users, user.String()) {
					return
				}
			case <-late:
				t.Fatal("not told")
			}
		}
	}
	ada, ben := id.New(), id.New()
	lasting := c.node(t, func(tm *timing) { tm.seen, tm.present = 10*time.Millisecond, 30*time.Millisecond })
	lasting.connect(t, ada, c.log.cursor(ada, 0))
	for range 4 { // to come is told once: the rest is to stay
		next(ada)
	}
	going := c.node(t, func(tm *timing) { tm.seen, tm.present = 10*time.Millisecond, time.Hour })
	conn := going.connect(t, ben, c.log.cursor(ben, 0))
	next(ben)
	conn.conn.Close()
	next(ben)
	going.connect(t, ben, c.log.cursor(ben, 0))
	next(ben)
	going.shutdown()
	next(ben)
}
