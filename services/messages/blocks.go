package messages

import (
	"context"
	"encoding/json"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// errUndeliverable is the answer to either side of a block: who was blocked
// learns no more than that it cannot be delivered.
func errUndeliverable() error {
	return errs.New(errs.Undeliverable, "This message cannot be delivered.")
}

// takeBlock keeps the projection of who blocked whom fresh.
func (s *Service) takeBlock(ctx context.Context, m bus.Message) error {
	var b events.BlockChanged
	if err := json.Unmarshal(m.Data, &b); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a block", err)
	}
	pair, err := parseIDs([]string{b.UserID, b.BlockedID})
	if err != nil {
		return err
	}
	return s.store.saveBlock(ctx, block{by: pair[0], of: pair[1], active: b.Blocked, version: b.Version})
}

// block is whether by blocks of, as of a version.
type block struct {
	by, of  id.ID
	active  bool
	version uint64
}
