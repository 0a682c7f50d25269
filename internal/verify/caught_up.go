package verify

import (
	"context"
	"fmt"

	"chatapp/internal/client"
)

// CaughtUp waits until every device has everything that its person's event log
// held when it was called. The error names the first device that does not get
// there before ctx ends.
func (r *Run) CaughtUp(ctx context.Context) error {
	for _, p := range r.people {
		var list client.Conversations
		err := r.untilRead(ctx, func() (err error) {
			list, err = p.main.Conversations(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("the head of the event log of %s: %w", p.account.Login, err)
		}
		epoch, head, err := client.ParseCursor(list.Cursor)
		if err != nil {
			return err
		}
		for _, d := range p.devices {
			if err := d.wait(ctx, func() bool { return d.epoch == epoch && d.event >= head }); err != nil {
				return fmt.Errorf("device %s does not catch up with event %d: %w", d.name, head, err)
			}
		}
	}
	return nil
}
