package messages

import (
	"context"
	"encoding/json"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// takeDeleted closes the conversations of somebody who is gone: they can be read
// and nothing is added; the file of their data goes. Then it erases what the person
// wrote: everywhere, where the installation wants it, and in any case what has no
// other side, the notes. What was cut short goes on when the event comes again. Who
// has them on screen is told; the name follows with the profile.
func (s *Service) takeDeleted(ctx context.Context, m bus.Message) error {
	var d events.Deleted
	if err := json.Unmarshal(m.Data, &d); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a deleted event", err)
	}
	user, err := id.Parse(d.UserID)
	if err != nil || user.IsZero() {
		return errs.Wrap(errs.InvalidBody, "a deleted account without a user id", err)
	}
	if err := s.store.closeFor(ctx, user); err != nil {
		return err
	}
	if err := s.store.dropExportsOf(ctx, user); err != nil {
		return err
	}
	err = s.eachConversation(ctx, user, func(where membership) error {
		if !d.Erase && len(where.members) > 1 {
			return nil
		}
		return s.store.eraseIn(ctx, where.id, user)
	})
	if err == nil {
		s.tellPerson(ctx, user)
	}
	return err
}
