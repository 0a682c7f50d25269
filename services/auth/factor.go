package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// The second factors, as the second step of a sign-in names them.
const (
	methodTOTP     = "totp"
	methodRecovery = "recovery_code"
	methodPasskey  = "passkey"
)

// The limits of the second step. Codes of an app have six digits and three of
// them are right at any time, so guesses are counted per account, over all
// replicas and challenges: who knows the password and guesses codes day and
// night gets in with a chance of 1 to 8000 a day. Only these codes are limited:
// recovery codes and passkeys cannot be guessed, and stay the owner's way in.
const (
	challengeLife  = 5 * time.Minute
	challengeTries = 5
	codeTries      = 10
	codeWindow     = 6 * time.Hour

	reasonFactor = "second-factor-changed"
)

// Factors is what an account has besides its password. It asks for a second
// step when there is an app or a passkey; recovery codes come with the first
// of these and go with the last.
type Factors struct {
	TOTPSince time.Time // zero = no app
	Passkeys  []Passkey
	CodesLeft int // unused recovery codes
}

func (f Factors) on() bool { return !f.TOTPSince.IsZero() || len(f.Passkeys) > 0 }

// methods are the ways to take the second step; none when it is not needed.
func (f Factors) methods() []string {
	var list []string
	if !f.TOTPSince.IsZero() {
		list = append(list, methodTOTP)
	}
	if len(f.Passkeys) > 0 {
		list = append(list, methodPasskey)
	}
	if len(list) > 0 && f.CodesLeft > 0 {
		list = append(list, methodRecovery)
	}
	return list
}

// Evidence is what somebody shows for a second factor: one of the three.
type Evidence struct {
	Code         string // of the app: six digits
	RecoveryCode string
	Passkey      []byte // what navigator.credentials.get gave, as JSON
}

// field is the part of a request's body that holds the evidence.
func (e Evidence) field() string {
	switch {
	case len(e.Passkey) > 0:
		return "body.passkey"
	case e.RecoveryCode != "":
		return "body.recovery_code"
	}
	return "body.code"
}

// proof is evidence that was found right and is good for one use: spend makes
// sure of that, in the transaction of what it allows.
type proof struct {
	method  string
	account id.ID
	step    int64      // of a code
	code    tokenHash  // of a recovery code
	key     passkeyUse // of a passkey
}

// errNotProved says that the evidence is wrong, too old, or was used already.
var errNotProved = errors.New("auth: not proved")

// check looks at evidence for account. purpose is what a passkey's challenge
// was made for. Errors: errNotProved, rate-limited for codes, unavailable.
func (s *Service) check(ctx context.Context, acc Account, e Evidence, purpose string, from Client) (proof, error) {
	switch {
	case len(e.Passkey) > 0:
		_, p, err := s.checkPasskey(ctx, e.Passkey, purpose, acc.ID, from)
		return p, err
	case e.RecoveryCode != "":
		return proof{method: methodRecovery, account: acc.ID, code: recoveryHash(acc.ID, e.RecoveryCode)}, nil
	case e.Code != "":
		return s.checkCode(ctx, acc, e.Code, from)
	}
	return proof{}, errNotProved
}

// checkCode counts a guess at a code before it looks at it.
func (s *Service) checkCode(ctx context.Context, acc Account, code string, from Client) (proof, error) {
	now := s.now()
	wait, err := s.store.countWithin(ctx, codeCounter(acc.ID), now, codeTries, codeWindow)
	if err != nil {
		return proof{}, err
	}
	if wait > 0 {
		s.count("second", "limited")
		return proof{}, errors.Join(errLimited(wait), s.store.audit(ctx, audit(now, eventFactorLimited, acc, from)))
	}
	factor, err := s.store.totp(ctx, acc.ID)
	if err != nil {
		return proof{}, err
	}
	step, ok := matchCode(factor.Secret, code, now)
	if !ok || factor.ActivatedAt.IsZero() || step <= factor.LastStep {
		return proof{}, errNotProved
	}
	return proof{method: methodTOTP, account: acc.ID, step: step}, nil
}

func codeCounter(account id.ID) counter {
	return counter{Key: attemptKey(kindCode, account.String(), ""), Kind: kindCode}
}

// SecondStep is the second step of a sign-in.
type SecondStep struct {
	Challenge string // from the answer to the first
	Evidence
}

// admit lets acc in after its password was right: it starts a session, or asks
// for the second step where the account has a second factor. try is the attempt
// that is over. Errors:
// second-factor-required with NextStep; unavailable.
func (s *Service) admit(ctx context.Context, acc Account, from Client, try attempt) (Grant, error) {
	return s.completeLogin(ctx, acc, from, newLogin{attempt: try})
}

// LoginSecond takes the second step: one challenge is good for one session,
// and for five tries. Errors: unauthenticated for evidence that is wrong or
// was used before, challenge-expired, rate-limited, unavailable.
func (s *Service) LoginSecond(ctx context.Context, in SecondStep, from Client) (Grant, error) {
	from = from.clean()
	hash, ok := secretHash(in.Challenge)
	if !ok {
		return Grant{}, errChallengeExpired()
	}
	acc, err := s.store.tryChallenge(ctx, hash, s.now())
	if err != nil {
		return Grant{}, err
	}
	p, err := s.check(ctx, acc, in.Evidence, purposeSecond, from)
	if err != nil {
		return Grant{}, s.notProved(ctx, acc, in.Evidence, from, err)
	}
	grant, err := s.completeLogin(ctx, acc, from, newLogin{attempt: freeAttempt(acc.Username, from.IP), proof: &p, challenge: hash})
	if err != nil {
		return Grant{}, s.notProved(ctx, acc, in.Evidence, from, err)
	}
	s.count("login", "ok")
	return grant, nil
}

// notProved turns errNotProved into an answer and notes it; other errors stay.
func (s *Service) notProved(ctx context.Context, acc Account, e Evidence, from Client, err error) error {
	if !errors.Is(err, errNotProved) {
		return err
	}
	s.count("second", "failed")
	if !acc.ID.IsZero() { // what strangers make up fills no table
		if err := s.store.audit(ctx, audit(s.now(), eventFactorFailed, acc, from)); err != nil {
			return err
		}
	}
	answer := errs.New(errs.Unauthenticated, "That is not right, or was used already.")
	answer.Fields = []errs.Field{{Location: e.field(), Message: answer.Detail}}
	return answer
}

func errChallengeExpired() error {
	return errs.New(errs.ChallengeExpired, "This took too long, or too many tries were wrong. Sign in again.")
}

// completeLogin completes n, stores it and answers with the session, or with what is
// missing for one. Every way in ends here. Errors: second-factor-required with
// NextStep, suspended, those of createLogin; unavailable.
func (s *Service) completeLogin(ctx context.Context, acc Account, from Client, n newLogin) (Grant, error) {
	if err := s.keys.warm(ctx); err != nil {
		return Grant{}, err
	}
	sess, token, cookie := s.startSession(acc, from)
	before, err := s.replaced(ctx, from, sess.CreatedAt)
	if err != nil {
		return Grant{}, err
	}
	n.account, n.session, n.token, n.before = acc, sess, token, before
	n.audit = audit(sess.CreatedAt, cmp.Or(n.event, eventLogin), acc, from).of(sess.ID)
	n.asked = audit(sess.CreatedAt, eventFactorAsked, acc, from)
	var secret string
	if n.proof == nil {
		secret, n.challenge = newSecret()
	} else if n.mail, err = s.usedCodeMail(acc, *n.proof, from); err != nil {
		return Grant{}, err
	}
	done, err := s.store.createLogin(ctx, n)
	if errs.Is(err, errs.Suspended) {
		s.count("login", "suspended")
		return Grant{}, firstError(s.store.audit(ctx, audit(s.now(), eventLoginSuspended, acc, from)), err)
	}
	if err != nil {
		return Grant{}, err
	}
	if len(done.methods) > 0 {
		s.count("login", "second")
		e := errs.New(errs.SecondFactorRequired, "One more step: confirm that it is you.")
		e.NextStep = &errs.NextStep{Challenge: secret, Methods: done.methods}
		return Grant{}, e
	}
	s.endedAll(before.over, sess.CreatedAt, append(done.ended, n.mail...))
	return s.grant(acc, sess, cookie, done.enrol)
}

// usedCodeMail tells the owner that a recovery code was used.
func (s *Service) usedCodeMail(acc Account, p proof, from Client) ([]outbox.Row, error) {
	if p.method != methodRecovery {
		return nil, nil
	}
	return mailRows(mailing{to: acc, kind: mailRecoveryUsed, device: from.device(), at: s.now()})
}

// Confirmation is how the owner of a session shows once more who they are.
type Confirmation struct {
	Password string
	Evidence
}

// reauthenticate asks once more before something that matters. The rule, for
// all such changes: a passkey alone is enough, for it is checked with the
// device's own lock and so is both factors; else it takes the password, and a
// code of the app or a recovery code too where the account has a second
// factor. Where there is no password, having signed in a moment ago counts as
// one. A stolen session is not enough, nor is one with the password. A
// wrong password counts as a failed sign-in, a wrong code as a failed second
// step. Errors: wrong-password, naming the field; rate-limited; unavailable.
func (s *Service) reauthenticate(ctx context.Context, who authn.Identity, c Confirmation, from Client) (Account, error) {
	from = from.clean()
	acc, stored, err := s.store.credentialOf(ctx, who.UserID)
	if err != nil {
		return acc, err
	}
	second := true
	if len(c.Passkey) == 0 {
		if err := s.checkFirst(ctx, acc, stored, c.Password, who, from); err != nil {
			return acc, err
		}
		factors, err := s.store.factors(ctx, acc.ID)
		if err != nil {
			return acc, err
		}
		second = factors.on()
	}
	if second {
		if err := s.confirm(ctx, acc, c.Evidence, who.SessionID, from); err != nil {
			return acc, err
		}
	}
	return acc, s.renew(ctx, who, from)
}

// renew gives a browser another refresh token once the owner of its session
// showed who they are: one that was stolen before is noticed at its next use.
// Nothing happens where the request brought none, or that of another session.
func (s *Service) renew(ctx context.Context, who authn.Identity, from Client) error {
	if from.refresh == (tokenHash{}) {
		return nil
	}
	sess, err := s.store.sessionOf(ctx, from.refresh)
	if err != nil || sess != who.SessionID {
		return err
	}
	if err := s.keys.warm(ctx); err != nil {
		return err
	}
	grant, outcome, err := s.rotate(ctx, from.refresh, from)
	switch {
	case err != nil:
		return err
	case outcome == rotateOK:
		s.setCookie(ctx, grant.RefreshToken, grant.RefreshExpires.Sub(s.now()))
	case outcome != rotateRaced: // another tab has the new one already
		return errSessionOver()
	}
	return nil
}

// checkFirst checks the password of who, or in place of one that was never
// set, that they signed in a moment ago. Errors: wrong-password, rate-limited,
// unavailable.
func (s *Service) checkFirst(ctx context.Context, acc Account, stored, password string, who authn.Identity, from Client) error {
	if stored == "" {
		young, err := s.fresh(ctx, who)
		if err == nil && !young { // there is no field to point at
			err = errs.New(errs.WrongPassword, "Your account has no password. Sign out, sign in again, and do this within 10 minutes.")
		}
		return err
	}
	if password == "" {
		return errWrong("body.current_password", "Enter your current password.")
	}
	return s.checkPassword(ctx, acc, stored, password, who.SessionID, from)
}

// confirm checks and spends evidence for the owner of a session.
func (s *Service) confirm(ctx context.Context, acc Account, e Evidence, sess id.ID, from Client) error {
	if e.field() == "body.code" && e.Code == "" {
		return errWrong("body.code", "Enter a code from your app, or a recovery code.")
	}
	p, err := s.check(ctx, acc, e, purposeConfirm, from)
	if err == nil {
		var mail []outbox.Row
		if mail, err = s.usedCodeMail(acc, p, from); err != nil {
			return err
		}
		if err = s.store.spend(ctx, p, s.now(), mail); err == nil {
			s.publish(mail)
		}
	}
	if !errors.Is(err, errNotProved) {
		return err
	}
	s.count("second", "failed")
	if err := s.store.audit(ctx, audit(s.now(), eventFactorFailed, acc, from).of(sess)); err != nil {
		return err
	}
	return errWrong(e.field(), "That is not right, or was used already.")
}

func errWrong(field, message string) error {
	e := errs.New(errs.WrongPassword, message)
	e.Fields = []errs.Field{{Location: field, Message: message}}
	return e
}

// Factors are the second factors of who. Errors: unavailable.
func (s *Service) Factors(ctx context.Context, who authn.Identity) (Factors, error) {
	return s.store.factors(ctx, who.UserID)
}

// changing is a change of an account's factors that is about to be stored.
type changing struct {
	acc    Account
	who    authn.Identity
	from   Client
	event  string
	mail   mailKind
	stay   bool // the other sessions do not end: the account is as safe as before
	change func(*factorTx) error
}

// changeFactors stores a change, ends the other sessions of the account (they
// were started under weaker or other rules), ends its half-done sign-ins, and
// tells the owner. Errors: those of change; unavailable.
func (s *Service) changeFactors(ctx context.Context, c changing) error {
	now := s.now()
	letter, err := mailRows(mailing{to: c.acc, kind: c.mail, device: c.from.device(), at: now})
	if err != nil {
		return err
	}
	e := ending{account: c.acc.ID, except: c.who.SessionID, reason: reasonFactor, audit: eventRevoked, from: c.from}
	var over []id.ID
	leave := s.endings(e, now, &over)
	if c.stay {
		leave = nil
	}
	rows, err := s.store.changeFactors(ctx, factorChange{
		account: c.acc.ID, change: c.change, ending: e, leave: leave, now: now,
		audit: audit(now, c.event, c.acc, c.from).of(c.who.SessionID), mail: letter,
	})
	if err != nil {
		return err
	}
	s.endedAll(over, now, append(rows, letter...))
	return nil
}
