package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// dedupWindow is how long a stream remembers message ids. The file store is
// synced every two minutes, so an outbox may publish again after a power cut:
// the window must be longer than twice that.
const dedupWindow = 5 * time.Minute

// Stream says how a stream is kept. Data is on disk; the oldest goes first.
type Stream struct {
	Name     string
	Subjects []string
	MaxAge   time.Duration // 0 = for ever
	Replicas int           // 0 = 1
}

// EnsureStream makes the stream, or brings an existing one up to s, and
// compares what the server really set up (an old server ignores settings it
// does not know). It never shortens retention and never lowers replicas: then
// the larger value stays. The bus makes the stream again when the broker lost it.
//
// After SetUpByOthers it only looks whether the stream is there; the error is
// unavailable until it is.
func (b *Bus) EnsureStream(ctx context.Context, s Stream) error {
	if b.waits {
		ctx, done := b.untilRefused(ctx, operation{publishing, "$JS.API.STREAM.INFO." + s.Name})
		defer done()
		if _, err := b.js.Stream(ctx, s.Name); err != nil {
			return unavailable(fmt.Errorf("stream %s: %w", s.Name, refusedOr(ctx, err)))
		}
		return nil
	}
	want := jetstream.StreamConfig{
		Name: s.Name, Subjects: s.Subjects, MaxAge: s.MaxAge, Replicas: max(1, s.Replicas),
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		Duplicates: dedupWindow, AllowDirect: true, DenyDelete: true,
	}
	if s.MaxAge > 0 {
		want.Duplicates = min(dedupWindow, s.MaxAge)
	}
	if _, err := b.ensure(ctx, want); err != nil {
		return err
	}
	b.mu.Lock()
	b.streams[s.Name] = want
	b.mu.Unlock()
	return nil
}

// ensure makes or updates a stream and reports whether there was none.
func (b *Bus) ensure(ctx context.Context, want jetstream.StreamConfig) (made bool, err error) {
	old, err := b.js.Stream(ctx, want.Name)
	switch {
	case err == nil:
		have := old.CachedInfo().Config
		if have.MaxAge == 0 || (want.MaxAge > 0 && have.MaxAge > want.MaxAge) {
			want.MaxAge = have.MaxAge
		}
		want.Replicas = max(want.Replicas, have.Replicas)
		want.DenyDelete = have.DenyDelete // cannot be changed on an existing stream
		if compare(want, have) == nil {
			return false, nil // nothing to change: needs no permission to
		}
	case errors.Is(err, jetstream.ErrStreamNotFound):
		made = true
	default:
		return false, unavailable(fmt.Errorf("stream %s: %w", want.Name, err))
	}
	got, err := b.js.CreateOrUpdateStream(ctx, want)
	if err != nil {
		return false, unavailable(fmt.Errorf("stream %s: %w", want.Name, err))
	}
	return made, compare(want, got.CachedInfo().Config)
}

func compare(want, got jetstream.StreamConfig) error {
	want.Subjects, got.Subjects = slices.Sorted(slices.Values(want.Subjects)), slices.Sorted(slices.Values(got.Subjects))
	name := want.Name
	var all error
	same := func(ok bool, what string, want, got any) {
		if !ok {
			all = errors.Join(all, fmt.Errorf("stream %s: the server set %s to %v instead of %v (is it older than 2.10?)", name, what, got, want))
		}
	}
	same(slices.Equal(want.Subjects, got.Subjects), "subjects", want.Subjects, got.Subjects)
	same(want.MaxAge == got.MaxAge, "max age", want.MaxAge, got.MaxAge)
	same(want.Replicas == got.Replicas, "replicas", want.Replicas, got.Replicas)
	same(want.Duplicates == got.Duplicates, "duplicate window", want.Duplicates, got.Duplicates)
	same(want.Storage == got.Storage, "storage", want.Storage, got.Storage)
	same(want.Retention == got.Retention, "retention", want.Retention, got.Retention)
	same(want.Discard == got.Discard, "discard policy", want.Discard, got.Discard)
	return all
}

// allStreams is a subject for repair that every stream covers.
const allStreams = ""

// repair looks after the known streams that cover subject or bear name and
// makes those again that are gone: the broker's store was wiped. It reports
// whether they are all there now.
func (b *Bus) repair(ctx context.Context, subject, name string) bool {
	b.mu.Lock()
	var found []jetstream.StreamConfig
	for n, cfg := range b.streams {
		if n == name || (subject == allStreams && name == "") ||
			slices.ContainsFunc(cfg.Subjects, func(p string) bool { return covers(p, subject) }) {
			found = append(found, cfg)
		}
	}
	b.mu.Unlock()
	for _, cfg := range found {
		made, err := b.ensure(ctx, cfg)
		if err != nil {
			b.log.Warn("a stream cannot be looked after", "stream", cfg.Name, "error", err)
			return false
		}
		if made {
			b.log.Warn("a stream was missing and has been made again", "stream", cfg.Name)
		}
	}
	return len(found) > 0
}

// repairSoon is repair on a goroutine of its own, unless one is at it already.
// It is called whenever a publish was not acknowledged: a missing stream does
// not always say so, because a core subscriber on the subject counts as
// somebody who could have answered.
func (b *Bus) repairSoon(subject string) {
	if !b.repairing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer b.repairing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
		defer cancel()
		b.repair(ctx, subject, "")
	}()
}
