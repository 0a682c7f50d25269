package outbox

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// Dead is an event that its consumer gave up, as an operator sees it.
type Dead struct {
	ID        id.ID
	Stream    string
	Subject   string
	MsgID     string `gorm:"column:msg_id"`
	Type      string
	Payload   []byte
	Error     string
	Tries     int // replayTries: it waits to be handled again
	CreatedAt time.Time
}

// replayTries in the column tries marks a dead letter that is to be handled
// again. No other row has it: one try was made at least.
const replayTries = 0

// Replaying says whether it waits to be handled again.
func (d Dead) Replaying() bool { return d.Tries == replayTries }

// How often a service looks for dead letters to handle again, and how many at once.
const (
	replayEvery = 2 * time.Second
	replayBatch = 20
)

// DeadLetters lists the events that consumers of this schema gave up, the
// oldest first, at most limit.
func DeadLetters(ctx context.Context, d *db.DB, limit int) (list []Dead, err error) {
	err = d.R.WithContext(ctx).Table("dead_letters").Order("created_at, id").Limit(limit).Find(&list).Error
	return list, err
}

// Replay asks the running service to handle dead letters again: these, or all
// without ids. It returns how many there were. A letter that is handled leaves
// the table; one that fails again stays, with the new error.
func Replay(ctx context.Context, d *db.DB, ids ...id.ID) (int64, error) {
	r := chosen(d.W.WithContext(ctx), ids).UpdateColumns(map[string]any{"tries": replayTries})
	return r.RowsAffected, r.Error
}

// Discard deletes dead letters: these, or all without ids.
func Discard(ctx context.Context, d *db.DB, ids ...id.ID) (int64, error) {
	r := chosen(d.W.WithContext(ctx), ids).Delete(&struct{}{})
	return r.RowsAffected, r.Error
}

func chosen(tx *gorm.DB, ids []id.ID) *gorm.DB {
	tx = tx.Table("dead_letters")
	if len(ids) == 0 {
		return tx.Where("1 = 1")
	}
	return tx.Where("id IN ?", ids)
}

// Replays hands the dead letters that Replay marked to handle, until ctx ends.
// Several replicas may do so: handlers are idempotent.
func Replays(ctx context.Context, d *db.DB, log *slog.Logger, handle func(context.Context, bus.Message) error) error {
	tick := time.NewTicker(replayEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := replayOnce(ctx, d, log, handle); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Unavailable) {
			log.Warn("dead letters could not be looked after", "error", err)
		}
	}
}

func replayOnce(ctx context.Context, d *db.DB, log *slog.Logger, handle func(context.Context, bus.Message) error) error {
	var list []Dead
	err := d.R.WithContext(ctx).Table("dead_letters").Where("tries = ?", replayTries).Order("created_at, id").Limit(replayBatch).Find(&list).Error
	if err != nil {
		return err
	}
	for _, letter := range list {
		failed := handle(ctx, bus.Message{
			Subject: letter.Subject, ID: letter.MsgID, Type: letter.Type, Data: letter.Payload, Stream: letter.Stream, Tries: 1,
		})
		if failed == nil {
			log.Info("a dead letter was handled", "id", letter.ID, "subject", letter.Subject)
			_, err = Discard(ctx, d, letter.ID)
		} else {
			log.Warn("a dead letter failed again", "id", letter.ID, "subject", letter.Subject, "error", failed)
			err = d.W.WithContext(ctx).Table("dead_letters").Where("id = ?", letter.ID).
				UpdateColumns(map[string]any{"tries": 1, "error": shown(failed)}).Error
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shown is an error as it fits the column: a TEXT column holds 64 KiB; nobody
// reads more than this.
func shown(err error) string {
	const limit = 4000
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}
