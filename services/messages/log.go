package messages

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// The kinds of entries in a user's log; the numbers are stored.
const (
	kindMessage uint8 = 1 // seq is the message's
	kindRead    uint8 = 2 // seq is the read mark of actor

	// kindErased says that the text of the message at seq was taken away. It is
	// stored as a kindMessage with a time of its own, which is more than
	// replicas of the version before look at: to them the message was written
	// again, without a text, and who has it already passes over it.
	kindErased uint8 = 3
)

const (
	maxLogPage  = 1000
	maxLogBytes = 512 << 10 // NATS carries 1 MiB
	maxHeads    = 1000
	trimEvery   = time.Hour
	epochDigits = 16
)

// entry is one row of a user's log with the message it refers to.
type entry struct {
	UserID         id.ID
	EventSeq       uint64
	Kind           uint8
	ConversationID id.ID
	Seq            uint64
	ActorID        id.ID
	CreatedAt      time.Time
	Message        Message // for kindMessage; for kindErased its ID
	Trace          string  // the traceparent of its commit, while it is fresh and followed
}

// cursor names a position in one user's log: everything up to and including
// seq is known. The epoch tells one history of the database from another.
type cursor struct {
	epoch string
	seq   uint64
}

func (c cursor) String() string { return c.epoch + "-" + strconv.FormatUint(c.seq, 10) }

// parseCursor reads what String wrote. Error: invalid-cursor.
func parseCursor(s string) (cursor, error) {
	epoch, number, ok := strings.Cut(s, "-")
	seq, err := strconv.ParseUint(number, 10, 63) // a BIGINT of the database
	if !ok || err != nil || len(epoch) != epochDigits || strconv.FormatUint(seq, 10) != number {
		return cursor{}, errs.New(errs.InvalidCursor, "The cursor is not one that this log gave out.")
	}
	return cursor{epoch: epoch, seq: seq}, nil
}

// encode writes an entry as clients receive it, from GET, socket and bus alike.
func (e entry) encode(epoch string) (json.RawMessage, error) {
	kind, data, err := e.content()
	if err != nil {
		return nil, err
	}
	return e.frame(epoch, kind, data), nil
}

// content is what an entry says, which is the same for every member.
func (e entry) content() (kind string, data json.RawMessage, err error) {
	switch e.Kind {
	case kindMessage:
		data, err = json.Marshal(e.Message.wire())
		return events.TypeMessageCreated, data, err
	case kindRead:
		data, err = json.Marshal(events.ConversationRead{
			ConversationID: e.ConversationID.String(), UserID: e.ActorID.String(), ReadSeq: e.Seq,
		})
		return events.TypeConversationRead, data, err
	case kindErased:
		data, err = json.Marshal(events.MessageErased{ConversationID: e.ConversationID.String(), Seq: e.Seq, MessageID: e.Message.ID.String()})
		return events.TypeMessageErased, data, err
	}
	return "", nil, fmt.Errorf("messages: log entry of unknown kind %d", e.Kind)
}

// frame puts content in its place in the member's log.
func (e entry) frame(epoch, kind string, data json.RawMessage) json.RawMessage {
	const around = 160 // bytes
	return events.Entry{
		Cursor: cursor{epoch, e.EventSeq}.String(), Seq: e.EventSeq,
		Type: kind, Time: e.CreatedAt.UTC(), Data: data,
	}.Append(make([]byte, 0, len(data)+around))
}

// page is a stretch of a user's log.
type page struct {
	epoch   string
	entries []json.RawMessage
	last    uint64 // event_seq of the last entry, or where the page starts when it is empty
	head    uint64
}

func (p page) more() bool { return p.last < p.head }

// readLog returns what follows after, dense and in order; nil means from the
// oldest entry kept. Errors: cursor-ahead when after is from another history
// (restored database) or beyond the head, cursor-expired when entries after it
// were trimmed.
func (s *Service) readLog(ctx context.Context, user id.ID, after *cursor, limit int) (page, error) {
	epoch, err := s.store.epoch(ctx)
	if err != nil {
		return page{}, err
	}
	var from uint64
	if after != nil {
		from = after.seq
	}
	clock, rows, err := s.store.log(ctx, user, from, limit)
	if err != nil {
		return page{}, err
	}
	p := page{epoch: epoch, head: clock.LastSeq}
	switch {
	case after == nil:
		from = clock.TrimmedSeq
	case after.epoch != epoch || after.seq > clock.LastSeq:
		return p, errs.New(errs.CursorAhead, "This position is not in the log: the server's data was restored from a backup. GET /api/v1/conversations and go on from its cursor.")
	case after.seq < clock.TrimmedSeq:
		return p, errs.New(errs.CursorExpired, "This position is older than the log reaches. GET /api/v1/conversations and go on from its cursor.")
	}
	p.last = from
	err = s.fill(ctx, &p, user, rows)
	return p, err
}

// fill encodes rows into p until they are maxLogBytes: an answer must fit into
// one message of the bus.
func (s *Service) fill(ctx context.Context, p *page, user id.ID, rows []entry) error {
	size := 0
	for _, row := range rows {
		if row.EventSeq != p.last+1 {
			// Must never happen. Reading again would not fill it, so the client
			// is sent to the conversations, which are whole.
			s.log.ErrorContext(ctx, "an event log has a hole", "user", user, "after", p.last, "next", row.EventSeq)
			return errs.New(errs.CursorExpired, "The log cannot go on from this position. GET /api/v1/conversations and go on from its cursor.")
		}
		data, err := row.encode(p.epoch)
		if err != nil {
			return err
		}
		if size += len(data); size > maxLogBytes && len(p.entries) > 0 {
			return nil
		}
		p.entries, p.last = append(p.entries, data), row.EventSeq
	}
	return nil
}

// trimLoop forgets entries older than the retention, once an hour. Messages
// are not touched: only the ability to catch up without a full reload.
func (s *Service) trimLoop(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n, err := s.store.trim(ctx, time.Now().Add(-s.deps.Config.EventRetention))
		if err != nil && ctx.Err() == nil {
			s.log.Warn("could not trim the event logs; trying again in an hour", "error", err)
		} else if n > 0 {
			s.log.Info("event logs trimmed", "entries", n)
		}
	}
}
