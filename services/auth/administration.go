package auth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// Why sessions ended that somebody else ended; part of the event.
const (
	reasonSuspended = "suspended"
	reasonRole      = "role-changed"
	reasonOperator  = "operator"
)

const (
	maxReason = 500 // code points

	// operatorName stands in the audit log for whoever used the command line;
	// it is a reserved username.
	operatorName = "operator"
)

// Actor is who does something to other people's accounts.
type Actor struct {
	ID   id.ID  // zero = the operator at the command line
	Name string // username
	Role string
	From Client
}

// Operator is whoever may run commands where ChatApp is installed.
func Operator() Actor { return Actor{Name: operatorName, Role: authn.RoleAdmin} }

func (a Actor) operator() bool { return a.ID.IsZero() && a.Name == operatorName }

// deed is one act on somebody's account.
type deed struct {
	actor   Actor
	account id.ID
	least   string // the role it needs
	event   string // for the audit log
	ends    string // the reason with which the account's sessions end; "" = they go on
	now     time.Time

	suspend  bool
	restore  bool
	unfactor bool // the second factors go
	reason   string
	role     string // the new one; "" = it stays
	mail     []outbox.Row
}

// Suspend ends a person's sessions and refuses new ones until Restore. Doing so
// twice changes nothing. Moderators may do it to users only. Errors: not-found,
// forbidden, conflict for the last administrator, invalid-text, unavailable.
func (s *Service) Suspend(ctx context.Context, by Actor, account id.ID, reason string) error {
	reason, err := oneLine("body.reason", reason, maxReason)
	if err != nil {
		return err
	}
	if reason == "" {
		return errs.Invalid("body.reason", "Say why, for whoever looks at this later.")
	}
	return s.administer(ctx, deed{
		actor: by, account: account, least: authn.RoleModerator, event: eventSuspended, ends: reasonSuspended, suspend: true, reason: reason,
	})
}

// Restore lets a suspended person sign in again. Errors: those of Suspend.
func (s *Service) Restore(ctx context.Context, by Actor, account id.ID) error {
	return s.administer(ctx, deed{actor: by, account: account, least: authn.RoleModerator, event: eventRestored, restore: true})
}

// SignOut ends all sessions of a person. Errors: not-found, unavailable.
func (s *Service) SignOut(ctx context.Context, by Actor, account id.ID) error {
	return s.administer(ctx, deed{actor: by, account: account, least: authn.RoleAdmin, event: eventSignedOut, ends: reasonOperator})
}

// ResetFactors takes the second factors away from somebody who lost them, ends
// all sessions and tells the owner. Nothing happens where there is none. Errors:
// not-found, unavailable.
func (s *Service) ResetFactors(ctx context.Context, by Actor, account id.ID) error {
	acc, ok, err := s.store.account(ctx, account)
	if err != nil || !ok {
		return firstError(err, errNoPerson())
	}
	letter, err := mailRows(mailing{to: acc, kind: mailFactorRemoved, at: s.now()})
	if err != nil {
		return err
	}
	return s.administer(ctx, deed{
		actor: by, account: account, least: authn.RoleAdmin, event: eventFactorsRemoved, ends: reasonFactor, unfactor: true, mail: letter,
	})
}

// SetRole gives a person another role and ends their sessions, so that no token
// with the old one is left. Errors: not-found, invalid-body for an unknown role,
// conflict for the last administrator, unavailable.
func (s *Service) SetRole(ctx context.Context, by Actor, account id.ID, role string) error {
	if !authn.Includes(role, authn.RoleUser) {
		return errs.Invalid("body.role", "A role is user, moderator or admin.")
	}
	return s.administer(ctx, deed{actor: by, account: account, least: authn.RoleAdmin, event: eventRole, ends: reasonRole, role: role})
}

func (s *Service) administer(ctx context.Context, d deed) error {
	d.now, d.actor.From = s.now(), d.actor.From.clean()
	var over []id.ID
	e := ending{account: d.account, reason: d.ends, audit: eventRevoked, from: d.actor.From}
	rows, err := s.store.administer(ctx, d, e, s.endings(e, d.now, &over))
	if err != nil {
		return err
	}
	s.endedAll(over, d.now, rows)
	return nil
}

// SendReset mails a person the link of Forgot. Errors: not-found, conflict when
// the account has no address or is suspended, rate-limited, unavailable.
func (s *Service) SendReset(ctx context.Context, by Actor, account id.ID) error {
	if err := s.store.mayAdminister(ctx, by, authn.RoleAdmin); err != nil {
		return err
	}
	acc, ok, err := s.store.account(ctx, account)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoPerson()
	case acc.Email == "":
		return errs.New(errs.Conflict, "This account has no e-mail address to send the link to.")
	}
	if err := s.store.notSuspended(ctx, account); err != nil {
		if errs.Is(err, errs.Suspended) {
			return errs.New(errs.Conflict, "This account is suspended: restore it first.")
		}
		return err
	}
	if may, err := s.mayMail(ctx, acc.emailKey); err != nil {
		return err
	} else if !may {
		return errs.New(errs.RateLimited, "This address got many mails within an hour. Try again later.")
	}
	return s.mailReset(ctx, by, acc)
}

func (s *Service) mailReset(ctx context.Context, by Actor, acc Account) error {
	now := s.now()
	secret, token := newOneTimeToken(acc.ID, purposeReset, acc.Email, acc.emailKey, now, resetLife)
	rows, err := mailRows(mailing{to: acc, kind: mailReset, secret: secret, expires: token.ExpiresAt, at: now})
	if err != nil {
		return err
	}
	note, who := auditOf(by, now, eventResetSent, acc.ID, "")
	if err := s.store.issueBy(ctx, token, note, who, rows); err != nil {
		return err
	}
	s.publish(rows)
	return nil
}

func errNoPerson() error { return errs.New(errs.NotFound, "There is no such person.") }

func errSuspended() error {
	return errs.New(errs.Suspended, "This account is suspended. Write to the people who run this ChatApp.")
}

func errLastAdmin() error {
	return errs.New(errs.Conflict, "This is the last administrator. Make somebody else one first.")
}

// oneLine trims and normalises a text that is shown on one line. Errors:
// invalid-text for what cannot be shown, invalid-body for more than limit code
// points.
func oneLine(location, in string, limit int) (string, error) {
	text := strings.TrimSpace(norm.NFC.String(in))
	bad := func(r rune) bool {
		return unicode.IsControl(r) || isBidiControl(r) || r == '\u2028' || r == '\u2029'
	}
	if !utf8.ValidString(in) || strings.ContainsFunc(text, bad) {
		e := errs.New(errs.InvalidText, "This text holds characters that cannot be shown on one line.")
		e.Fields = []errs.Field{{Location: location, Message: e.Detail}}
		return "", e
	}
	if utf8.RuneCountInString(text) > limit {
		return "", errs.Invalid(location, "This text is too long.")
	}
	return text, nil
}
