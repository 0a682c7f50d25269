package messages

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	// exportsPerDay is how many exports one person may ask for in 24 hours.
	exportsPerDay = 5
	exportWindow  = 24 * time.Hour
	// exportLife is how long a file can be downloaded, and a failure be seen.
	exportLife = 3 * 24 * time.Hour
	sweepEvery = time.Hour
)

// exportState is how far an export is; the numbers are stored.
type exportState uint8

// The states.
const (
	exportWaiting exportState = 0
	exportRunning exportState = 1
	exportReady   exportState = 2
	exportFailed  exportState = 3
)

var exportStates = []string{exportWaiting: "waiting", exportRunning: "running", exportReady: "ready", exportFailed: "failed"}

// open reports whether there is still something to come.
func (s exportState) open() bool { return s == exportWaiting || s == exportRunning }

// Why an export failed; part of the API.
const (
	reasonAccount  = "account-unavailable"
	reasonProfile  = "profile-unavailable"
	reasonInternal = "internal"
)

// dataExport is what a person asked to download: one file of all that is kept of
// them. Done and Total count messages.
type dataExport struct {
	UserID, ID        id.ID
	State             exportState
	Done, Total, Size uint64
	Tries             int // attempts that were begun
	Reason            string
	CreatedAt         time.Time
	FailingSince      *time.Time
	ReadyAt           *time.Time
	ExpiresAt         *time.Time

	worker id.ID // this attempt; only it may write
}

// failure is why an attempt failed, where that is known.
type failure struct {
	reason string
	cause  error
}

// Error implements error.
func (f *failure) Error() string { return f.reason + ": " + f.cause.Error() }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

// exporter makes the files that people asked for, one at a time, beside those of
// other replicas. An attempt holds its export by a lease: who dies is replaced by
// whoever sees the lease run out, and begins anew.
type exporter struct {
	store *store
	bus   *bus.Bus
	log   *slog.Logger
	wake  chan struct{}

	look     time.Duration // between two looks for work of others
	lease    time.Duration
	renew    time.Duration // how often the lease is, and the progress is told
	pause    time.Duration // after the first attempt that failed; then twice as long each time
	patience time.Duration // since the first of them
}

const longestPause = time.Minute

func newExporter(s *store, b *bus.Bus, log *slog.Logger) *exporter {
	return &exporter{
		store: s, bus: b, log: log, wake: make(chan struct{}, 1),
		look: 5 * time.Second, lease: 30 * time.Second, renew: 2 * time.Second,
		pause: 2 * time.Second, patience: 10 * time.Minute,
	}
}

// asked tells that there is something to do here; other replicas see it by
// themselves.
func (x *exporter) asked() {
	select {
	case x.wake <- struct{}{}:
	default: // told already
	}
}

// run works until ctx ends.
func (x *exporter) run(ctx context.Context) error {
	tick := time.NewTicker(x.look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-x.wake:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = x.one(ctx); err != nil && ctx.Err() == nil {
				x.log.Warn("downloads of people's data: trying again in a moment", "error", err)
			}
		}
	}
}

// sweep removes old files, now and then, until ctx ends.
func (x *exporter) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n, err := x.store.sweepExports(ctx)
		if err != nil && ctx.Err() == nil {
			x.log.Warn("could not remove old downloads of people's data; trying again in an hour", "error", err)
		} else if n > 0 {
			x.log.Info("old downloads of people's data removed", "files", n)
		}
	}
}

// one makes one file, if somebody waits for one.
func (x *exporter) one(ctx context.Context) (bool, error) {
	e, ok, err := x.store.claimExport(ctx, x.lease)
	if err != nil || !ok {
		return false, err
	}
	began := time.Now()
	size, err := x.attempt(ctx, e)
	switch {
	case err == nil:
		x.log.Info("a download of a person's data is ready", "export", e.ID, "bytes", size, "took", time.Since(began), "tries", e.Tries)
		return true, nil
	case errors.Is(err, errNotHeld):
		x.log.Info("a download of a person's data was withdrawn, or another replica makes it", "export", e.ID)
		return true, nil
	case ctx.Err() != nil: // this process ends: the next one need not wait for the lease
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		return false, x.store.putBackExport(ctx, e, 0, e.FailingSince)
	}
	x.log.Warn("a download of a person's data could not be made", "export", e.ID, "tries", e.Tries, "error", err)
	if err = x.later(ctx, e, err); errors.Is(err, errNotHeld) {
		err = nil
	}
	return err == nil, err
}

// later says what comes after an attempt that failed: another one, or the end.
func (x *exporter) later(ctx context.Context, e dataExport, cause error) error {
	reason := reasonInternal
	if f, ok := errors.AsType[*failure](cause); ok {
		if reason = f.reason; errs.Is(f, errs.NotFound) { // the account was deleted meanwhile
			_, err := x.store.dropExport(ctx, e.UserID, e.ID)
			return err
		}
	}
	at, err := x.store.clock(x.store.db.R.WithContext(ctx))
	if err != nil {
		return err
	}
	if e.FailingSince == nil {
		e.FailingSince = &at
	}
	if at.Sub(*e.FailingSince) >= x.patience {
		if err := x.store.failExport(ctx, e, reason, exportLife); err != nil {
			return err
		}
		return x.store.removeParts(ctx, e.ID)
	}
	pause := min(longestPause, x.pause<<min(e.Tries-1, 10))
	time.AfterFunc(pause, x.asked)
	return x.store.putBackExport(ctx, e, pause, e.FailingSince)
}

// progress is how far an attempt is.
type progress struct{ done, total atomic.Uint64 }

// attempt makes the file, while another goroutine renews the lease and tells how
// far it is. It returns the file's size. Error: errNotHeld.
func (x *exporter) attempt(ctx context.Context, e dataExport) (size uint64, err error) {
	ctx, lost := context.WithCancelCause(ctx)
	p := &progress{}
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		x.keep(ctx, e, p, lost)
	}()
	defer func() {
		if cause := recover(); cause != nil { // of one file, not of the process
			x.log.Error("panic in a download of a person's data", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
		if errors.Is(context.Cause(ctx), errNotHeld) {
			err = errNotHeld
		}
		lost(nil)
		<-renewed
	}()
	if err := x.store.removeParts(ctx, e.ID); err != nil { // of the attempt before
		return 0, err
	}
	out := &parts{ctx: ctx, store: x.store, export: e, lease: x.lease}
	if err := x.write(ctx, e, out, p); err != nil {
		return 0, err
	}
	if err := out.flush(); err != nil {
		return 0, err
	}
	return out.size, x.store.finishExport(ctx, e, p.done.Load(), out.size, exportLife)
}

// keep renews the lease until ctx ends, and ends the attempt that has lost it. A
// database that does not answer for a moment is no loss.
func (x *exporter) keep(ctx context.Context, e dataExport, p *progress, lost context.CancelCauseFunc) {
	tick := time.NewTicker(x.renew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := x.store.renewExport(ctx, e, x.lease, p.done.Load(), p.total.Load()); errors.Is(err, errNotHeld) {
			lost(errNotHeld)
			return
		}
	}
}

// partSize is the size of all pieces of a file but the last.
const partSize = 256 << 10

// parts is the writer that stores a file in pieces.
type parts struct {
	ctx    context.Context // of the attempt: the calls of an io.Writer have none
	store  *store
	export dataExport
	lease  time.Duration
	buffer []byte
	n      int
	size   uint64
}

// Write implements io.Writer.
func (w *parts) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		k := min(len(rest), partSize-len(w.buffer))
		w.buffer, rest = append(w.buffer, rest[:k]...), rest[k:]
		if len(w.buffer) == partSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// flush stores what is left.
func (w *parts) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	if err := w.store.saveExportPart(w.ctx, w.export, w.lease, w.n, w.buffer); err != nil {
		return err
	}
	w.n, w.size, w.buffer = w.n+1, w.size+uint64(len(w.buffer)), w.buffer[:0]
	return nil
}
