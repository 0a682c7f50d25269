package messages

import (
	"context"
	"encoding/json"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// takePrivacy keeps what a person wants, then brings their conversations in line
// with it, each in its own transaction: those they have can be many. What was cut
// short is done again when the event comes again.
func (s *Service) takePrivacy(ctx context.Context, m bus.Message) error {
	var p events.PrivacyChanged
	if err := json.Unmarshal(m.Data, &p); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a change of privacy", err)
	}
	user, err := id.Parse(p.UserID)
	if err != nil {
		return errs.Wrap(errs.InvalidBody, "not a user id", err)
	}
	changed, err := s.store.saveReceipts(ctx, user, !p.ShowReadReceipts, p.Version)
	if err != nil || !changed {
		return err
	}
	return s.eachConversation(ctx, user, func(where membership) error { return s.store.settleReceipts(ctx, where) })
}

// eachConversation does work for every conversation of a person, a page of them
// at a time, until it fails.
func (s *Service) eachConversation(ctx context.Context, user id.ID, work func(membership) error) error {
	for after := id.Nil; ; {
		list, err := s.store.conversationsOf(ctx, user, after)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, where := range list {
			if err := work(where); err != nil {
				return err
			}
			after = where.id
		}
	}
}
