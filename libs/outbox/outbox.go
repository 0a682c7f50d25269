// Package outbox carries events from a database transaction to the bus.
//
// A row is written in the same transaction as the change it tells of, so there
// is never one without the other. After the commit the Relay publishes it and
// deletes the row when JetStream acknowledged. A crash, or a broker that is
// down, leaves rows behind; the sweep of any replica publishes them later. So
// every event is published at least once; the broker and the consumers drop
// repetitions by the message id.
//
// The tables are in schema.md. Rows are never polled by "id > last": commit
// order is not id order, and rows would be skipped for ever.
package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/id"
)

// Row is one event waiting to be published. MsgID becomes Nats-Msg-Id: the
// same event must always have the same one.
type Row struct {
	ID        id.ID
	Subject   string
	MsgID     string
	Type      string
	Payload   []byte
	CreatedAt time.Time
}

// One INSERT holds at most so many rows and bytes: SQLite takes 32,766
// parameters, MySQL a packet of 16 MiB by default.
const (
	insertRows  = 1000
	insertBytes = 4 << 20
)

// Insert writes rows within tx, in one statement (more only beyond 1,000 rows
// or 4 MiB). It fills in missing IDs and times, in place, so that the same
// slice can go to Relay.Publish after the commit.
func Insert(tx *gorm.DB, rows []Row) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	from, size := 0, 0
	for i := range rows {
		if rows[i].ID.IsZero() {
			rows[i].ID = id.New()
		}
		if rows[i].CreatedAt.IsZero() {
			rows[i].CreatedAt = now
		}
		size += len(rows[i].Payload)
		if i-from+1 == insertRows || size >= insertBytes {
			if err := insert(tx, rows[from:i+1]); err != nil {
				return err
			}
			from, size = i+1, 0
		}
	}
	return insert(tx, rows[from:])
}

func insert(tx *gorm.DB, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	one := "(?" + strings.Repeat(",?", len(Columns)-1) + ")"
	args := make([]any, 0, len(Columns)*len(rows))
	for _, r := range rows {
		args = append(args, r.Values()...)
	}
	sql := "INSERT INTO outbox (" + strings.Join(Columns, ", ") + ") VALUES " + one + strings.Repeat(","+one, len(rows)-1)
	if err := tx.Exec(sql, args...).Error; err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// Columns and Values write a row by a db.Insert into the table "outbox" instead.
var Columns = []string{"id", "subject", "msg_id", "type", "payload", "created_at"}

// Values are the row's values in the order of Columns.
func (row Row) Values() []any {
	return []any{row.ID, row.Subject, row.MsgID, row.Type, row.Payload, row.CreatedAt}
}

// DeadLetter returns the Dead function of a bus.Consumer: it keeps the event
// and the error in the table dead_letters, where an operator can see it.
func DeadLetter(d *db.DB) func(context.Context, bus.Message, error) error {
	return func(ctx context.Context, m bus.Message, cause error) error {
		text := ""
		if cause != nil {
			text = shown(cause)
		}
		return d.W.WithContext(ctx).Exec(
			"INSERT INTO dead_letters (id, stream, subject, msg_id, type, payload, error, tries, created_at) VALUES (?,?,?,?,?,?,?,?,?)",
			id.New(), m.Stream, m.Subject, m.ID, m.Type, m.Data, text, max(1, m.Tries), time.Now().UTC().Truncate(time.Microsecond),
		).Error
	}
}
