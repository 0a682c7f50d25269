package messages

import (
	"context"
	"strconv"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	// MaxRetention is the longest time, in days, that texts are kept for when
	// they are not kept for ever.
	MaxRetention = 3650
	// retentionGrace is how long a change that erases more waits, so that a
	// mistake can be taken back.
	retentionGrace = time.Hour
	// retainEvery is how often a process looks whether something is due.
	retainEvery = time.Minute
	// leaseTime is how long one replica erases alone without saying so again.
	leaseTime = 2 * time.Minute
	// retainRows bounds one transaction, which writers of the same conversation
	// and, with SQLite, all writers may have to wait for.
	retainRows = 200
	// retainMarks is how many conversations one transaction looks at.
	retainMarks = 50
	// retainPause lets others come first between two transactions.
	retainPause = 10 * time.Millisecond
	// clockSlack is more than the clocks of replicas and the time of a
	// transaction can make a row look older than it is.
	clockSlack = time.Hour
)

const day = 24 * time.Hour

// Retention is how long the texts of messages are kept. Rows and numbers stay
// for ever: what is erased reads as an empty text, as with a deleted account.
type Retention struct {
	Days          int        // what administrators want; 0 = for ever
	Previous      int        // what holds until TakesEffectAt
	TakesEffectAt *time.Time // nil: Days holds
	Version       uint64     // of the setting; grows with each change
	ChangedAt     *time.Time // nil: never
}

// holds is how many days are kept at that time; 0 = for ever.
func (r Retention) holds(at time.Time) int {
	if r.TakesEffectAt != nil && at.Before(*r.TakesEffectAt) {
		return r.Previous
	}
	return r.Days
}

// cutoff is the time before which texts are to be erased; false for none.
func (r Retention) cutoff(at time.Time) (time.Time, bool) {
	days := r.holds(at)
	return at.Add(-time.Duration(days) * day), days > 0
}

// ErasesMore reports whether fewer texts would be kept than now.
func (r Retention) ErasesMore(days int) bool { return r.erasesMore(days, now()) }

func (r Retention) erasesMore(days int, at time.Time) bool {
	held := r.holds(at)
	return days > 0 && (held == 0 || days < held)
}

// wanting is r changed to so many days. Keeping less waits for the grace; keeping
// as much or more holds at once.
func (r Retention) wanting(days int, at time.Time) Retention {
	next := Retention{Days: days, Previous: r.holds(at), Version: r.Version + 1, ChangedAt: &at}
	if r.erasesMore(days, at) {
		then := at.Add(retentionGrace)
		next.TakesEffectAt = &then
	}
	return next
}

func daysText(days int) string {
	if days == 0 {
		return "for ever"
	}
	return strconv.Itoa(days) + " days"
}

// Retention reads how long texts are kept. Errors: unavailable.
func (s *Service) Retention(ctx context.Context) (Retention, error) {
	r, err := s.store.retention(s.store.db.R.WithContext(ctx), false)
	if at := now(); err == nil && r.TakesEffectAt != nil && !at.Before(*r.TakesEffectAt) {
		r.TakesEffectAt = nil
	}
	return r, err
}

// SetRetention is SetRetention of the operator at the command line.
func (s *Service) SetRetention(ctx context.Context, days int, version uint64) (Retention, error) {
	return s.setRetention(ctx, days, version, auditor{})
}

// setRetention changes how long texts are kept; 0 is for ever. version is that of
// the setting which the change was made from. Errors: invalid-body; conflict when
// somebody else changed it since.
func (s *Service) setRetention(ctx context.Context, days int, version uint64, by auditor) (Retention, error) {
	if days < 0 || days > MaxRetention {
		return Retention{}, errs.Invalid("body.days", "Keep messages for 1 to 3,650 days, or 0: for ever.")
	}
	return s.store.setRetention(ctx, days, version, by)
}

// WouldErase says how many texts, at most, are older than so many days and there
// still; complete is false while the messages of before an upgrade are not all
// counted. It counts by days, so that no message is looked at.
func (s *Service) WouldErase(ctx context.Context, days int) (texts uint64, complete bool, err error) {
	return s.store.wouldErase(ctx, now().Add(-time.Duration(days)*day))
}

// retainLoop erases what is older than texts are kept, until ctx ends.
func (s *Service) retainLoop(ctx context.Context) error {
	me := id.New()
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		erased, err := s.retain(ctx, me)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("could not erase old messages; trying again", "error", err)
		} else if erased > 0 {
			s.log.Info("old messages erased", "messages", erased)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// retain erases what is due now, as the one replica that does, and returns of how
// many messages. It asks again before each step how long texts are kept.
func (s *Service) retain(ctx context.Context, me id.ID) (erased int, err error) {
	for _, step := range []func(context.Context) (int, bool, error){s.store.markConversations, s.store.eraseDue, s.store.eraseCopies} {
		for more := true; more; {
			mine, err := s.store.lease(ctx, me, now())
			if err != nil || !mine {
				return erased, err
			}
			var n int
			n, more, err = step(ctx)
			erased += n
			if err != nil {
				return erased, err
			}
			select {
			case <-ctx.Done():
				return erased, nil
			case <-time.After(retainPause):
			}
		}
	}
	return erased, s.store.forgetWriters(ctx, now().Add(-writersKept))
}
