package messages

import (
	"context"
	"crypto/sha256"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	// reportsPerDay is how many reports one person may make in 24 hours.
	reportsPerDay = 20
	reportWindow  = 24 * time.Hour
)

// report is what somebody reported: a person, or one message of theirs, with a
// copy of it as it was then.
type report struct {
	id       id.ID
	reporter id.ID
	user     id.ID // who is reported
	message  *id.ID
	body     string
	sentAt   *time.Time
	reason   string
	note     string
	at       time.Time
}

// openKey names the open report of one person about one target.
func (r report) openKey() []byte {
	target := r.user
	if r.message != nil {
		target = *r.message
	}
	sum := sha256.Sum256(append(r.reporter[:], target[:]...))
	return sum[:16]
}

// decisionRemoved closes a report and takes the text of the message away. The
// other decisions, dismissed and suspended (in auth), are only recorded here.
const decisionRemoved = "removed"

// verdict is how a report was closed.
type verdict struct {
	report   id.ID
	decision string
	note     string
	by       auditor
}

// mustModerate returns not-found to everybody who is no moderator: there is
// nothing here for them.
func mustModerate(ctx context.Context) error {
	if role := authn.From(ctx).Role; role == "moderator" || role == "admin" {
		return nil
	}
	return errNothingHere()
}

func errNothingHere() error { return errs.New(errs.NotFound, "There is nothing here.") }

// reportOf makes the report that the caller asks for. Errors: invalid-body, and
// not-found for what the caller cannot see.
func (s *Service) reportOf(ctx context.Context, in reportBody) (report, error) {
	r := report{id: id.New(), reporter: caller(ctx), reason: in.Reason, note: in.Note, at: now()}
	switch {
	case (in.UserID == nil) == (in.MessageID == nil):
		return r, errs.Invalid("body.user_id", "Give either user_id or message_id.")
	case in.UserID != nil:
		r.user = *in.UserID
		if err := s.people.ensure(ctx, r.user); err != nil {
			return r, err
		}
	default:
		m, err := s.store.message(ctx, r.reporter, *in.MessageID)
		if err != nil {
			return r, err
		}
		r.user, r.message, r.body, r.sentAt = m.SenderID, &m.ID, m.Body, &m.CreatedAt
	}
	if r.user == r.reporter {
		return r, errs.Invalid("body", "You cannot report yourself.")
	}
	return r, nil
}
