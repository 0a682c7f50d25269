package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	pathOIDC = "/api/v1/auth/oidc"

	flowLife    = 10 * time.Minute // between leaving for a provider and coming back
	maxReturnTo = 512              // bytes
)

// flow is one trip of a browser to a provider and back. What the browser has
// to bring back is stored as hashes only; the nonce and the PKCE verifier are
// made of its secret, so neither the database nor the provider alone can end a
// flow.
type flow struct {
	State     tokenHash
	Browser   tokenHash
	Provider  string
	AccountID id.ID // the account that links; Nil = somebody signs in
	SessionID id.ID // which asked to link, or which the browser had when it left to sign in
	ReturnTo  string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// derive makes one value of a flow that only the browser's secret gives.
func (f flow) derive(secret, what string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(what))
	mac.Write(f.State[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Departure is a browser on its way to a provider.
type Departure struct {
	Location string        // the provider's page
	Secret   string        // for a cookie of that browser
	Life     time.Duration // of the cookie
}

// Answer is what a browser brings back from a provider.
type Answer struct {
	Provider string
	Secret   string // of the cookie
	State    string
	Code     string
	Issuer   string // RFC 9207; "" = not said
	Error    string // OAuth error code; "" = none
}

// Arrival is the end of a flow that succeeded. Grant is the zero value when it
// linked an account that is signed in already.
type Arrival struct {
	Grant    Grant
	ReturnTo string
}

func (s *Service) provider(name string) (*provider, error) {
	for _, p := range s.providers {
		if p.ID == name {
			return p, nil
		}
	}
	return nil, errs.New(errs.NotFound, "There is no such sign-in provider.")
}

// StartOIDC sends a browser to a provider to sign in, and then to returnTo, a
// path here. Errors: not-found, invalid-parameter for returnTo, rate-limited,
// unavailable when the provider does not answer.
func (s *Service) StartOIDC(ctx context.Context, name, returnTo string, from Client) (Departure, error) {
	p, err := s.provider(name)
	if err != nil {
		return Departure{}, err
	}
	if err := checkReturnTo(returnTo); err != nil {
		return Departure{}, err
	}
	if err := s.admitOIDC(ctx, from.IP); err != nil {
		return Departure{}, err
	}
	sess, err := s.sessionBefore(ctx, from)
	if err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, p, flow{Provider: name, SessionID: sess, ReturnTo: returnTo})
}

func (s *Service) depart(ctx context.Context, p *provider, f flow) (Departure, error) {
	d, err := p.discover(ctx)
	if err != nil {
		s.logCause(ctx, p, err)
		return Departure{}, err
	}
	var state, secret string
	state, f.State = newSecret()
	secret, f.Browser = newSecret()
	f.CreatedAt = s.now()
	f.ExpiresAt = f.CreatedAt.Add(flowLife)
	if err := s.store.createFlow(ctx, f); err != nil {
		return Departure{}, err
	}
	location := d.oauth.AuthCodeURL(state, oauth2.S256ChallengeOption(f.derive(secret, "pkce")),
		oauth2.SetAuthURLParam("nonce", f.derive(secret, "nonce")))
	return Departure{Location: location, Secret: secret, Life: flowLife}, nil
}

// ArriveOIDC ends a flow: it signs in the account of whom the provider names,
// makes one for a person it does not know, or links. A flow ends once, whether
// or not that succeeds. Errors: token-invalid when the flow is unknown, over,
// or another browser's; forbidden when the person refused; unauthenticated when
// the provider's answer is not to be trusted; identifier-taken when its e-mail
// address has an account, which is never merged; email-unconfirmed when an
// address is required and the provider vouches for none; conflict when the
// identity, or the account, has another link; sign-up-closed; suspended;
// second-factor-required with NextStep; rate-limited; unavailable.
func (s *Service) ArriveOIDC(ctx context.Context, a Answer, from Client) (Arrival, error) {
	p, err := s.provider(a.Provider)
	if err != nil {
		return Arrival{}, err
	}
	f, err := s.takeFlow(ctx, a)
	if err != nil {
		return Arrival{}, err
	}
	who, err := s.answered(ctx, p, f, a)
	if err != nil {
		s.logCause(ctx, p, err)
		s.count("oidc", "failed")
		return Arrival{}, err
	}
	if !f.AccountID.IsZero() {
		return Arrival{ReturnTo: f.ReturnTo}, s.link(ctx, f, p, who, from.clean())
	}
	// No strict cookie comes along from another site: what the browser had is
	// known from its departure.
	from.session = f.SessionID
	grant, err := s.signInOIDC(ctx, who, from.clean())
	if err == nil {
		s.count("oidc", "ok")
	}
	return Arrival{Grant: grant, ReturnTo: f.ReturnTo}, err
}

func (s *Service) takeFlow(ctx context.Context, a Answer) (flow, error) {
	state, ok := secretHash(a.State)
	browser, has := secretHash(a.Secret)
	if !ok || !has {
		return flow{}, errFlowOver()
	}
	return s.store.takeFlow(ctx, state, browser, a.Provider, s.now())
}

func errFlowOver() error {
	return errs.New(errs.TokenInvalid, "This sign-in took too long or was started in another browser. Start again.")
}

// answered finds out what the provider says.
func (s *Service) answered(ctx context.Context, p *provider, f flow, a Answer) (identity, error) {
	d, err := p.discover(ctx)
	switch {
	case err != nil:
		return identity{}, err
	case a.Issuer != "" && a.Issuer != p.Issuer, a.Issuer == "" && d.namesSelf:
		return identity{}, p.distrust(errors.New("the answer comes from another issuer"))
	case a.Error == "access_denied":
		return identity{}, errs.New(errs.Forbidden, "You did not sign in with "+p.Name+".")
	case a.Error != "" || a.Code == "":
		return identity{}, p.distrust(errors.New("the provider says: " + printable(a.Error)))
	}
	return p.redeem(ctx, a.Code, f.derive(a.Secret, "pkce"), f.derive(a.Secret, "nonce"))
}

// logCause tells the operator what people are not told.
func (s *Service) logCause(ctx context.Context, p *provider, err error) {
	if e := errs.Of(err); e.Err != nil {
		s.log.WarnContext(ctx, "sign-in with a provider failed", "provider", p.ID, "slug", e.Slug, "error", e.Err)
	}
}

// signInOIDC starts a session for whom a provider named.
func (s *Service) signInOIDC(ctx context.Context, who identity, from Client) (Grant, error) {
	acc, ok, err := s.store.accountOfIdentity(ctx, who)
	if err != nil {
		return Grant{}, err
	}
	if !ok {
		if acc, err = s.signUpOIDC(ctx, who, from); err != nil {
			return Grant{}, err
		}
	}
	return s.enter(ctx, acc, from)
}

// enter starts a session of an account whose owner a provider named: the one
// place where that happens. Errors: email-unconfirmed, and those of
// completeLogin.
func (s *Service) enter(ctx context.Context, acc Account, from Client) (Grant, error) {
	if err := s.mustConfirm(ctx, acc, from); err != nil {
		return Grant{}, err
	}
	return s.completeLogin(ctx, acc, from, newLogin{event: eventLoginOIDC, attempt: freeAttempt(acc.Username, from.IP)})
}

// signUpOIDC makes an account without a password for an identity that has
// none, where everybody may sign up: an invitation does not travel with the
// browser. Errors: sign-up-closed, identifier-taken, email-unconfirmed,
// rate-limited.
func (s *Service) signUpOIDC(ctx context.Context, who identity, from Client) (Account, error) {
	settings, err := s.Settings(ctx)
	if err != nil {
		return Account{}, err
	}
	if settings.SignUp != signUpOpen {
		return Account{}, errs.New(errs.SignUpClosed, "There is no account for this sign-in, and not everybody may sign up here.")
	}
	if s.confirmFirst() && (who.Email == "" || !who.confirmed) {
		return Account{}, errs.New(errs.EmailUnconfirmed, "A confirmed e-mail address is needed here, and the provider gave none.")
	}
	if err := s.admitSignUp(ctx, from.IP); err != nil {
		return Account{}, err
	}
	if err := s.addressFree(ctx, who); err != nil {
		return Account{}, err
	}
	acc := Account{ID: id.New(), Role: authn.RoleUser, DisplayName: who.Name, CreatedAt: s.now()}
	if who.confirmed {
		acc.Email, acc.emailKey = who.Email, who.emailKey
	}
	for try := range nameTries {
		full := acc
		full.Username = usernameOf(who, try)
		if full.DisplayName == "" {
			full.DisplayName = full.Username
		}
		if err = s.storeOIDCAccount(ctx, full, who, from); err == nil {
			s.count("register", "ok")
			return full, nil
		}
		if !errs.Is(err, errs.IdentifierTaken) {
			return Account{}, err
		}
		// Which of the three was taken? This sign-in in another tab, then the
		// address; else only the name, and there are more of those.
		if twin, ok, terr := s.store.accountOfIdentity(ctx, who); terr != nil || ok {
			return twin, terr
		}
		if terr := s.addressFree(ctx, who); terr != nil {
			return Account{}, terr
		}
	}
	return Account{}, err
}

// addressFree refuses an address that has an account, also one that the
// provider does not vouch for: whoever owns the account can sign in and link.
func (s *Service) addressFree(ctx context.Context, who identity) error {
	taken, err := s.store.identifierTaken(ctx, "", who.emailKey)
	if err == nil && taken {
		err = errs.New(errs.IdentifierTaken,
			"This e-mail address has an account. Sign in with your password and link the provider in the settings.")
	}
	return err
}

// usernameOf is a name to try for a new account.
func usernameOf(who identity, try int) string {
	switch {
	case who.Username == "":
		return generateUsername(who.Name, "", try)
	case try == 0:
		return who.Username
	}
	return who.Username[:min(len(who.Username), maxUsername-5)] + "-" + randomSuffix(4)
}

// storeOIDCAccount stores an account without a password and without a session.
// Error: identifier-taken, also when the identity has an account by now.
func (s *Service) storeOIDCAccount(ctx context.Context, acc Account, who identity, from Client) error {
	rows, err := registeredRows(acc)
	if err != nil {
		return err
	}
	_, err = s.store.createAccount(ctx, newAccount{
		account: acc, identity: &who, events: rows, audit: audit(acc.CreatedAt, eventSignUpOIDC, acc, from),
	})
	if err == nil {
		s.publish(rows)
	}
	return err
}

// checkReturnTo accepts a path of this site and nothing that browsers take for
// an address elsewhere, such as //host and /\host. Error: invalid-parameter.
func checkReturnTo(to string) error {
	u, err := url.Parse(to)
	odd := strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' })
	if err != nil || odd || len(to) > maxReturnTo || u.Scheme != "" || u.Host != "" || u.User != nil ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(u.Path, "/api/") {
		return errs.New(errs.InvalidParameter, "The way back has to be a path of this site.")
	}
	return nil
}
