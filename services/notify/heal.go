package notify

import (
	"context"
	"math/rand/v2"
	"time"

	"chatapp/libs/events"
	"chatapp/libs/id"
)

// headsBatch is how many users one question about heads covers.
const headsBatch = 1000

// disturb says that the bus may have lost messages; it never blocks.
func (h *hub) disturb() {
	select {
	case h.disturbed <- struct{}{}:
	default: // somebody said so already
	}
}

// heal compares where the connected users' logs end with what was delivered:
// for everybody after a disturbance of the bus and every timing.heal, and for
// those who came a moment ago, because in a cluster of brokers their interest
// may have reached the publisher's one after their log was read. What
// is missing is then read from the log, without waiting for the user's next
// event.
func (h *hub) heal() {
	t := time.NewTicker(h.timing.tick)
	defer t.Stop()
	due := time.Now().Add(h.untilHeal())
	for {
		again := h.untilHeal
		select {
		case <-h.ctx.Done():
			return
		case <-h.disturbed:
			due = time.Now()
			again = func() time.Duration { return h.timing.echo }
		case <-t.C:
		}
		users := h.newcomers()
		if all := !time.Now().Before(due); all {
			users = h.users()
			due = time.Now().Add(again())
		}
		if err := h.compareHeads(users); err != nil && h.ctx.Err() == nil {
			h.log.Warn("comparing heads failed; trying again", "users", len(users), "error", err)
			due = time.Now().Add(h.timing.tick + rand.N(h.timing.tick))
		}
	}
}

// untilHeal is the interval, jittered so that nodes do not ask in step.
func (h *hub) untilHeal() time.Duration { return h.timing.heal*9/10 + rand.N(h.timing.heal/5) }

// recheck has the user's head compared at the tick after the next one.
func (h *hub) recheck(user id.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fresh = append(h.fresh, user)
}

func (h *hub) newcomers() []id.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	due := h.settled
	h.settled, h.fresh = h.fresh, nil
	return due
}

func (h *hub) users() []id.ID {
	var users []id.ID
	h.eachFeed(func(f *feed) { users = append(users, f.user) })
	return users
}

func (h *hub) compareHeads(users []id.ID) error {
	for len(users) > 0 {
		batch := users[:min(len(users), headsBatch)]
		users = users[len(batch):]
		if err := h.compareBatch(batch); err != nil {
			return err
		}
	}
	return nil
}

func (h *hub) compareBatch(users []id.ID) error {
	ctx, cancel := context.WithTimeout(h.ctx, h.timing.read)
	defer cancel()
	request := events.HeadsRequest{UserIDs: make([]string, len(users))}
	for i, user := range users {
		request.UserIDs[i] = user.String()
	}
	var reply events.HeadsReply
	if err := h.bus.Request(ctx, events.RPCHeads, request, &reply); err != nil {
		return err
	}
	epoch, err := parseCursor(reply.Epoch + "-0")
	if err != nil {
		return err
	}
	for i, user := range users {
		if f := h.feed(user); f != nil {
			f.hearHead(cursor{epoch.epoch, reply.Heads[request.UserIDs[i]]})
		}
	}
	return nil
}
