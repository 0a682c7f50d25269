package auth

import (
	"context"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/outbox"
)

// confirmFirst says whether an account works only after its e-mail address was
// confirmed (CHAT_CONFIRM_EMAIL).
func (s *Service) confirmFirst() bool { return s.cfg.ConfirmEmail == "required" }

func errUnconfirmed() error {
	return errs.New(errs.EmailUnconfirmed, "Open the link in the mail that we sent you; then sign in.")
}

// registerUnconfirmed makes an account that works once its address is
// confirmed. It answers the same when the address has an account already, and
// tells its owner instead. The error is email-unconfirmed when all went well;
// else invalid-body, identifier-taken for the username, unavailable.
func (s *Service) registerUnconfirmed(ctx context.Context, acc Account, in Registration, from Client) error {
	if acc.Email == "" {
		return errs.Invalid("body.email", "An e-mail address is needed here.")
	}
	owner, _, err := s.store.credential(ctx, acc.Email)
	if err != nil {
		return err
	}
	if owner.Email != "" {
		if err := s.turnedAway(ctx, acc, owner, in.Password, from); err != nil {
			return err
		}
		return errUnconfirmed()
	}
	err = s.insertAccount(ctx, acc, in, func(acc Account, hash string) error {
		return s.storeUnconfirmed(ctx, acc, hash, in.invitation, from)
	})
	if err != nil {
		return err
	}
	s.count("register", "unconfirmed")
	return errUnconfirmed()
}

// turnedAway does for an address that has an account what a new one costs.
func (s *Service) turnedAway(ctx context.Context, wish, owner Account, password string, from Client) error {
	if taken, err := s.store.identifierTaken(ctx, wish.Username, ""); err != nil || taken {
		return firstError(err, errTaken())
	}
	if _, err := s.hasher.hash(ctx, password); err != nil {
		return err
	}
	kind := mailExists
	if may, err := s.mayMail(ctx, owner.emailKey); err != nil {
		return err
	} else if !may {
		kind = mailNone
	}
	return s.sendToken(ctx, owner, purposeExists, kind, confirmLife, from.clean())
}

// storeUnconfirmed stores an account without a session, and the mail with the
// link. Its registered event follows when the link was opened.
func (s *Service) storeUnconfirmed(ctx context.Context, acc Account, hash string, invitation *tokenHash, from Client) error {
	secret, token := newOneTimeToken(acc.ID, purposeConfirm, acc.Email, acc.emailKey, acc.CreatedAt, confirmLife)
	rows, err := mailRows(mailing{to: acc, kind: mailConfirm, secret: secret, expires: token.ExpiresAt, at: acc.CreatedAt})
	if err != nil {
		return err
	}
	_, err = s.store.createAccount(ctx, newAccount{
		account: acc, hash: hash, confirm: &token, invitation: invitation, events: rows, audit: audit(acc.CreatedAt, eventSignUp, acc, from),
	})
	if err != nil {
		return err
	}
	s.publish(rows)
	return nil
}

// mustConfirm refuses a sign-in with the right password to an account whose
// address waits for confirmation, and sends the link again. Accounts without
// an address were made by an operator or before that was required.
func (s *Service) mustConfirm(ctx context.Context, acc Account, from Client) error {
	if !s.confirmFirst() || acc.Email == "" || acc.Role == authn.RoleAdmin {
		return nil
	}
	confirmed, err := s.store.emailConfirmed(ctx, acc)
	if err != nil || confirmed {
		return err
	}
	if err := s.mailConfirmation(ctx, acc, from); err != nil {
		return err
	}
	s.count("login", "unconfirmed")
	return errUnconfirmed()
}

// firstSeen is the event that makes an account known to the other services,
// where that waited for the confirmation of its address. Telling it again
// changes nothing.
func (s *Service) firstSeen(acc Account) ([]outbox.Row, error) {
	if !s.confirmFirst() {
		return nil, nil
	}
	return registeredRows(acc)
}
