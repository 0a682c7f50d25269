package users

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// accountTries is how often an account event is tried before it goes to
// dead_letters; with the bus's back-off that is longer than a database restart.
const accountTries = 10

// consumeAccounts makes a profile of every account. Delivery more than once,
// late or after the profile was changed all give the same state: the first
// version is written once, later ones are never touched.
func (s *Service) consumeAccounts(ctx context.Context) error {
	c := bus.Consumer{
		Stream:   events.DurableAccounts.Stream,
		Durable:  events.DurableAccounts.Name,
		Subject:  events.DurableAccounts.Subject,
		MaxTries: accountTries,
		Dead:     outbox.DeadLetter(s.store.db),
	}
	return s.bus.Consume(ctx, c, s.takeIn)
}

// replay handles an event again that an operator took up again.
func (s *Service) replay(ctx context.Context, m bus.Message) error {
	if m.Type == events.NameDeleted {
		return s.takeDeleted(ctx, m)
	}
	return s.takeIn(ctx, m)
}

// takeIn handles one event about an account.
func (s *Service) takeIn(ctx context.Context, m bus.Message) error {
	var account events.Registered
	if err := json.Unmarshal(m.Data, &account); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a registered event", err)
	}
	p, err := fromAccount(account)
	if err != nil {
		return err
	}
	return s.admit(ctx, p)
}

// admit stores the first version of a profile and announces it, unless that
// has happened.
func (s *Service) admit(ctx context.Context, p Profile) error {
	rows, err := s.store.create(ctx, p)
	if err != nil {
		return err
	}
	s.relay.Publish(rows)
	return nil
}

// profile returns a person's profile. One that is not here yet is asked of
// auth and kept, so an account is known here from its first second. Errors:
// not-found, unavailable.
func (s *Service) profile(ctx context.Context, user id.ID) (Person, error) {
	known, err := s.store.find(ctx, user)
	if !errs.Is(err, errs.NotFound) {
		return known, err
	}
	var account events.Registered
	if err := s.bus.Request(ctx, events.RPCAccount, events.UserRequest{UserID: user.String()}, &account); err != nil {
		return Person{}, err
	}
	p, err := fromAccount(account)
	if err != nil || p.UserID != user {
		// %v: what auth got wrong is not the caller's invalid body.
		return Person{}, fmt.Errorf("users: auth's answer about %s is unusable: %v", user, err)
	}
	if err := s.admit(ctx, p); err != nil {
		return Person{}, err
	}
	return s.store.find(ctx, user)
}

// serveProfile answers RPCProfile.
func (s *Service) serveProfile(ctx context.Context, request []byte) (any, error) {
	var r events.UserRequest
	if err := json.Unmarshal(request, &r); err != nil {
		return nil, errs.Wrap(errs.InvalidBody, "not a user request", err)
	}
	user, err := id.Parse(r.UserID)
	if err != nil {
		return nil, noSuchPerson()
	}
	p, err := s.profile(ctx, user)
	if err != nil {
		return nil, err
	}
	return p.changed(), nil
}

// watchSeen keeps when people were last connected, as notify tells it now and
// then: whoever hears it writes the same.
func (s *Service) watchSeen(ctx context.Context) error {
	w := s.bus.Watch(func(m bus.Message) {
		if err := s.takeSeen(ctx, m.Data); err != nil && ctx.Err() == nil {
			s.log.Warn("could not keep who is here", "error", err)
		}
	})
	defer w.Close()
	if err := w.Add(events.Subject(events.ServiceNotify, events.NameSeen, "*")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func (s *Service) takeSeen(ctx context.Context, data []byte) error {
	var seen events.Seen
	if err := json.Unmarshal(data, &seen); err != nil {
		return errs.Wrap(errs.InvalidBody, "not who was seen", err)
	}
	var people []id.ID
	for _, v := range seen.UserIDs[:min(len(seen.UserIDs), events.MaxSeen)] {
		user, err := id.Parse(v)
		if err != nil {
			return errs.Wrap(errs.InvalidBody, "not a user id", err)
		}
		people = append(people, user)
	}
	if len(people) == 0 {
		return nil
	}
	return s.store.saw(ctx, people, time.Now().UTC().Truncate(time.Microsecond))
}
