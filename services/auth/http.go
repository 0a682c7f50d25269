package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// routes is the table of contents of the service's HTTP side.
func (s *Service) routes() {
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/register", "register", http.StatusCreated,
		"Sign up and start a session"), s.handleRegister)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/login", "login", http.StatusOK,
		"Sign in with a username or e-mail address"), s.handleLogin)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/refresh", "refresh", http.StatusOK,
		"Exchange the refresh cookie for a new session"), s.handleRefresh)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/logout", "logout", http.StatusNoContent,
		"End the session of the cookie, of the bearer token, or both"), s.handleLogout)
	httpx.Register(s.http, public(http.MethodGet, "/api/v1/auth/usernames/{username}", "username-available", http.StatusOK,
		"Ask whether a username is free"), s.handleUsername)
	httpx.Register(s.http, public(http.MethodGet, "/.well-known/jwks.json", "jwks", http.StatusOK,
		"Public keys that verify access tokens (RFC 7517)"), s.handleJWKS)
	s.accountRoutes()
	s.factorRoutes()
	s.passkeyRoutes()
	s.adminRoutes()
	s.sessionRoutes()
	s.activityRoutes()
	s.oidcRoutes()
}

func public(method, path, name string, status int, summary string) huma.Operation {
	return huma.Operation{
		OperationID: name, Method: method, Path: path, Summary: summary, DefaultStatus: status,
		Security: httpx.Public, Tags: []string{"auth"}, Middlewares: huma.Middlewares{withExchange},
	}
}

// Names of the refresh cookie. The __Host- prefix binds it to this host and to
// TLS; browsers refuse it over plain http.
const (
	cookieSecure = "__Host-chat_refresh"
	cookiePlain  = "chat_refresh"
)

// RefreshCookies are the cookies a browser sends; exported because huma reads
// embedded parameters only then.
type RefreshCookies struct {
	Secure string `cookie:"__Host-chat_refresh" doc:"Refresh token, when the public URL is https"`
	Plain  string `cookie:"chat_refresh" doc:"Refresh token, when the public URL is http"`
}

// secret is the cookie that counts here; the other one may come from another
// service on the same host.
func (s *Service) secret(c RefreshCookies) string {
	if s.secure {
		return c.Secure
	}
	return c.Plain
}

// SessionBody answers a sign-up, login or refresh.
type SessionBody struct {
	AccessToken string      `json:"access_token" doc:"For the Authorization header; keep it in memory only"`
	TokenType   string      `json:"token_type" enum:"Bearer"`
	ExpiresIn   int64       `json:"expires_in" doc:"Seconds until access_token expires" example:"600"`
	User        SessionUser `json:"user"`
	Enrol       bool        `json:"enrol" doc:"A second step is demanded and there is none: access_token is good for setting it up, and everything else answers second-step-required. Refresh after that"`
}

// SessionUser is who signed in. DisplayName is the one given at sign-up; the
// users service has the current one.
type SessionUser struct {
	ID          id.ID  `json:"id" format:"uuid"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role" enum:"user,moderator,admin"`
}

type sessionOutput struct{ Body SessionBody }

// session answers with a grant: the access token in the body, the refresh
// token in a cookie that scripts cannot read.
func (s *Service) session(ctx context.Context, g Grant) *sessionOutput {
	s.setCookie(ctx, g.RefreshToken, g.RefreshExpires.Sub(s.now()))
	return &sessionOutput{Body: SessionBody{
		AccessToken: g.AccessToken, TokenType: "Bearer", ExpiresIn: int64(g.ExpiresIn / time.Second),
		Enrol: g.Enrol,
		User:  SessionUser{ID: g.Account.ID, Username: g.Account.Username, DisplayName: g.Account.DisplayName, Role: g.Account.Role},
	}}
}

type registerInput struct {
	Body struct {
		Username    string `json:"username,omitempty" doc:"3 to 32 of a-z 0-9 . _ -, starting with a letter or digit; made from the display name when missing" example:"ada"`
		Email       string `json:"email,omitempty" doc:"Username, e-mail address or both" example:"ada@example.org"`
		Password    string `json:"password" doc:"8 characters to 256 bytes, not containing the username"`
		DisplayName string `json:"display_name,omitempty" doc:"1 to 64 characters; the username when missing" example:"Ada Lovelace"`
		Invitation  string `json:"invitation,omitempty" maxLength:"128" doc:"From the link of an invitation, where one is needed"`
	}
}

func (s *Service) handleRegister(ctx context.Context, in *registerInput) (*sessionOutput, error) {
	grant, err := s.Register(ctx, Registration{
		Username: in.Body.Username, Email: in.Body.Email, Password: in.Body.Password, DisplayName: in.Body.DisplayName,
		Invitation: in.Body.Invitation,
	}, s.client(ctx))
	if err != nil {
		return nil, err
	}
	return s.session(ctx, grant), nil
}

type loginInput struct {
	Body struct {
		Login    string `json:"login" minLength:"1" maxLength:"320" doc:"Username or e-mail address" example:"ada"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

func (s *Service) handleLogin(ctx context.Context, in *loginInput) (*sessionOutput, error) {
	grant, err := s.Login(ctx, in.Body.Login, in.Body.Password, s.client(ctx))
	if err != nil {
		return nil, err
	}
	return s.session(ctx, grant), nil
}

type refreshInput struct{ RefreshCookies }

func (s *Service) handleRefresh(ctx context.Context, in *refreshInput) (*sessionOutput, error) {
	if err := s.sameOrigin(ctx); err != nil {
		return nil, err
	}
	grant, err := s.Refresh(ctx, s.secret(in.RefreshCookies), s.client(ctx))
	if err != nil {
		// A dead cookie is of no use. A raced one is: the winner's answer has
		// replaced it in the browser, or is about to.
		if e := errs.Of(err); e.Slug == errs.Unauthenticated || e.Slug == errs.TokenReused {
			s.setCookie(ctx, "", 0)
		}
		return nil, err
	}
	return s.session(ctx, grant), nil
}

type logoutInput struct {
	RefreshCookies
	Authorization string `header:"Authorization" doc:"Bearer token of the session to end"`
}

func (s *Service) handleLogout(ctx context.Context, in *logoutInput) (*struct{}, error) {
	if err := s.sameOrigin(ctx); err != nil {
		return nil, err
	}
	secret := s.secret(in.RefreshCookies)
	var who authn.Identity
	if in.Authorization != "" || secret == "" {
		var err error
		// With a cookie, an access token that has expired is no obstacle.
		if who, err = s.http.IdentifyEnrolling(ctx, in.Authorization); err != nil && secret == "" {
			return nil, err
		}
	}
	if err := s.Logout(ctx, secret, who, s.client(ctx)); err != nil {
		return nil, err
	}
	s.setCookie(ctx, "", 0)
	return nil, nil
}

type usernameInput struct {
	Username string `path:"username" doc:"The wish, in any case" example:"ada"`
}

type usernameOutput struct {
	Body struct {
		Username  string `json:"username" doc:"As it would be stored"`
		Available bool   `json:"available"`
	}
}

func (s *Service) handleUsername(ctx context.Context, in *usernameInput) (*usernameOutput, error) {
	name, free, err := s.UsernameAvailable(ctx, in.Username)
	if err != nil {
		return nil, err
	}
	out := &usernameOutput{}
	out.Body.Username, out.Body.Available = name, free
	return out, nil
}

// JSONWebKey is one Ed25519 public key (RFC 8037).
type JSONWebKey struct {
	KeyType   string `json:"kty" enum:"OKP"`
	Curve     string `json:"crv" enum:"Ed25519"`
	X         string `json:"x" doc:"The key, base64url"`
	KeyID     string `json:"kid"`
	Use       string `json:"use" enum:"sig"`
	Algorithm string `json:"alg" enum:"EdDSA"`
}

type jwksOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Keys []JSONWebKey `json:"keys"`
	}
}

func (s *Service) handleJWKS(ctx context.Context, _ *struct{}) (*jwksOutput, error) {
	set, err := s.keys.jwks(ctx)
	if err != nil {
		return nil, err
	}
	// Far less than keyLead: nobody sees a new key too late.
	out := &jwksOutput{CacheControl: "public, max-age=60"}
	return out, json.Unmarshal(set, &out.Body)
}

// client is where a request comes from, with the refresh token that its browser
// added, unless another site made it do so.
func (s *Service) client(ctx context.Context) Client {
	from := Client{IP: httpx.ClientIP(ctx), UserAgent: httpx.UserAgent(ctx)}
	x, ok := ctx.Value(exchangeKey{}).(huma.Context)
	if !ok || s.sameOrigin(ctx) != nil {
		return from
	}
	name := cookiePlain
	if s.secure {
		name = cookieSecure
	}
	if c, err := huma.ReadCookie(x, name); err == nil {
		from.refresh, _ = secretHash(c.Value)
	}
	return from
}

// exchangeKey carries the request and response behind a typed handler.
type exchangeKey struct{}

// withExchange lets handlers see where a request came from and set cookies on
// failures too.
func withExchange(ctx huma.Context, next func(huma.Context)) {
	next(huma.WithValue(ctx, exchangeKey{}, ctx))
}

// sameOrigin refuses requests that another site made a browser send: the
// cookie endpoints are the only ones that act on something a browser adds by
// itself. Error: cross-origin.
func (s *Service) sameOrigin(ctx context.Context) error {
	x, ok := ctx.Value(exchangeKey{}).(huma.Context)
	if !ok {
		return errs.New(errs.CrossOrigin, "The request's origin is unknown.")
	}
	u := x.URL()
	r := http.Request{Method: x.Method(), Host: x.Host(), URL: &url.URL{Path: u.Path}, Header: http.Header{}}
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		if v := x.Header(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	if err := s.origins.Check(&r); err != nil {
		return errs.Wrap(errs.CrossOrigin, "This request came from another site.", err)
	}
	return nil
}

// setCookie sets the refresh cookie; an empty secret deletes it.
func (s *Service) setCookie(ctx context.Context, secret string, life time.Duration) {
	s.appendCookie(ctx, cookiePlain, cookieSecure, secret, life, http.SameSiteStrictMode)
}

// appendCookie sets a cookie that scripts cannot read, under its name for the
// kind of public URL; an empty secret deletes it.
func (s *Service) appendCookie(ctx context.Context, plain, secure, secret string, life time.Duration, site http.SameSite) {
	x, ok := ctx.Value(exchangeKey{}).(huma.Context)
	if !ok {
		return
	}
	c := http.Cookie{ //nolint:gosec // Secure follows the public URL: over plain http browsers would drop it
		Name: plain, Value: secret, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: s.secure, SameSite: site,
	}
	if s.secure {
		c.Name = secure
	}
	if secret == "" {
		c.MaxAge = -1
	}
	x.AppendHeader("Set-Cookie", c.String())
}
