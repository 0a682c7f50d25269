package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	issuer      = "ChatApp"
	stepSeconds = 30 // RFC 6238; what the apps assume
	stepsAround = 1  // a code is good one step before and after its time
	seedBytes   = 20

	recoveryCodes   = 10
	recoveryLetters = 24 // of base32: 120 bits; codes of before had 16 and still work
)

// totpFactor is an app that shows codes.
type totpFactor struct {
	Secret      []byte // the seed; never logged
	stored      []byte // the seed as it is in the database
	LastStep    int64  // the newest time step of which a code was accepted
	ActivatedAt time.Time
}

// Enrolment is what an app needs to show codes. Both are secret.
type Enrolment struct {
	Secret string // for typing in
	URI    string // otpauth://, for a QR code
}

// EnrolTOTP makes a seed for an app. It changes nothing until a code of it
// came back (ActivateTOTP). Errors: those of reauthenticate; conflict when an
// app is in use.
func (s *Service) EnrolTOTP(ctx context.Context, who authn.Identity, c Confirmation, from Client) (Enrolment, error) {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return Enrolment{}, err
	}
	seed := make([]byte, seedBytes)
	_, _ = rand.Read(seed) // never fails
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: acc.Username, Secret: seed})
	if err != nil {
		return Enrolment{}, err
	}
	if err := s.store.offerTOTP(ctx, acc.ID, seed, s.now()); err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: key.Secret(), URI: key.URL()}, nil
}

// ActivateTOTP turns the app on that EnrolTOTP made a seed for. The recovery
// codes are shown once; there are none when the account had some already.
// Errors: wrong-password for a wrong code, rate-limited, conflict when there is
// no such enrolment.
func (s *Service) ActivateTOTP(ctx context.Context, who authn.Identity, code string, from Client) ([]string, error) {
	from = from.clean()
	acc, ok, err := s.store.account(ctx, who.UserID)
	if err != nil || !ok {
		return nil, firstError(err, errSessionOver())
	}
	if wait, err := s.store.countWithin(ctx, codeCounter(acc.ID), s.now(), codeTries, codeWindow); err != nil || wait > 0 {
		return nil, firstError(err, errLimited(wait))
	}
	factor, err := s.store.totp(ctx, acc.ID)
	if err != nil {
		return nil, err
	}
	step, ok := matchCode(factor.Secret, code, s.now())
	if !ok {
		return nil, errWrong("body.code", "That code is not right. Look at the app again.")
	}
	codes, hashes := newRecoveryCodes(acc.ID)
	issued := false
	err = s.changeFactors(ctx, changing{
		acc: acc, who: who, from: from, event: eventTOTPAdded, mail: mailFactorAdded,
		change: func(tx *factorTx) error {
			if err := tx.activateTOTP(factor, step); err != nil {
				return err
			}
			var err error
			issued, err = tx.firstCodes(hashes)
			return err
		},
	})
	if err != nil || !issued {
		return nil, err
	}
	return codes, nil
}

// RemoveTOTP turns the app off. Errors: those of reauthenticate; not-found when
// there is none.
func (s *Service) RemoveTOTP(ctx context.Context, who authn.Identity, c Confirmation, from Client) error {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return err
	}
	return s.changeFactors(ctx, changing{
		acc: acc, who: who, from: from.clean(), event: eventTOTPRemoved, mail: mailFactorRemoved,
		change: func(tx *factorTx) error { return tx.removeTOTP() },
	})
}

// RenewRecoveryCodes makes ten new recovery codes, shown once; the old ones end.
// Errors: those of reauthenticate; conflict for an account without a factor.
func (s *Service) RenewRecoveryCodes(ctx context.Context, who authn.Identity, c Confirmation, from Client) ([]string, error) {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes(acc.ID)
	err = s.changeFactors(ctx, changing{
		acc: acc, who: who, from: from.clean(), event: eventCodesMade, mail: mailRecoveryRenewed, stay: true,
		change: func(tx *factorTx) error {
			if !tx.before.on() {
				return errs.New(errs.Conflict, "Two-step sign-in is not on.")
			}
			return tx.replaceCodes(hashes)
		},
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// matchCode finds the newest time step around now whose code this is.
func matchCode(seed []byte, code string, now time.Time) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	current := now.Unix() / stepSeconds
	for at := current - stepsAround; at <= current+stepsAround; at++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && len(seed) > 0 && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// newRecoveryCodes makes codes and what is stored of them.
func newRecoveryCodes(account id.ID) (codes []string, hashes []tokenHash) {
	for range recoveryCodes {
		var groups []string
		for letters := range slices.Chunk([]byte(strings.ToLower(rand.Text()[:recoveryLetters])), 4) {
			groups = append(groups, string(letters))
		}
		code := strings.Join(groups, "-")
		codes, hashes = append(codes, code), append(hashes, recoveryHash(account, code))
	}
	return codes, hashes
}

// readable undoes what people make of a code when they type it.
var readable = strings.NewReplacer("-", "", " ", "", "0", "o", "1", "l", "8", "b")

// recoveryHash is what is stored of a code. With more than 112 random bits a
// plain hash keeps it secret (ASVS 6.5.2).
func recoveryHash(account id.ID, code string) tokenHash {
	return sha256.Sum256(append(account[:], readable.Replace(strings.ToLower(code))...))
}
