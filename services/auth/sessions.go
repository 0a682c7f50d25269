package auth

import (
	"context"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// Device is one live session as its owner sees it: no address and no place,
// because those are guesses that frighten people.
type Device struct {
	ID         id.ID
	Name       string // "Firefox on Linux"; "Unknown device"
	Current    bool   // the session that asks
	CreatedAt  time.Time
	LastUsedAt time.Time // to the last refresh: within an access token's life
}

// Devices lists the live sessions of who, the one last used first. Errors:
// unavailable.
func (s *Service) Devices(ctx context.Context, who authn.Identity) ([]Device, error) {
	live, err := s.store.liveSessions(ctx, who.UserID, s.now())
	if err != nil {
		return nil, err
	}
	list := make([]Device, 0, len(live))
	for _, sess := range live {
		list = append(list, Device{
			ID: sess.ID, Name: sess.From.device(), Current: sess.ID == who.SessionID,
			CreatedAt: sess.CreatedAt, LastUsedAt: sess.LastUsedAt,
		})
	}
	return list, nil
}

// EndDevice ends one session of who, possibly the one that asks. Error:
// not-found for a session that is over, unknown or somebody else's.
func (s *Service) EndDevice(ctx context.Context, who authn.Identity, sess id.ID, from Client) error {
	ended, err := s.endSessions(ctx, ending{account: who.UserID, only: sess, reason: reasonSignedOut, audit: eventRevoked, from: from})
	if err == nil && ended == 0 {
		return errs.New(errs.NotFound, "There is no such session.")
	}
	return err
}

// EndOtherDevices ends every session of who but the one that asks.
func (s *Service) EndOtherDevices(ctx context.Context, who authn.Identity, from Client) error {
	_, err := s.endSessions(ctx, ending{account: who.UserID, except: who.SessionID, reason: reasonSignedOut, audit: eventRevoked, from: from})
	return err
}

// ending says which live sessions of an account end, and why. Zero ids in only
// and except choose all.
type ending struct {
	account, only, except id.ID
	reason, audit         string
	from                  Client
}

// endSessions ends them in one transaction and tells everybody.
func (s *Service) endSessions(ctx context.Context, e ending) (int, error) {
	now := s.now()
	var over []id.ID
	rows, err := s.store.endSessions(ctx, e, now, s.endings(e, now, &over))
	if err != nil {
		return 0, err
	}
	s.endedAll(over, now, rows)
	return len(over), nil
}

// endings makes what the end of each session leaves behind, and notes which
// they were. A transaction that is tried again starts a new list.
func (s *Service) endings(e ending, now time.Time, over *[]id.ID) func([]session) ([]auditRow, []outbox.Row, error) {
	return func(list []session) (notes []auditRow, rows []outbox.Row, err error) {
		*over = (*over)[:0]
		for _, sess := range list {
			note, row, err := s.ending(sess, e.reason, e.audit, now, e.from.clean())
			if err != nil {
				return nil, nil, err
			}
			notes, rows, *over = append(notes, note), append(rows, row...), append(*over, sess.ID)
		}
		return notes, rows, nil
	}
}

func (s *Service) endedAll(over []id.ID, now time.Time, rows []outbox.Row) {
	s.publish(rows)
	for _, sess := range over {
		s.ended(sess, now, nil)
	}
}

// replacing is the session that a browser had when it signed in once more: that
// one ends with the new one's start, and no other (ASVS 7.2.4).
type replacing struct {
	ending ending // only is zero for none
	leave  leaveFunc
	over   []id.ID // filled when the transaction is through
}

// replaced finds out what from's browser had. Whoever shows a session's refresh
// token could sign it out as well, so nothing is given away here.
func (s *Service) replaced(ctx context.Context, from Client, now time.Time) (*replacing, error) {
	r := &replacing{}
	sess, err := s.sessionBefore(ctx, from)
	if err != nil || sess.IsZero() {
		return r, err
	}
	owner, err := s.store.ownerOfSession(ctx, sess)
	if err != nil || owner.IsZero() {
		return r, err
	}
	r.ending = ending{account: owner, only: sess, reason: reasonReplaced, audit: eventRevoked, from: from}
	r.leave = s.endings(r.ending, now, &r.over)
	return r, nil
}

// sessionBefore is the session that from's browser has, also one that is over;
// Nil for none.
func (s *Service) sessionBefore(ctx context.Context, from Client) (id.ID, error) {
	if from.refresh == (tokenHash{}) {
		return from.session, nil
	}
	return s.store.sessionOf(ctx, from.refresh)
}
