package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	maxPasskeys     = 20
	maxCredentialID = 1023

	passkeyLife = 5 * time.Minute // to answer a challenge
)

// What a challenge to a passkey was made for; an answer to one is no answer to
// another.
const (
	purposeSignIn   = "sign-in"  // without a password
	purposeSecond   = "second"   // after the password
	purposeRegister = "register" // of a new passkey; before a change it is purposeConfirm
)

// Passkey is a key pair whose private half never leaves its owner's device or
// password manager.
type Passkey struct {
	ID         id.ID
	AccountID  id.ID
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero = never

	credential webauthn.Credential
}

// passkeyUse is what one answer of a passkey changes in its row.
type passkeyUse struct {
	ID     id.ID
	Before uint32 // the sign count that was stored
	Count  uint32
	Flags  uint8
}

// keyOwner is an account as the WebAuthn library sees it.
type keyOwner struct {
	acc  Account
	keys []Passkey
}

// WebAuthnID implements webauthn.User.
func (o keyOwner) WebAuthnID() []byte { return o.acc.ID[:] }

// WebAuthnName implements webauthn.User.
func (o keyOwner) WebAuthnName() string { return o.acc.Username }

// WebAuthnDisplayName implements webauthn.User.
func (o keyOwner) WebAuthnDisplayName() string { return o.acc.DisplayName }

// WebAuthnCredentials implements webauthn.User.
func (o keyOwner) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, 0, len(o.keys))
	for _, k := range o.keys {
		list = append(list, k.credential)
	}
	return list
}

// newRelyingParty is the WebAuthn side of the public URL; nil where browsers
// know no passkeys, which is at a bare IP address.
func newRelyingParty(publicURL string, origins []string) *webauthn.WebAuthn {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: issuer, RPOrigins: append([]string{publicURL}, origins...),
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil
	}
	return rp
}

func errNoPasskeys() error {
	return errs.New(errs.NotFound, "Passkeys do not work at this address.")
}

// BeginPasskeyLogin makes a challenge to any passkey of this site. Errors:
// rate-limited by the caller's network, not-found, unavailable.
func (s *Service) BeginPasskeyLogin(ctx context.Context, from Client) ([]byte, error) {
	if s.passkeys == nil {
		return nil, errNoPasskeys()
	}
	options, session, err := s.passkeys.BeginDiscoverableLogin()
	if err != nil {
		return nil, err
	}
	return s.challenge(ctx, id.Nil, purposeSignIn, session.Challenge, options.Response, from)
}

// FinishPasskeyLogin starts a session for the owner of the passkey that
// answered; the device checked who holds it, so no second step follows. Errors:
// unauthenticated, email-unconfirmed, unavailable.
func (s *Service) FinishPasskeyLogin(ctx context.Context, answer []byte, from Client) (Grant, error) {
	from = from.clean()
	e := Evidence{Passkey: answer}
	acc, p, err := s.checkPasskey(ctx, answer, purposeSignIn, id.Nil, from)
	if err != nil {
		return Grant{}, s.notProved(ctx, acc, e, from, err)
	}
	if err := s.mustConfirm(ctx, acc, from); err != nil {
		return Grant{}, err
	}
	grant, err := s.completeLogin(ctx, acc, from, newLogin{attempt: freeAttempt(acc.Username, from.IP), proof: &p})
	if err != nil {
		return Grant{}, s.notProved(ctx, acc, e, from, err)
	}
	s.count("login", "passkey")
	return grant, nil
}

// BeginPasskeySecond makes a challenge to the passkeys of the account whose
// sign-in this is. It is no try. Errors: challenge-expired, not-found, rate-limited.
func (s *Service) BeginPasskeySecond(ctx context.Context, challenge string, from Client) ([]byte, error) {
	hash, ok := secretHash(challenge)
	if !ok {
		return nil, errChallengeExpired()
	}
	acc, err := s.store.challengeOwner(ctx, hash, s.now())
	if err != nil {
		return nil, err
	}
	return s.askPasskeys(ctx, acc, purposeSecond, from)
}

// BeginPasskeyConfirm makes a challenge to the passkeys of who, for a
// Confirmation. Errors: not-found when there are none, rate-limited,
// unavailable.
func (s *Service) BeginPasskeyConfirm(ctx context.Context, who authn.Identity, from Client) ([]byte, error) {
	acc, ok, err := s.store.account(ctx, who.UserID)
	if err != nil || !ok {
		return nil, firstError(err, errSessionOver())
	}
	return s.askPasskeys(ctx, acc, purposeConfirm, from)
}

func (s *Service) askPasskeys(ctx context.Context, acc Account, purpose string, from Client) ([]byte, error) {
	if s.passkeys == nil {
		return nil, errNoPasskeys()
	}
	factors, err := s.store.factors(ctx, acc.ID)
	if err != nil {
		return nil, err
	}
	if len(factors.Passkeys) == 0 {
		return nil, errs.New(errs.NotFound, "There is no passkey.")
	}
	options, session, err := s.passkeys.BeginLogin(keyOwner{acc: acc, keys: factors.Passkeys})
	if err != nil {
		return nil, err
	}
	return s.challenge(ctx, acc.ID, purpose, session.Challenge, options.Response, from)
}

// challenge stores that a challenge was made, and gives the options for the
// browser. Only the hash is stored: the answer brings the challenge back. A
// network gets so many a minute. Errors: rate-limited, unavailable.
func (s *Service) challenge(ctx context.Context, account id.ID, purpose, challenge string, options any, from Client) ([]byte, error) {
	c := counter{Key: attemptKey(kindPasskey, "", network(from.IP)), Kind: kindPasskey}
	wait, err := s.store.countWithin(ctx, c, s.now(), s.perIP*signUpFactor, ipWindow)
	if err != nil || wait > 0 {
		return nil, firstError(err, errLimited(wait))
	}
	err = s.store.addPasskeyChallenge(ctx, passkeyChallenge{
		Hash: sha256.Sum256([]byte(challenge)), AccountID: account, Purpose: purpose, ExpiresAt: s.now().Add(passkeyLife),
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

// ceremony is what the library needs to judge an answer to one of our
// challenges. When that has to be is the database's business.
func (s *Service) ceremony(challenge string, user []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: challenge, RelyingPartyID: s.passkeys.Config.RPID, UserID: user,
		UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersDefault(),
	}
}

// checkPasskey judges the answer to a challenge that was made for purpose and,
// unless it is a sign-in, for account. The challenge is used up whatever comes
// of it. Errors: errNotProved, unavailable.
func (s *Service) checkPasskey(ctx context.Context, answer []byte, purpose string, account id.ID, from Client) (Account, proof, error) {
	if s.passkeys == nil {
		return Account{}, proof{}, errNoPasskeys()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Account{}, proof{}, errNotProved
	}
	challenge := parsed.Response.CollectedClientData.Challenge
	if err := s.store.takePasskeyChallenge(ctx, sha256.Sum256([]byte(challenge)), purpose, account, s.now()); err != nil {
		return Account{}, proof{}, err
	}
	key, err := s.store.passkey(ctx, parsed.RawID)
	if err != nil || !account.IsZero() && key.AccountID != account {
		return Account{}, proof{}, firstError(err, errNotProved)
	}
	acc, ok, err := s.store.account(ctx, key.AccountID)
	if err != nil || !ok {
		return Account{}, proof{}, firstError(err, errNotProved)
	}
	used, err := s.validate(keyOwner{acc: acc, keys: []Passkey{key}}, purpose, challenge, parsed)
	if err != nil {
		s.log.InfoContext(ctx, "a passkey's answer was refused", "error", err, "purpose", purpose)
		return acc, proof{}, errNotProved
	}
	before := key.credential.Authenticator.SignCount
	if used.Authenticator.CloneWarning {
		// Two devices hold what was made for one.
		if err := s.store.audit(ctx, audit(s.now(), eventPasskeyCloned, acc, from)); err != nil {
			return acc, proof{}, err
		}
		return acc, proof{}, errNotProved
	}
	use := passkeyUse{ID: key.ID, Before: before, Count: used.Authenticator.SignCount, Flags: used.Flags.MsgpByte()}
	return acc, proof{method: methodPasskey, account: acc.ID, key: use}, nil
}

// validate checks origin, site, challenge, user verification and signature.
func (s *Service) validate(owner keyOwner, purpose, challenge string, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if purpose != purposeSignIn {
		return s.passkeys.ValidateLogin(owner, s.ceremony(challenge, owner.WebAuthnID()), parsed)
	}
	find := func(_, _ []byte) (webauthn.User, error) { return owner, nil } // the user handle is compared with it
	_, used, err := s.passkeys.ValidatePasskeyLogin(find, s.ceremony(challenge, nil), parsed)
	return used, err
}

// BeginPasskey makes the options for a new passkey of who. Errors: those of
// reauthenticate; conflict when there are too many; not-found.
func (s *Service) BeginPasskey(ctx context.Context, who authn.Identity, c Confirmation, from Client) ([]byte, error) {
	if s.passkeys == nil {
		return nil, errNoPasskeys()
	}
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return nil, err
	}
	factors, err := s.store.factors(ctx, acc.ID)
	if err != nil {
		return nil, err
	}
	if len(factors.Passkeys) >= maxPasskeys {
		return nil, errTooManyPasskeys()
	}
	owner := keyOwner{acc: acc, keys: factors.Passkeys}
	known := make([]protocol.CredentialDescriptor, 0, len(factors.Passkeys))
	for _, k := range owner.WebAuthnCredentials() {
		known = append(known, k.Descriptor())
	}
	options, session, err := s.passkeys.BeginRegistration(owner, webauthn.WithExclusions(known))
	if err != nil {
		return nil, err
	}
	return s.challenge(ctx, acc.ID, purposeRegister, session.Challenge, options.Response, from)
}

func errTooManyPasskeys() error {
	return errs.New(errs.Conflict, "There are 20 passkeys already. Remove one first.")
}

// FinishPasskey adds the passkey that a device made for the options of
// BeginPasskey. An empty name is made of the device's. The recovery codes are
// shown once; there are none when the account had some already. Errors:
// invalid-body when the answer is not right or not for us; identifier-taken
// for a passkey that is registered; conflict.
func (s *Service) FinishPasskey(ctx context.Context, who authn.Identity, name string, answer []byte, from Client) (Passkey, []string, error) {
	from = from.clean()
	if s.passkeys == nil {
		return Passkey{}, nil, errNoPasskeys()
	}
	name, err := passkeyName(name, from)
	if err != nil {
		return Passkey{}, nil, err
	}
	acc, ok, err := s.store.account(ctx, who.UserID)
	if err != nil || !ok {
		return Passkey{}, nil, firstError(err, errSessionOver())
	}
	made, err := s.madePasskey(ctx, acc, answer)
	if err != nil {
		return Passkey{}, nil, err
	}
	key := Passkey{ID: id.New(), AccountID: acc.ID, Name: name, CreatedAt: s.now(), credential: *made}
	codes, hashes := newRecoveryCodes(acc.ID)
	issued := false
	err = s.changeFactors(ctx, changing{
		acc: acc, who: who, from: from, event: eventPasskeyAdded, mail: mailFactorAdded,
		change: func(tx *factorTx) error {
			if len(tx.before.Passkeys) >= maxPasskeys {
				return errTooManyPasskeys()
			}
			if err := tx.addPasskey(key); err != nil {
				return err
			}
			var err error
			issued, err = tx.firstCodes(hashes)
			return err
		},
	})
	if err != nil || !issued {
		codes = nil
	}
	return key, codes, err
}

// madePasskey judges the answer to a registration's challenge.
func (s *Service) madePasskey(ctx context.Context, acc Account, answer []byte) (*webauthn.Credential, error) {
	refuse := errs.Invalid("body.credential", "The device's answer does not fit. Try again.")
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil || len(parsed.RawID) > maxCredentialID {
		return nil, refuse
	}
	challenge := parsed.Response.CollectedClientData.Challenge
	err = s.store.takePasskeyChallenge(ctx, sha256.Sum256([]byte(challenge)), purposeRegister, acc.ID, s.now())
	if err == errNotProved { //nolint:errorlint // ours, as it is
		return nil, refuse
	}
	if err != nil {
		return nil, err
	}
	made, err := s.passkeys.CreateCredential(keyOwner{acc: acc}, s.ceremony(challenge, acc.ID[:]), parsed)
	if err != nil {
		s.log.InfoContext(ctx, "a new passkey was refused", "error", err)
		return nil, refuse
	}
	return made, nil
}

func passkeyName(name string, from Client) (string, error) {
	if strings.TrimSpace(name) == "" {
		return from.device(), nil
	}
	return canonicalDisplayName(name)
}

// RenamePasskey changes the name of a passkey of who. Errors: invalid-body,
// invalid-text, not-found.
func (s *Service) RenamePasskey(ctx context.Context, who authn.Identity, key id.ID, name string, from Client) error {
	if strings.TrimSpace(name) == "" {
		return errs.Invalid("body.name", "The name is empty.")
	}
	name, err := canonicalDisplayName(name)
	if err != nil {
		return err
	}
	return s.store.renamePasskey(ctx, who.UserID, key, name, audit(s.now(), eventPasskeyRenamed, Account{ID: who.UserID}, from).of(who.SessionID))
}

// RemovePasskey ends a passkey of who. Errors: those of reauthenticate;
// not-found; conflict for the only way in, or the only second step where one is
// demanded.
func (s *Service) RemovePasskey(ctx context.Context, who authn.Identity, key id.ID, c Confirmation, from Client) error {
	acc, err := s.reauthenticate(ctx, who, c, from)
	if err != nil {
		return err
	}
	return s.changeFactors(ctx, changing{
		acc: acc, who: who, from: from.clean(), event: eventPasskeyRemoved, mail: mailFactorRemoved,
		change: func(tx *factorTx) error {
			if err := tx.removePasskey(key); err != nil {
				return err
			}
			return s.ways().left(tx.tx, acc.ID)
		},
	})
}
