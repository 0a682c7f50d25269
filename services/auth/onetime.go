package auth

import (
	"context"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// What a link in a mail is for, and how long it works.
const (
	purposeConfirm = "confirm" // this address is mine
	purposeReset   = "reset"   // I forgot my password
	purposeExists  = "exists"  // nothing: a sign-up with an address that has an account

	confirmLife = 24 * time.Hour
	resetLife   = 15 * time.Minute
)

// oneTimeToken is what a link in a mail proves: that its holder reads the
// mails to Email. Only its hash is stored.
type oneTimeToken struct {
	Hash      tokenHash
	AccountID id.ID
	Purpose   string
	Email     string
	emailKey  string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// newOneTimeToken makes a token about one address of an account.
func newOneTimeToken(account id.ID, purpose, email, emailKey string, now time.Time, life time.Duration) (secret string, t oneTimeToken) {
	secret, hash := newSecret()
	return secret, oneTimeToken{
		Hash: hash, AccountID: account, Purpose: purpose, Email: email, emailKey: emailKey,
		CreatedAt: now, ExpiresAt: now.Add(life),
	}
}

func errTokenInvalid() error {
	return errs.New(errs.TokenInvalid, "This link was used already or is too old. Ask for a new one.")
}

// redeemable finds an unused token of that purpose and its account, so that
// nothing expensive is done for a made-up one. Using it up is the transaction's
// business. Error: token-invalid.
func (s *Service) redeemable(ctx context.Context, secret, purpose string) (oneTimeToken, Account, error) {
	hash, ok := secretHash(secret)
	if !ok {
		return oneTimeToken{}, Account{}, errTokenInvalid()
	}
	t, err := s.store.oneTimeToken(ctx, hash, purpose, s.now())
	if err != nil {
		return t, Account{}, err
	}
	acc, ok, err := s.store.account(ctx, t.AccountID)
	if err == nil && !ok {
		err = errTokenInvalid() // made for an address that nobody has
	}
	return t, acc, err
}
