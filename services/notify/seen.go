package notify

import (
	"slices"
	"time"

	"chatapp/libs/events"
	"chatapp/libs/id"
)

// touch notes that a user came or went, for who keeps when people were last
// here. It costs nothing on the way to the bus: tellSeen sends it.
func (h *hub) touch(user id.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.touched = append(h.touched, user)
}

// tellSeen says who is connected: those who came or went within timing.seen, and
// everybody once in timing.present. What is lost is said again, or was about one
// who has gone: then they were last seen a minute too early.
func (h *hub) tellSeen() {
	t := time.NewTicker(h.timing.seen)
	defer t.Stop()
	due := time.Now().Add(h.timing.present)
	for {
		select {
		case <-h.ctx.Done():
			h.broadcastSeen(h.takeTouched())
			return
		case now := <-t.C:
			users := h.takeTouched()
			if !now.Before(due) {
				users = append(users, h.users()...)
				due = now.Add(h.timing.present)
			}
			h.broadcastSeen(users)
		}
	}
}

func (h *hub) takeTouched() []id.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	users := h.touched
	h.touched = nil
	return users
}

var seenSubject = events.Subject(events.ServiceNotify, events.NameSeen, events.KeySeen)

func (h *hub) broadcastSeen(users []id.ID) {
	slices.SortFunc(users, id.ID.Compare)
	for batch := range slices.Chunk(slices.Compact(users), events.MaxSeen) {
		seen := events.Seen{UserIDs: make([]string, len(batch))}
		for i, user := range batch {
			seen.UserIDs[i] = user.String()
		}
		if err := h.bus.Broadcast(seenSubject, encode(seen)); err != nil {
			h.log.Debug("who is here could not be told", "users", len(batch), "error", err)
		}
	}
}
