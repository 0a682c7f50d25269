package messages

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"

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

// maxCommitted bounds one committed event; what a transaction wrote beyond goes
// into further ones. NATS carries 1 MiB.
const maxCommitted = 512 << 10

func references(entries []entry) []byte {
	refs := make([]byte, 0, referenceSize*len(entries))
	for _, e := range entries {
		refs = binary.BigEndian.AppendUint64(append(refs, e.UserID[:]...), e.EventSeq)
	}
	return refs
}

// sameContent reports whether a and b are one thing that happened, in the logs
// of two people.
func (e entry) sameContent(other entry) bool {
	return e.Kind == other.Kind && e.ConversationID == other.ConversationID && e.Seq == other.Seq && e.ActorID == other.ActorID
}

// parcel is what the world hears of entries that row refers to: each user's
// entry as news, and all of them as committed events for the stream. What
// several members have in common is encoded once.
func parcel(epoch string, row outbox.Row, entries []entry) (outbox.Parcel, error) {
	p := outbox.Parcel{News: make([]outbox.News, 0, len(entries))}
	changes := make([]events.Change, 0, len(entries))
	size := 0
	for i, e := range entries {
		if i == 0 || !e.sameContent(entries[i-1]) {
			kind, data, err := e.content()
			if err != nil {
				return p, err
			}
			if size += len(data); size > maxCommitted && len(changes) > 0 {
				p.Events = append(p.Events, committed(epoch, row, len(p.Events), changes))
				changes, size = changes[:0], len(data)
			}
			changes = append(changes, events.Change{Type: kind, Time: e.CreatedAt.UTC(), Data: data, Logs: make([]events.LogPlace, 0, 2)})
		}
		change, user := &changes[len(changes)-1], e.UserID.String()
		change.Logs = append(change.Logs, events.LogPlace{UserID: user, Seq: e.EventSeq})
		p.News = append(p.News, outbox.News{
			Subject: events.Subject(events.ServiceMessages, events.NameLogged, user),
			Data:    e.frame(epoch, change.Type, change.Data),
			Trace:   e.Trace,
		})
	}
	if len(changes) > 0 {
		p.Events = append(p.Events, committed(epoch, row, len(p.Events), changes))
	}
	return p, nil
}

// committed is the nth event of a row. Its id is the same whoever publishes it,
// and however often.
func committed(epoch string, row outbox.Row, n int, changes []events.Change) bus.Message {
	return bus.Message{
		Subject: events.Subject(events.ServiceMessages, events.NameCommitted, events.KeyCommitted),
		ID:      row.ID.String() + "-" + strconv.Itoa(n), Type: events.NameCommitted, Time: row.CreatedAt,
		Data: events.Committed{Epoch: epoch, Changes: changes}.Append(nil),
	}
}

// unpack is the outbox.Unpack of this service: a sweep reads what the row
// refers to from the log. Entries that were trimmed meanwhile are known to
// nobody any more.
func (s *Service) unpack(ctx context.Context, row outbox.Row) (outbox.Parcel, error) {
	if len(row.Payload)%referenceSize != 0 {
		return outbox.Parcel{}, errors.New("messages: an outbox row holds no references")
	}
	epoch, err := s.store.epoch(ctx)
	if err != nil {
		return outbox.Parcel{}, err
	}
	var entries []entry
	for refs := row.Payload; len(refs) > 0; refs = refs[referenceSize:] {
		user, seq := id.ID(refs[:len(id.ID{})]), binary.BigEndian.Uint64(refs[len(id.ID{}):])
		_, found, err := s.store.log(ctx, user, seq-1, 1)
		if err != nil {
			return outbox.Parcel{}, err
		}
		if len(found) > 0 && found[0].EventSeq == seq {
			entries = append(entries, found[0])
		}
	}
	return parcel(epoch, row, entries)
}
