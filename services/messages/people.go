package messages

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// Person is what messages knows of a user.
type Person struct {
	ID          id.ID
	Username    string
	DisplayName string
}

// people knows who exists, from users' events and, for someone whose event has
// not arrived yet, by asking users.
type people struct {
	store *store
	bus   *bus.Bus
	known *lru.Cache[id.ID, struct{}]
}

func newPeople(s *store, b *bus.Bus) *people {
	known, err := lru.New[id.ID, struct{}](cachedConversations)
	if err != nil {
		panic(err) // only for a size <= 0
	}
	return &people{store: s, bus: b, known: known}
}

// ensure returns nil when every one of ids is somebody. Errors: not-found, and
// unavailable when a person is unknown here and users does not answer.
func (p *people) ensure(ctx context.Context, ids ...id.ID) error {
	for _, user := range ids {
		if p.known.Contains(user) {
			continue
		}
		there, err := p.store.personExists(ctx, user)
		if err != nil {
			return err
		}
		if !there {
			if err := p.ask(ctx, user); err != nil {
				return err
			}
		}
		p.known.Add(user, struct{}{})
	}
	return nil
}

func (p *people) ask(ctx context.Context, user id.ID) error {
	var profile events.ProfileChanged
	err := p.bus.Request(ctx, events.RPCProfile, events.UserRequest{UserID: user.String()}, &profile)
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "There is no such person.")
	}
	if err != nil {
		return err
	}
	_, err = p.store.savePerson(ctx, user, profile)
	return err
}
