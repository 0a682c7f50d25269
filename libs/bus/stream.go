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
func (b *Bus) EnsureStream(ctx context.Context, s Stream) error {
	want := jetstream.StreamConfig{
		Name: s.Name, Subjects: s.Subjects, MaxAge: s.MaxAge, Replicas: max(1, s.Replicas),
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		Duplicates: dedupWindow, AllowDirect: true, DenyDelete: true,
	}
	if s.MaxAge > 0 {
		want.Duplicates = min(dedupWindow, s.MaxAge)
	}
	if err := b.ensure(ctx, want); err != nil {
		return err
	}
	b.mu.Lock()
	b.streams[s.Name] = want
	b.mu.Unlock()
	return nil
}

func (b *Bus) ensure(ctx context.Context, want jetstream.StreamConfig) error {
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
			return nil // nothing to change: needs no permission to
		}
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return unavailable(fmt.Errorf("stream %s: %w", want.Name, err))
	}
	got, err := b.js.CreateOrUpdateStream(ctx, want)
	if err != nil {
		return unavailable(fmt.Errorf("stream %s: %w", want.Name, err))
	}
	return compare(want, got.CachedInfo().Config)
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

// repair makes again the known streams that cover subject or bear name. Called
// when the broker says that there is no such stream: its store was wiped.
func (b *Bus) repair(ctx context.Context, subject, name string) bool {
	b.mu.Lock()
	var found []jetstream.StreamConfig
	for n, cfg := range b.streams {
		if n == name || slices.ContainsFunc(cfg.Subjects, func(p string) bool { return covers(p, subject) }) {
			found = append(found, cfg)
		}
	}
	b.mu.Unlock()
	for _, cfg := range found {
		if err := b.ensure(ctx, cfg); err != nil {
			b.log.Warn("a stream is missing and could not be made again", "stream", cfg.Name, "error", err)
			return false
		}
		b.log.Warn("a stream was missing and has been made again", "stream", cfg.Name)
	}
	return len(found) > 0
}

// repairSoon is repair on a goroutine of its own, unless one is at it already.
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
