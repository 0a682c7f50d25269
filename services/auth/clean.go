package auth

import (
	"context"
	"time"
)

const (
	cleanEvery = 10 * time.Minute
	cleanBatch = 500 // rows of one DELETE: no lock is held for long

	// cleanGrace is how much longer than needed rows are kept, so that a clock
	// that ran ahead signs nobody out.
	cleanGrace = 48 * time.Hour
)

// clean deletes what has expired: sessions, refresh and one-time
// tokens, challenges, invitations, trips to providers, counters of attempts and long replaced keys.
// The audit log is not touched.
func (s *Service) clean(ctx context.Context) error {
	now := s.now()
	for _, c := range []struct {
		table, key, column string
		before             time.Time
	}{
		{"refresh_tokens", "token_hash", "keep_until", now.Add(-cleanGrace)},
		{"sessions", "id", "expires_at", now.Add(-cleanGrace)},
		{"one_time_tokens", "token_hash", "expires_at", now.Add(-cleanGrace)},
		{"login_challenges", "challenge_hash", "expires_at", now.Add(-time.Hour)},
		{"passkey_challenges", "challenge_hash", "expires_at", now.Add(-time.Hour)},
		{"invitations", "id", "expires_at", now.Add(-cleanGrace)},
		{"oidc_flows", "state_hash", "expires_at", now.Add(-cleanGrace)},
		{"login_attempts", "attempt_key", "window_ends", now.Add(-time.Hour)},
	} {
		if err := s.store.deleteBefore(ctx, c.table, c.key, c.column, c.before); err != nil {
			return err
		}
	}
	return s.keys.bury(ctx)
}
