package db

import (
	"context"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/errs"
)

// How long Tx keeps trying. Deadlocks resolve in microseconds; the limit is
// for a lock that somebody holds for seconds.
const (
	txTries   = 12
	txFirst   = 2 * time.Millisecond
	txLongest = 250 * time.Millisecond
	txTotal   = 15 * time.Second

	rollbackTimeout = 2 * time.Second
)

// Tx runs fn in one write transaction and commits it when fn returns nil.
//
// When another transaction was in the way (MySQL 1213, 1205, 1020, SQLITE_BUSY)
// the whole of fn runs again after a short, jittered pause: fn must not keep
// state from a try that failed. When the last try still met one, or the
// database cannot answer, the error is an *errs.Error with slug unavailable;
// after a lost connection nobody knows whether the COMMIT took place, so
// callers must be idempotent. Other errors of fn are returned as they are.
func (d *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.retry(ctx, func() error { return d.W.WithContext(ctx).Transaction(fn) })
}

// retry runs a transaction until none was in its way.
func (d *DB) retry(ctx context.Context, once func() error) error {
	var err error
	began := time.Now()
	for try := 0; try < txTries && time.Since(began) < txTotal; try++ {
		err = once()
		if err == nil || !IsRetryable(err) {
			return Wrap(err)
		}
		d.conflicts.Add(1)
		select {
		case <-ctx.Done():
			return Wrap(ctx.Err())
		case <-time.After(pause(try)):
		}
	}
	e := errs.Wrap(errs.Unavailable, "Too much is happening to the same data at once. Try again in a moment.", err)
	e.RetryAfter = time.Second
	return e
}

// pause is the full-jitter delay after the given failed try.
func pause(try int) time.Duration {
	limit := min(txLongest, txFirst<<min(try, 10))
	return time.Millisecond/2 + rand.N(limit)
}
