package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

const (
	// raceWindow is how long after a rotation the old refresh token is taken
	// for a second tab that was late, and not for a thief.
	raceWindow = 20 * time.Second

	// absoluteFactor x CHAT_REFRESH_TTL after sign-in a session ends even when
	// it was used every day (90 days by default).
	absoluteFactor = 3

	// rotatedFor is how long a rotated token is remembered, so that its reuse
	// is noticed.
	rotatedFor = 7 * 24 * time.Hour

	secretBytes = 32 // 256 bits
)

// Why a session ended; part of the event.
const (
	reasonSignedOut = "signed-out"
	reasonReused    = "token-reused"
	reasonReplaced  = "replaced" // the same browser signed in once more
)

// Client is where a request comes from, for the session list and the audit, and
// what it shows of a session that its browser has.
type Client struct {
	IP        string
	UserAgent string

	refresh tokenHash // of the refresh token that came along; zero = none
	session id.ID     // the one that the browser had when it left for a provider
}

// clean makes the values fit their columns.
func (c Client) clean() Client {
	c.IP, c.UserAgent = db.Fit(c.IP, 45), db.Fit(c.UserAgent, 255)
	return c
}

// device is what a person recognises it by.
func (c Client) device() string { return httpx.DeviceName(c.UserAgent) }

// Grant is what a successful sign-in or refresh gives: the access token for
// the Authorization header, and the refresh token for the cookie.
type Grant struct {
	Account        Account
	SessionID      id.ID
	AccessToken    string
	ExpiresIn      time.Duration
	RefreshToken   string
	RefreshExpires time.Time
	Enrol          bool // the access token only serves to set up a second step
}

// session is one sign-in on one device.
type session struct {
	ID           id.ID
	AccountID    id.ID
	From         Client
	CreatedAt    time.Time
	LastUsedAt   time.Time
	ExpiresAt    time.Time
	RevokedAt    time.Time // zero = live
	RevokeReason string
}

// tokenHash is the SHA-256 of a secret.
type tokenHash [sha256.Size]byte

// refreshToken is one generation of a session's refresh token. Only its hash
// is stored.
type refreshToken struct {
	Hash      tokenHash
	SessionID id.ID
	CreatedAt time.Time
	RotatedAt time.Time // zero = the current one
	KeepUntil time.Time
}

// Login checks a username or e-mail address with its password and starts a
// session. Errors: unauthenticated, with the same text and the same work for
// an unknown name and a wrong password; with the right one email-unconfirmed,
// suspended or second-factor-required, see admit; rate-limited; unavailable.
func (s *Service) Login(ctx context.Context, login, password string, from Client) (Grant, error) {
	from = from.clean()
	try, err := s.admitLogin(ctx, loginName(login), from)
	if err != nil {
		return Grant{}, err
	}
	acc, stored, err := s.store.credential(ctx, login)
	if err != nil {
		return Grant{}, s.giveBack(ctx, try, err)
	}
	ok, outdated, err := s.hasher.verify(ctx, password, stored)
	if err != nil {
		return Grant{}, s.giveBack(ctx, try, err)
	}
	if !ok {
		s.count("login", "failed")
		if err := s.store.audit(ctx, audit(s.now(), eventLoginFailed, acc, from)); err != nil {
			return Grant{}, err
		}
		return Grant{}, errs.New(errs.Unauthenticated, "The name or the password is not right.")
	}
	if err := s.mustConfirm(ctx, acc, from); err != nil {
		return Grant{}, s.giveBack(ctx, try, err)
	}
	if outdated {
		s.rehash(ctx, acc, password, stored)
	}
	grant, err := s.admit(ctx, acc, from, try)
	if errs.Is(err, errs.SecondFactorRequired) {
		return Grant{}, err // the attempt was given back with the challenge
	}
	if err != nil {
		return Grant{}, s.giveBack(ctx, try, err)
	}
	s.count("login", "ok")
	return grant, nil
}

// rehash renews the hash of a password that is right. A failure is no matter:
// the old hash still works, and there is a next time.
func (s *Service) rehash(ctx context.Context, acc Account, password, stored string) {
	hash, err := s.hasher.hash(ctx, password)
	if err == nil {
		err = s.store.rehash(ctx, acc.ID, stored, hash)
	}
	if err != nil {
		s.log.WarnContext(ctx, "an outdated password hash stays", "error", err)
	}
}

// giveBack returns a reserved failure that was ours, then err.
func (s *Service) giveBack(ctx context.Context, try attempt, err error) error {
	if rerr := s.store.release(context.WithoutCancel(ctx), &try, false, s.now()); rerr != nil {
		s.log.WarnContext(ctx, "a login attempt could not be given back", "error", rerr)
	}
	return err
}

// startSession makes a session's rows and the secret for its cookie; nothing is
// stored yet.
func (s *Service) startSession(acc Account, from Client) (session, refreshToken, string) {
	now := s.now()
	sess := session{
		ID: id.New(), AccountID: acc.ID, From: from.clean(),
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(s.cfg.RefreshTTL),
	}
	secret, token := newRefreshToken(sess, now)
	return sess, token, secret
}

// grant signs an access token for the session: one that only serves to set up a
// second step when enrol says so.
func (s *Service) grant(acc Account, sess session, secret string, enrol bool) (Grant, error) {
	now := s.now()
	access, err := s.keys.sign(authn.Identity{
		UserID: acc.ID, SessionID: sess.ID, Username: acc.Username, Role: acc.Role,
		Expires: now.Add(s.cfg.AccessTokenTTL), Enrol: enrol,
	})
	if err != nil {
		return Grant{}, err
	}
	return Grant{
		Account: acc, SessionID: sess.ID, AccessToken: access, ExpiresIn: s.cfg.AccessTokenTTL,
		RefreshToken: secret, RefreshExpires: sess.ExpiresAt, Enrol: enrol,
	}, nil
}

func newRefreshToken(sess session, now time.Time) (secret string, row refreshToken) {
	secret, hash := newSecret()
	return secret, refreshToken{Hash: hash, SessionID: sess.ID, CreatedAt: now, KeepUntil: sess.ExpiresAt}
}

// newSecret makes a secret for a cookie or a link, and what is stored of it.
func newSecret() (secret string, hash tokenHash) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw), sha256.Sum256(raw)
}

// secretHash is the hash under which secret would be stored; false when it
// cannot be one of ours.
func secretHash(secret string) (sum tokenHash, ok bool) {
	// The decoder passes over line breaks: by its length a secret has one spelling.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != secretBytes || len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return sum, false
	}
	return sha256.Sum256(raw), true
}

// Refresh exchanges a refresh token for a new pair. Of several exchanges of
// one token at the same time exactly one succeeds. Errors: refresh-raced when
// another one won within the last 20 s (nothing changed: the caller already
// has, or soon gets, the new cookie); token-reused when the token was
// exchanged longer ago, after which the whole session is over and
// session_revoked emitted; unauthenticated for anything else.
func (s *Service) Refresh(ctx context.Context, secret string, from Client) (Grant, error) {
	hash, ok := secretHash(secret)
	if !ok {
		return Grant{}, errSessionOver()
	}
	// The key is looked up first: no transaction waits for another query.
	if err := s.keys.warm(ctx); err != nil {
		return Grant{}, err
	}
	grant, outcome, err := s.rotate(ctx, hash, from.clean())
	switch {
	case err != nil:
		return Grant{}, err
	case outcome == rotateOK:
		s.count("refresh", "ok")
		return grant, nil
	case outcome == rotateRaced:
		s.count("refresh", "raced")
		return Grant{}, errs.New(errs.RefreshRaced, "Another tab renewed this session a moment ago.")
	case outcome == rotateReused:
		s.count("refresh", "reused")
		return Grant{}, errs.New(errs.TokenReused, "This session was ended, because its key was used twice. Sign in again.")
	}
	return Grant{}, errSessionOver()
}

func errSessionOver() error {
	return errs.New(errs.Unauthenticated, "The session is over. Sign in again.")
}

// rotateOutcome is what became of a refresh.
type rotateOutcome int

const (
	rotateGone   rotateOutcome = iota // unknown, expired or signed out
	rotateOK                          // a new token was made
	rotateRaced                       // another exchange was first, just now
	rotateReused                      // the token had its day: the session is over
)

// judge decides about a refresh token and its session as they are now.
func judge(sess session, token refreshToken, now time.Time) rotateOutcome {
	switch {
	case sess.RevokeReason == reasonReused:
		return rotateReused // the owner's own token: tell them why
	case sess.RevokeReason == reasonReplaced && now.Sub(sess.RevokedAt) <= raceWindow:
		return rotateRaced // a tab of the browser that has, or soon gets, the cookie of its new session
	case !sess.RevokedAt.IsZero() || !now.Before(sess.ExpiresAt):
		return rotateGone
	case token.RotatedAt.IsZero():
		return rotateOK
	case now.Sub(token.RotatedAt) <= raceWindow:
		return rotateRaced
	}
	return rotateReused
}

// slide is until when the session lives when used at now.
func (s *Service) slide(sess session, now time.Time) time.Time {
	end := sess.CreatedAt.Add(absoluteFactor * s.cfg.RefreshTTL)
	if next := now.Add(s.cfg.RefreshTTL); next.Before(end) {
		return next
	}
	return end
}

// Logout ends the sessions of a refresh token (any generation of it) and of an
// access token's identity; either may be missing. Ending a session twice is no
// error and emits nothing again. Errors: unavailable.
func (s *Service) Logout(ctx context.Context, secret string, who authn.Identity, from Client) error {
	var ids []id.ID
	if !who.SessionID.IsZero() {
		ids = append(ids, who.SessionID)
	}
	if hash, ok := secretHash(secret); ok {
		sess, err := s.store.sessionOf(ctx, hash)
		if err != nil {
			return err
		}
		if !sess.IsZero() && sess != who.SessionID {
			ids = append(ids, sess)
		}
	}
	for _, sess := range ids {
		if err := s.revoke(ctx, sess, reasonSignedOut, eventLogout, from.clean()); err != nil {
			return err
		}
	}
	return nil
}
