package messages

import (
	"context"
	"encoding/binary"
	"errors"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// outboxLog is the type of an outbox row that refers to entries of logs. There
// is one per transaction, however many messages it wrote: the log has them all,
// so writing them a second time would only cost.
const outboxLog = "log"

// referenceSize is the size of one reference: the user and the event_seq.
const referenceSize = len(id.ID{}) + 8

func references(entries []entry) []byte {
	refs := make([]byte, 0, referenceSize*len(entries))
	for _, e := range entries {
		refs = binary.BigEndian.AppendUint64(append(refs, e.UserID[:]...), e.EventSeq)
	}
	return refs
}

// event is e on its way to the bus. Data is e encoded.
func (e entry) event(epoch string, data []byte) bus.Message {
	user := e.UserID.String()
	return bus.Message{
		Subject: events.Subject(events.ServiceMessages, events.NameLogged, user),
		ID:      cursor{epoch, e.EventSeq}.String() + "-" + user,
		Type:    events.NameLogged, Time: e.CreatedAt, Data: data,
	}
}

// sameContent reports whether a and b are one thing that happened, in the logs
// of two people.
func (e entry) sameContent(other entry) bool {
	return e.Kind == other.Kind && e.ConversationID == other.ConversationID && e.Seq == other.Seq && e.ActorID == other.ActorID
}

// unpack is the outbox.Unpack of this service: the sweep publishes what the
// log holds. Entries that were trimmed meanwhile are known to nobody any more.
func (s *Service) unpack(ctx context.Context, row outbox.Row) ([]bus.Message, error) {
	if row.Type != outboxLog {
		return []bus.Message{row.Event()}, nil
	}
	if len(row.Payload)%referenceSize != 0 {
		return nil, errors.New("messages: an outbox row holds no references")
	}
	epoch, err := s.store.epoch(ctx)
	if err != nil {
		return nil, err
	}
	var list []bus.Message
	for refs := row.Payload; len(refs) > 0; refs = refs[referenceSize:] {
		user, seq := id.ID(refs[:len(id.ID{})]), binary.BigEndian.Uint64(refs[len(id.ID{}):])
		_, found, err := s.store.log(ctx, user, seq-1, 1)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 || found[0].EventSeq != seq {
			continue
		}
		data, err := found[0].encode(epoch)
		if err != nil {
			return nil, err
		}
		list = append(list, found[0].event(epoch, data))
	}
	return list, nil
}
