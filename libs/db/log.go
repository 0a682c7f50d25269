package db

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowQuery is the time after which a statement is logged as slow.
const slowQuery = 250 * time.Millisecond

// QueryLog is gorm's logger: it writes slow statements (warning) and failed
// ones (debug, because the caller decides what a failure means) with their
// placeholders, never with the values, which may be secrets or messages.
type QueryLog struct{ log *slog.Logger }

// NewQueryLog logs to log; nil discards.
func NewQueryLog(log *slog.Logger) *QueryLog {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &QueryLog{log: log}
}

// LogMode implements logger.Interface; the level is slog's business.
func (q *QueryLog) LogMode(logger.LogLevel) logger.Interface { return q }

// Info implements logger.Interface.
func (q *QueryLog) Info(ctx context.Context, msg string, _ ...any) { q.log.DebugContext(ctx, msg) }

// Warn implements logger.Interface.
func (q *QueryLog) Warn(ctx context.Context, msg string, _ ...any) { q.log.WarnContext(ctx, msg) }

// Error implements logger.Interface.
func (q *QueryLog) Error(ctx context.Context, msg string, _ ...any) { q.log.WarnContext(ctx, msg) }

// ParamsFilter implements gorm's ParamsFilter: values are dropped before the
// statement is turned into text.
func (q *QueryLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// Trace implements logger.Interface.
func (q *QueryLog) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	took := time.Since(begin)
	failed := err != nil && !errors.Is(err, gorm.ErrRecordNotFound) && !errors.Is(err, context.Canceled)
	switch {
	case took >= slowQuery && q.log.Enabled(ctx, slog.LevelWarn):
		sql, rows := fc()
		q.log.WarnContext(ctx, "slow statement", "sql", short(sql), "rows", rows, "took", took)
	case failed && q.log.Enabled(ctx, slog.LevelDebug):
		sql, _ := fc()
		q.log.DebugContext(ctx, "statement failed", "sql", short(sql), "error", err, "took", took)
	}
}

// short cuts the placeholders of a thousand rows.
func short(sql string) string {
	const limit = 400
	if len(sql) > limit {
		return sql[:limit] + "..."
	}
	return sql
}
