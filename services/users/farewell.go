package users

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// goneName is what people read in place of the name of somebody who deleted
// their account.
const goneName = "Deleted user"

// goneUsername stands in the place of the username of somebody who is gone, and
// marks the profile as nobody's. No account can have it: auth gives out no colon.
func goneUsername(user id.ID) string { return "deleted:" + hex.EncodeToString(user[10:]) }

// gone reports whether the person deleted the account.
func (p Profile) gone() bool { return p.Username == goneUsername(p.UserID) }

// consumeDeleted takes the profiles away of accounts that were deleted.
func (s *Service) consumeDeleted(ctx context.Context) error {
	return s.bus.Consume(ctx, bus.Consumer{
		Stream: events.DurableDeleted.Stream, Durable: events.DurableDeleted.Name, Subject: events.DurableDeleted.Subject,
		MaxTries: accountTries, Dead: outbox.DeadLetter(s.store.db),
	}, s.takeDeleted)
}

// takeDeleted handles one deleted event. What is left of the profile keeps a
// registered event that comes late from making another, and gives the messages
// of the person an author.
func (s *Service) takeDeleted(ctx context.Context, m bus.Message) error {
	var d events.Deleted
	if err := json.Unmarshal(m.Data, &d); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a deleted event", err)
	}
	user, err := id.Parse(d.UserID)
	if err != nil || user.IsZero() {
		return errs.Wrap(errs.InvalidBody, "a deleted account without a user id", err)
	}
	rows, err := s.store.bury(ctx, user, d.At.UTC().Truncate(time.Microsecond))
	if err != nil {
		return err
	}
	s.relay.Publish(rows)
	return nil
}
