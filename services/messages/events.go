package messages

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// userTries is how often an event of users is tried before it is set aside.
const userTries = 10

// consume takes in what others say, until ctx ends: the projections of people,
// blocks and privacy, and who deleted the account.
func (s *Service) consume(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range []struct {
		durable events.Durable
		take    func(context.Context, bus.Message) error
	}{
		{events.DurableProfiles, s.takeProfile},
		{events.DurableBlocks, s.takeBlock},
		{events.DurablePrivacy, s.takePrivacy},
		{events.DurableErased, s.takeDeleted},
	} {
		g.Go(func() error {
			return s.bus.Consume(ctx, bus.Consumer{
				Stream: c.durable.Stream, Durable: c.durable.Name, Subject: c.durable.Subject,
				MaxTries: userTries, Dead: outbox.DeadLetter(s.deps.DB),
			}, c.take)
		})
	}
	return g.Wait()
}

// replayUsers handles events about users again that an operator took up again.
func (s *Service) replayUsers(ctx context.Context) error {
	return outbox.Replays(ctx, s.deps.DB, s.deps.Log, func(ctx context.Context, m bus.Message) error {
		switch m.Type {
		case events.NameDeleted:
			return s.takeDeleted(ctx, m)
		case events.NameBlockChanged:
			return s.takeBlock(ctx, m)
		case events.NamePrivacyChanged:
			return s.takePrivacy(ctx, m)
		}
		return s.takeProfile(ctx, m)
	})
}

// takeProfile keeps the projection of people fresh.
func (s *Service) takeProfile(ctx context.Context, m bus.Message) error {
	var p events.ProfileChanged
	if err := json.Unmarshal(m.Data, &p); err != nil {
		return errs.Wrap(errs.InvalidBody, "not a profile", err)
	}
	user, err := id.Parse(p.UserID)
	if err != nil {
		return errs.Wrap(errs.InvalidBody, "not a user id", err)
	}
	changed, err := s.store.savePerson(ctx, user, p)
	if err == nil && changed {
		s.tellPerson(ctx, user)
	}
	return err
}

// tellPerson says to those who see a person, on whatever device, that there is
// something new to see. It is a hint: what is lost they see when they look again.
func (s *Service) tellPerson(ctx context.Context, user id.ID) {
	tell := []string{user.String()}
	send := func(least int) error {
		if len(tell) < least {
			return nil
		}
		data, err := json.Marshal(events.PersonChanged{UserID: user.String(), Tell: tell})
		if err != nil {
			return err
		}
		tell = tell[:0]
		return s.bus.Broadcast(events.Subject(events.ServiceMessages, events.NamePersonChanged, events.KeyPersonChanged), data)
	}
	err := s.eachConversation(ctx, user, func(where membership) error {
		for _, member := range where.members {
			if member != user {
				tell = append(tell, member.String())
			}
		}
		return send(events.MaxTold)
	})
	if err == nil {
		err = send(1)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("not everybody was told that a person has changed", "error", err)
	}
}

// question decodes a request; its failure is the asker's.
func question[T any](data []byte) (T, error) {
	var q T
	if err := json.Unmarshal(data, &q); err != nil {
		return q, errs.Wrap(errs.InvalidBody, "not a valid request", err)
	}
	return q, nil
}

func parseIDs(list []string) ([]id.ID, error) {
	ids := make([]id.ID, len(list))
	for i, v := range list {
		var err error
		if ids[i], err = id.Parse(v); err != nil {
			return nil, errs.Wrap(errs.InvalidBody, "not a user id", err)
		}
	}
	return ids, nil
}

// serveLog answers events.RPCLog: a stretch of a log, or only its head.
func (s *Service) serveLog(ctx context.Context) error {
	return s.bus.Serve(ctx, events.RPCLog, events.ServiceMessages, func(ctx context.Context, data []byte) (any, error) {
		q, err := question[events.LogRequest](data)
		if err != nil {
			return nil, err
		}
		user, err := id.Parse(q.UserID)
		if err != nil {
			return nil, errs.Wrap(errs.InvalidBody, "not a user id", err)
		}
		if q.After == "" {
			return s.head(ctx, user)
		}
		after, err := parseCursor(q.After)
		if err != nil {
			return nil, err
		}
		p, err := s.readLog(ctx, user, &after, min(max(q.Limit, 1), maxLogPage))
		if err != nil {
			return nil, err
		}
		return events.LogReply{Events: p.entries, Cursor: cursor{p.epoch, p.head}.String(), HasMore: p.more()}, nil
	})
}

// head is where a user's log ends now.
func (s *Service) head(ctx context.Context, user id.ID) (events.LogReply, error) {
	epoch, err := s.store.epoch(ctx)
	if err != nil {
		return events.LogReply{}, err
	}
	heads, err := s.store.heads(ctx, []id.ID{user})
	if err != nil {
		return events.LogReply{}, err
	}
	return events.LogReply{Cursor: cursor{epoch, heads[user.String()]}.String()}, nil
}

// serveHeads answers events.RPCHeads: how far many users' logs reach.
func (s *Service) serveHeads(ctx context.Context) error {
	return s.bus.Serve(ctx, events.RPCHeads, events.ServiceMessages, func(ctx context.Context, data []byte) (any, error) {
		q, err := question[events.HeadsRequest](data)
		if err != nil {
			return nil, err
		}
		if len(q.UserIDs) > maxHeads {
			return nil, errs.New(errs.InvalidBody, "at most 1,000 users at once")
		}
		users, err := parseIDs(q.UserIDs)
		if err != nil {
			return nil, err
		}
		epoch, err := s.store.epoch(ctx)
		if err != nil {
			return nil, err
		}
		heads, err := s.store.heads(ctx, users)
		if err != nil {
			return nil, err
		}
		return events.HeadsReply{Epoch: epoch, Heads: heads}, nil
	})
}

// serveMembers answers events.RPCMembers to a member; to others not-found. Where
// one blocked the other or has not accepted the request, everybody is alone.
func (s *Service) serveMembers(ctx context.Context) error {
	return s.bus.Serve(ctx, events.RPCMembers, events.ServiceMessages, func(ctx context.Context, data []byte) (any, error) {
		q, err := question[events.MembersRequest](data)
		if err != nil {
			return nil, err
		}
		ids, err := parseIDs([]string{q.ConversationID, q.UserID})
		if err != nil {
			return nil, err
		}
		m, err := s.direct.of(ctx, ids[0], ids[1])
		if err != nil {
			return nil, err
		}
		silent, err := s.store.silent(ctx, m.id)
		if err != nil {
			return nil, err
		}
		if silent {
			return events.MembersReply{UserIDs: []string{ids[1].String()}}, nil
		}
		reply := events.MembersReply{}
		for _, user := range m.members {
			reply.UserIDs = append(reply.UserIDs, user.String())
		}
		return reply, nil
	})
}
