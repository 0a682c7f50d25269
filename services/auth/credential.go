package auth

import (
	"context"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	mailsPerHour  = 5  // to one address
	asksPerMinute = 10 // for a mail, from one network

	reasonPassword = "password-changed"
)

// Forgot sends a link with which the owner of login (username or e-mail
// address) can choose a new password. It does the same work and answers the
// same whether or not there is such an account. Errors: rate-limited by the
// caller's network, unavailable.
func (s *Service) Forgot(ctx context.Context, login string, from Client) error {
	from = from.clean()
	if err := s.admitAsk(ctx, from.IP); err != nil {
		return err
	}
	name := loginName(login)
	sent, err := s.mayMail(ctx, name)
	if err != nil || !sent {
		return err
	}
	acc, _, err := s.store.credential(ctx, login)
	if err != nil {
		return err
	}
	err = s.store.notSuspended(ctx, acc.ID)
	if err != nil && !errs.Is(err, errs.Suspended) {
		return err
	}
	kind := mailReset
	if acc.Email == "" || err != nil {
		acc, kind = Account{ID: id.New()}, mailNone // the rows of nobody: a stranger cannot measure the difference
	}
	return s.sendToken(ctx, acc, purposeReset, kind, resetLife, from)
}

// sendToken stores a new token for the account's address and the mail with it.
func (s *Service) sendToken(ctx context.Context, acc Account, purpose string, kind mailKind, life time.Duration, from Client) error {
	now := s.now()
	secret, token := newOneTimeToken(acc.ID, purpose, acc.Email, acc.emailKey, now, life)
	rows, err := mailRows(mailing{to: acc, kind: kind, secret: secret, expires: token.ExpiresAt, at: now})
	if err != nil {
		return err
	}
	if err := s.store.issue(ctx, token, audit(now, "mail-"+string(kind), acc, from), rows); err != nil {
		return err
	}
	s.publish(rows)
	return nil
}

// Reset stores a new password for whoever holds a link of Forgot, confirms the
// address that the link went to, and ends every session. It starts none: a
// second factor stays one. Errors: token-invalid, weak-password, suspended,
// unavailable.
func (s *Service) Reset(ctx context.Context, secret, password string, from Client) error {
	token, acc, err := s.redeemable(ctx, secret, purposeReset)
	if err == nil {
		err = s.store.notSuspended(ctx, acc.ID)
	}
	if err != nil {
		return err
	}
	return s.setPassword(ctx, acc, password, &token, ending{account: acc.ID, reason: reasonPassword, audit: eventRevoked, from: from}, eventReset)
}

// ChangePassword replaces the password of who and ends the other sessions.
// Errors: those of reauthenticate; weak-password.
func (s *Service) ChangePassword(ctx context.Context, who authn.Identity, c Confirmation, next string, from Client) error {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, acc, next, nil, ending{
		account: acc.ID, except: who.SessionID, reason: reasonPassword, audit: eventRevoked, from: from,
	}, eventPassword)
}

func (s *Service) setPassword(ctx context.Context, acc Account, password string, token *oneTimeToken, e ending, event string) error {
	if err := checkPassword(password, acc); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	now := s.now()
	letter, err := mailRows(mailing{to: acc, kind: mailPasswordChanged, device: e.from.device(), at: now})
	if err != nil {
		return err
	}
	if token != nil {
		seen, err := s.firstSeen(acc)
		if err != nil {
			return err
		}
		letter = append(letter, seen...)
	}
	var over []id.ID
	rows, err := s.store.setPassword(ctx, newPassword{
		account: acc, hash: hash, token: token, ending: e, leave: s.endings(e, now, &over), now: now,
		audit: audit(now, event, acc, e.from), mail: letter,
	})
	if err != nil {
		return err
	}
	s.endedAll(over, now, append(rows, letter...))
	return nil
}

// checkPassword compares the password of somebody who is signed in; a wrong
// one counts as a failed sign-in. Errors: wrong-password, rate-limited,
// unavailable.
func (s *Service) checkPassword(ctx context.Context, acc Account, stored, password string, sess id.ID, from Client) error {
	try, err := s.admitLogin(ctx, acc.Username, from)
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.verify(ctx, password, stored)
	if err != nil {
		return s.giveBack(ctx, try, err)
	}
	if !ok {
		if err := s.store.audit(ctx, audit(s.now(), eventLoginFailed, acc, from).of(sess)); err != nil {
			return err
		}
		return errWrong("body.current_password", "The current password is not right.")
	}
	return s.store.release(ctx, &try, true, s.now())
}

// AskConfirmation sends who a new link that confirms the account's address.
// Nothing happens when it is confirmed already, or too many were sent. Errors:
// invalid-body when there is no address, rate-limited, unavailable.
func (s *Service) AskConfirmation(ctx context.Context, who authn.Identity, from Client) error {
	acc, ok, err := s.store.account(ctx, who.UserID)
	if err != nil || !ok {
		return firstError(err, errSessionOver())
	}
	if acc.Email == "" {
		return errs.Invalid("body.email", "This account has no e-mail address yet.")
	}
	if err := s.admitAsk(ctx, from.IP); err != nil {
		return err
	}
	return s.mailConfirmation(ctx, acc, from)
}

// mailConfirmation sends the link to the account's address, unless it is
// confirmed or has got too many mails.
func (s *Service) mailConfirmation(ctx context.Context, acc Account, from Client) error {
	if confirmed, err := s.store.emailConfirmed(ctx, acc); err != nil || confirmed {
		return err
	}
	if may, err := s.mayMail(ctx, acc.emailKey); err != nil || !may {
		return err
	}
	return s.sendToken(ctx, acc, purposeConfirm, mailConfirm, confirmLife, from.clean())
}

// ChangeEmail sends a link to a new address; the account keeps the old one
// until the link is used. An address that somebody has gets no link, and the
// answer is the same. Errors: those of reauthenticate, invalid-body,
// rate-limited.
func (s *Service) ChangeEmail(ctx context.Context, who authn.Identity, email string, c Confirmation, from Client) error {
	shown, key, problem := canonicalEmail(email)
	if problem != "" {
		return errs.Invalid("body.email", problem)
	}
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return err
	}
	if err := s.admitAsk(ctx, from.IP); err != nil {
		return err
	}
	if may, err := s.mayMail(ctx, key); err != nil || !may {
		return err
	}
	kind := mailConfirm
	if taken, err := s.store.identifierTaken(ctx, "", key); err != nil {
		return err
	} else if taken && key != acc.emailKey {
		kind = mailNone
	}
	acc.Email, acc.emailKey = shown, key
	return s.sendToken(ctx, acc, purposeConfirm, kind, confirmLife, from.clean())
}

// ConfirmEmail notes, for whoever holds the link, that the address is theirs.
// The old address, when there was another, is told. Errors: token-invalid,
// identifier-taken, unavailable.
func (s *Service) ConfirmEmail(ctx context.Context, secret string, from Client) error {
	token, acc, err := s.redeemable(ctx, secret, purposeConfirm)
	if err != nil {
		return err
	}
	now := s.now()
	change := acc.emailKey != token.emailKey
	rows, err := s.firstSeen(acc)
	if err == nil && change {
		rows, err = mailRows(mailing{to: acc, kind: mailAddressChanged, device: from.device(), at: now})
	}
	if err != nil {
		return err
	}
	err = s.store.confirmEmail(ctx, confirmedEmail{
		token: token, change: change, now: now, audit: audit(now, eventConfirmed, acc, from), events: rows,
	})
	if err != nil {
		return err
	}
	s.publish(rows)
	return nil
}

// admitAsk counts a wish for a mail. Error: rate-limited.
func (s *Service) admitAsk(ctx context.Context, address string) error {
	c := counter{Key: attemptKey(kindAsk, "", network(address)), Kind: kindAsk}
	wait, err := s.store.countWithin(ctx, c, s.now(), asksPerMinute, ipWindow)
	if err == nil && wait > 0 {
		return errLimited(wait)
	}
	return err
}

// mayMail counts a mail to an address or account, and says whether it is one
// too many: nobody's mailbox is filled by a stranger.
func (s *Service) mayMail(ctx context.Context, name string) (bool, error) {
	c := counter{Key: attemptKey(kindMail, name, ""), Kind: kindMail}
	wait, err := s.store.countWithin(ctx, c, s.now(), mailsPerHour, time.Hour)
	return wait == 0, err
}
