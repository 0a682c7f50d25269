package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/errs"
)

const (
	// providerPatience bounds one request to a provider: a browser waits for it.
	providerPatience = 10 * time.Second

	// discoveryPause is how long a failed discovery is not tried again.
	discoveryPause = 5 * time.Second

	maxSubject = 255 // bytes; OpenID Connect Core, section 2
)

// provider is one OpenID Connect provider. It is asked for its endpoints and
// keys when somebody wants to sign in, so one that is down stops nothing.
type provider struct {
	config.OIDCProvider

	callback string // absolute URL of this provider's callback
	client   *http.Client
	now      func() time.Time

	mu     sync.Mutex
	found  *discovered
	failed time.Time // of the last discovery without success
}

// discovered is what the provider says about itself.
type discovered struct {
	source    *oidc.Provider
	oauth     oauth2.Config
	verifier  *oidc.IDTokenVerifier
	namesSelf bool // its answers say which issuer they are from (RFC 9207)
}

// newProviders makes the configured providers; nothing is asked yet.
func newProviders(c config.Config, now func() time.Time) ([]*provider, error) {
	listed, err := c.OIDC()
	if err != nil {
		return nil, err
	}
	list := make([]*provider, 0, len(listed))
	for _, p := range listed {
		list = append(list, &provider{
			OIDCProvider: p, callback: c.PublicURL + pathOIDC + "/" + p.ID + "/callback", now: now,
			client: &http.Client{Timeout: providerPatience, CheckRedirect: stay},
		})
	}
	return list, nil
}

// stay keeps a client where the operator, or the provider's own metadata, sent
// it: a redirect could lead into the inner network, or take a code and the
// client's secret along.
func stay(*http.Request, []*http.Request) error {
	return errors.New("it answers with a redirect, which is not followed")
}

func (p *provider) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

// discover returns the provider's endpoints, asking for them the first time.
// Error: unavailable.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if now := p.now(); now.Sub(p.failed).Abs() < discoveryPause {
		return nil, p.down(errors.New("it could not be reached a moment ago"))
	}
	// One caller who leaves must not fail it for the others.
	source, err := oidc.NewProvider(p.context(context.WithoutCancel(ctx)), p.Issuer)
	if err != nil {
		p.failed = p.now()
		return nil, p.down(err)
	}
	var more struct {
		NamesSelf bool     `json:"authorization_response_iss_parameter_supported"`
		Methods   []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := source.Claims(&more); err != nil {
		return nil, p.down(err)
	}
	endpoint := source.Endpoint()
	// Trying one way and then the other would spend the code on the first.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	p.found = &discovered{
		source: source, namesSelf: more.NamesSelf,
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: endpoint, RedirectURL: p.callback,
			Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
		},
		verifier: source.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.now}),
	}
	return p.found, nil
}

func (p *provider) down(cause error) error {
	e := errs.Wrap(errs.Unavailable, p.Name+" does not answer. Try again in a moment.", cause)
	e.RetryAfter = discoveryPause
	return e
}

func (p *provider) distrust(cause error) error {
	return errs.Wrap(errs.Unauthenticated, "The answer of "+p.Name+" was not accepted. Try again.", cause)
}

// identity is who a provider says somebody is. Issuer and Subject are the
// identity; all else may change and is never a reason to let anybody in.
type identity struct {
	Provider  string // our name for it
	Issuer    string
	Subject   string
	Label     string // what its owner knows it by: an address or a name
	Username  string // preferred; "" = none
	Name      string
	Email     string // "" = none
	emailKey  string
	confirmed bool // the provider vouches for Email
}

// claims are the parts of an ID token or userinfo answer that are used.
type claims struct {
	AuthorizedParty string   `json:"azp"`
	Username        string   `json:"preferred_username"`
	Name            string   `json:"name"`
	Email           string   `json:"email"`
	EmailVerified   truthful `json:"email_verified"`
}

// truthful is a boolean that some providers send as a string.
type truthful bool

// UnmarshalJSON implements json.Unmarshaler.
func (t *truthful) UnmarshalJSON(b []byte) error {
	*t = truthful(strings.Trim(string(b), `"`) == "true")
	return nil
}

// redeem exchanges a code for who signed in. The token must be for us, from
// this issuer, signed by it, and the answer to this flow. Errors: unavailable
// when the provider does not answer, unauthenticated when its answer is not
// accepted.
func (p *provider) redeem(ctx context.Context, code, verifier, nonce string) (identity, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return identity{}, err
	}
	ctx = p.context(ctx)
	token, err := d.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answer.Response.StatusCode < http.StatusInternalServerError {
			return identity{}, p.distrust(errors.New("the code was refused: " + printable(answer.ErrorCode)))
		}
		return identity{}, p.down(errors.New("the code could not be exchanged")) // the cause may quote tokens
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return identity{}, p.distrust(err)
	}
	var c claims
	switch {
	case id.Nonce == "" || id.Nonce != nonce:
		return identity{}, p.distrust(errors.New("the token answers another sign-in"))
	case id.Subject == "" || len(id.Subject) > maxSubject:
		return identity{}, p.distrust(errors.New("the subject is empty or too long"))
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return identity{}, p.distrust(errors.New("the access token is not the one of the ID token"))
	}
	if err := id.Claims(&c); err != nil {
		return identity{}, p.distrust(err)
	}
	if err := authorizedParty(c.AuthorizedParty, id.Audience, p.ClientID); err != nil {
		return identity{}, p.distrust(err)
	}
	if c.Email == "" || c.Username == "" {
		p.ask(ctx, d, token, id.Subject, &c)
	}
	return p.identity(id.Subject, c), nil
}

// authorizedParty checks that a token was made for client: an audience of many
// must say whom it was given to (OpenID Connect Core, 3.1.3.7).
func authorizedParty(azp string, audience []string, client string) error {
	if azp != "" && azp != client || azp == "" && len(audience) > 1 {
		return errors.New("the token was made for another client")
	}
	return nil
}

// ask adds what the userinfo endpoint knows. It is a convenience: without it
// the account just has no address. An answer about somebody else is not used.
func (p *provider) ask(ctx context.Context, d *discovered, token *oauth2.Token, subject string, c *claims) {
	if d.source.UserInfoEndpoint() == "" {
		return
	}
	info, err := d.source.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != subject {
		return
	}
	var more claims
	if info.Claims(&more) != nil {
		return
	}
	if c.Email == "" {
		c.Email, c.EmailVerified = more.Email, more.EmailVerified
	}
	if c.Username == "" {
		c.Username = more.Username
	}
	if c.Name == "" {
		c.Name = more.Name
	}
}

// identity makes the claims fit: what is malformed is left out.
func (p *provider) identity(subject string, c claims) identity {
	who := identity{Provider: p.ID, Issuer: p.Issuer, Subject: subject}
	if shown, key, problem := canonicalEmail(c.Email); problem == "" {
		who.Email, who.emailKey, who.confirmed = shown, key, bool(c.EmailVerified)
	}
	// An address as the preferred name stays private: usernames are public.
	if name, problem := canonicalUsername(c.Username); problem == "" && !reserved[name] {
		who.Username = name
	}
	short := []rune(strings.ToValidUTF8(c.Name, ""))
	if name, err := canonicalDisplayName(string(short[:min(len(short), maxDisplayName)])); err == nil {
		who.Name = name
	}
	for _, label := range []string{who.Email, who.Username, who.Name, subject} {
		if label = db.Fit(label, maxEmail); label != "" {
			who.Label = label
			break
		}
	}
	return who
}

// printable is an error code of a provider, fit for a log.
func printable(code string) string {
	return db.Fit(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, code), 64)
}
