package users

import (
	"context"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// maxBlocks is how many people one person can have blocked at once.
const maxBlocks = 1000

// setBlock makes blocker block the other person, or no longer, and announces it.
// Doing so again changes nothing. Neither hears of it, and it does not matter who
// blocked whom: the two do not find, write to or see each other. Errors:
// not-found, conflict when the list is full, invalid-parameter for oneself.
func (s *Service) setBlock(ctx context.Context, blocker, other id.ID, active bool) error {
	if blocker == other {
		return errs.New(errs.InvalidParameter, "You cannot block yourself.")
	}
	for _, user := range []id.ID{blocker, other} {
		if _, err := s.profile(ctx, user); err != nil {
			return err
		}
	}
	rows, err := s.store.setBlock(ctx, blocker, other, active)
	if err != nil {
		return err
	}
	s.relay.Publish(rows)
	return nil
}
