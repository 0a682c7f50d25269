package auth

import (
	"context"
	"crypto/sha256"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// reasonDeleted is why the sessions of a deleted account ended.
const reasonDeleted = "deleted"

// DeleteAccount ends the account of who for good: nothing is left here but that
// its username is nobody's. The other services hear of it, and take the profile
// and, where CHAT_DELETED_MESSAGES says so, the messages away. Errors: those of
// reauthenticate; conflict for the last administrator.
func (s *Service) DeleteAccount(ctx context.Context, who authn.Identity, c Confirmation, from Client) error {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return err
	}
	return s.farewell(ctx, acc, Actor{From: from.clean()})
}

// Remove is DeleteAccount of somebody else's account, by an administrator who
// wrote its username. Errors: not-found, also for who is no administrator (any
// more); forbidden for one's own account; invalid-body for another username;
// conflict for the last administrator; unavailable.
func (s *Service) Remove(ctx context.Context, by Actor, account id.ID, username string) error {
	if err := s.store.mayAdminister(ctx, by, authn.RoleAdmin); err != nil {
		return err
	}
	if account == by.ID {
		return errs.New(errs.Forbidden, "Delete your own account in your settings.")
	}
	acc, ok, err := s.store.account(ctx, account)
	if err != nil || !ok {
		return firstError(err, errNoPerson())
	}
	if typed, problem := canonicalUsername(username); problem != "" || typed != acc.Username {
		return errs.Invalid("body.username", "This is not the username of the account.")
	}
	by.From = by.From.clean()
	return s.farewell(ctx, acc, by)
}

// Delete is DeleteAccount for the operator at the command line. Errors:
// not-found, conflict for the last administrator, unavailable.
func (s *Service) Delete(ctx context.Context, account id.ID) error {
	acc, ok, err := s.store.account(ctx, account)
	if err != nil || !ok {
		return firstError(err, errNoPerson())
	}
	return s.farewell(ctx, acc, Operator())
}

// farewell ends acc. An actor without a name is the owner, whose name is not
// noted: it would be all that is left of it.
func (s *Service) farewell(ctx context.Context, acc Account, by Actor) error {
	now, from, others := s.now(), by.From, by.Name != ""
	device := knownDevice(from)
	if others {
		device = "" // which is nothing that the owner has to know
	}
	rows, err := mailRows(mailing{to: acc, kind: mailDeleted, device: device, at: now})
	if err != nil {
		return err
	}
	gone, err := event(events.NameDeleted, acc.ID, acc.ID, now, events.Deleted{
		UserID: acc.ID.String(), Erase: s.cfg.DeletedMessages == config.MessagesErased, At: now,
	})
	if err != nil {
		return err
	}
	var over []id.ID
	e := ending{account: acc.ID, reason: reasonDeleted, audit: eventRevoked, from: from}
	f := farewell{account: acc.ID, ending: e, leave: s.endings(e, now, &over), now: now, events: append(rows, gone)}
	note, actor := auditOf(by, now, eventDeleted, acc.ID, "")
	if f.audit = note; others {
		f.by, f.actor = &by, &actor
	}
	ended, err := s.store.deleteAccount(ctx, f)
	if err != nil {
		return err
	}
	s.endedAll(over, now, append(ended, f.events...))
	return nil
}

// knownDevice names the device that a request came from; "" for the command line.
func knownDevice(from Client) string {
	if from == (Client{}) {
		return ""
	}
	return from.device()
}

// farewell is the end of one account.
type farewell struct {
	account id.ID
	ending  ending
	leave   leaveFunc
	now     time.Time
	audit   auditRow
	by      *Actor    // who must be an administrator still; nil for the owner
	actor   *actorRow // nil for the owner
	events  []outbox.Row
}

// goneName is what is kept of the username of a deleted account: enough to
// refuse it to others.
func goneName(username string) tokenHash { return sha256.Sum256([]byte(username)) }
