package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
)

// Pages of the UI: the one that says why a sign-in with a provider failed, and
// the one that asks for the second step.
const (
	pageFailed = "/sign-in-failed"
	pageSignIn = "/signin"
)

// Names of the cookie that binds a flow to the browser that started it.
const (
	flowCookieSecure = "__Host-chat_oidc"
	flowCookiePlain  = "chat_oidc"
)

// oidcRoutes are the routes about signing in with other providers.
func (s *Service) oidcRoutes() {
	httpx.Register(s.http, public(http.MethodGet, pathOIDC, "list-oidc-providers", http.StatusOK,
		"The providers that one can sign in with"), s.handleProviders)
	httpx.Register(s.http, public(http.MethodGet, pathOIDC+"/{provider}/start", "start-oidc", http.StatusSeeOther,
		"Open this as a page: it leads to the provider"), s.handleStartOIDC)
	httpx.Register(s.http, public(http.MethodGet, pathOIDC+"/{provider}/callback", "finish-oidc", http.StatusSeeOther,
		"Where the provider sends the browser; sets the refresh cookie and leads back to the UI"), s.handleCallbackOIDC)
	httpx.Register(s.http, own(http.MethodPost, pathOIDC+"/{provider}/link", "link-oidc", http.StatusOK,
		"Begin to link a provider to the caller's account"), s.handleLinkOIDC)
	httpx.Register(s.http, own(http.MethodGet, pathOIDC+"/links", "list-oidc-links", http.StatusOK,
		"The providers linked to the caller's account"), s.handleLinks)
	httpx.Register(s.http, own(http.MethodDelete, pathOIDC+"/links/{provider}", "unlink-oidc", http.StatusNoContent,
		"Remove a link, unless it is the only way to sign in"), s.handleUnlink)
}

// ProviderItem is one provider to sign in with.
type ProviderItem struct {
	ID   string `json:"id" example:"google"`
	Name string `json:"name" example:"Google"`
}

type providersOutput struct {
	Body struct {
		Items []ProviderItem `json:"items" doc:"In the operator's order"`
	}
}

func (s *Service) handleProviders(context.Context, *struct{}) (*providersOutput, error) {
	out := &providersOutput{}
	out.Body.Items = make([]ProviderItem, 0, len(s.providers))
	for _, p := range s.providers {
		out.Body.Items = append(out.Body.Items, ProviderItem{ID: p.ID, Name: p.Name})
	}
	return out, nil
}

type startOIDCInput struct {
	Provider string `path:"provider" maxLength:"32"`
	Return   string `query:"return" maxLength:"512" default:"/" doc:"A path of this site to come back to"`
}

type redirectOutput struct {
	Location string `header:"Location"`
}

func (s *Service) handleStartOIDC(ctx context.Context, in *startOIDCInput) (*redirectOutput, error) {
	d, err := s.StartOIDC(ctx, in.Provider, in.Return, s.client(ctx))
	if err != nil {
		return failedOIDC(in.Provider, err)
	}
	s.setFlowCookie(ctx, d.Secret, d.Life)
	return &redirectOutput{d.Location}, nil
}

// failedOIDC leads a browser to the page that says why it did not work. What
// no page of ours leads to is answered as any request: unknown providers, and
// ways back to elsewhere.
func failedOIDC(provider string, err error) (*redirectOutput, error) {
	e := errs.Of(err)
	if e.Slug == errs.NotFound || e.Slug == errs.InvalidParameter || e.Slug == errs.Internal {
		return nil, err
	}
	query := url.Values{"reason": {string(e.Slug)}, "provider": {provider}}
	return &redirectOutput{pageFailed + "?" + query.Encode()}, nil
}

// secondOIDC leads a browser to the second step of its sign-in. The challenge
// is in the fragment: browsers send that to no server, and name it to no other
// site.
func secondOIDC(step errs.NextStep, returnTo string) *redirectOutput {
	fragment := url.Values{"second": {step.Challenge}, "methods": {strings.Join(step.Methods, ",")}, "return": {returnTo}}
	return &redirectOutput{pageSignIn + "#" + fragment.Encode()}
}

// FlowCookies are the cookies of a flow; exported because huma reads embedded
// parameters only then.
type FlowCookies struct {
	FlowSecure string `cookie:"__Host-chat_oidc" doc:"Set by the start, when the public URL is https"`
	FlowPlain  string `cookie:"chat_oidc" doc:"Set by the start, when the public URL is http"`
}

type callbackOIDCInput struct {
	FlowCookies
	Provider string `path:"provider" maxLength:"32"`
	State    string `query:"state" maxLength:"128"`
	Code     string `query:"code" maxLength:"4096"`
	Issuer   string `query:"iss" maxLength:"255"`
	Error    string `query:"error" maxLength:"64"`
}

// handleCallbackOIDC answers with a redirect in every case: the code must not
// stay in the address bar. The cookie is set although a browser that comes
// from another site sends no strict ones: the page it is led to asks for them
// itself.
func (s *Service) handleCallbackOIDC(ctx context.Context, in *callbackOIDCInput) (*redirectOutput, error) {
	a := Answer{Provider: in.Provider, Secret: in.FlowPlain, State: in.State, Code: in.Code, Issuer: in.Issuer, Error: in.Error}
	if s.secure {
		a.Secret = in.FlowSecure
	}
	done, err := s.ArriveOIDC(ctx, a, s.client(ctx))
	if !errs.Is(err, errs.TokenInvalid) { // it may be the cookie of a flow that is still open
		s.setFlowCookie(ctx, "", 0)
	}
	if e := errs.Of(err); err != nil && e.NextStep != nil {
		return secondOIDC(*e.NextStep, done.ReturnTo), nil
	}
	if err != nil {
		return failedOIDC(in.Provider, err)
	}
	if done.Grant.RefreshToken != "" {
		s.setCookie(ctx, done.Grant.RefreshToken, done.Grant.RefreshExpires.Sub(s.now()))
	}
	return &redirectOutput{done.ReturnTo}, nil
}

// setFlowCookie sets the cookie of a flow; an empty secret deletes it. Lax,
// because it has to come along from the provider's page.
func (s *Service) setFlowCookie(ctx context.Context, secret string, life time.Duration) {
	s.appendCookie(ctx, flowCookiePlain, flowCookieSecure, secret, life, http.SameSiteLaxMode)
}

type linkOIDCInput struct {
	Provider string `path:"provider" maxLength:"32"`
	Body     struct {
		ConfirmationBody
		Return string `json:"return,omitempty" maxLength:"512" default:"/" doc:"A path of this site to come back to"`
	}
}

type linkOIDCOutput struct {
	Body struct {
		Location string `json:"location" doc:"The provider's page; open it in this browser"`
	}
}

func (s *Service) handleLinkOIDC(ctx context.Context, in *linkOIDCInput) (*linkOIDCOutput, error) {
	d, err := s.StartLink(ctx, authn.From(ctx), in.Provider, in.Body.confirmation(), in.Body.Return, s.client(ctx))
	if err != nil {
		return nil, err
	}
	s.setFlowCookie(ctx, d.Secret, d.Life)
	out := &linkOIDCOutput{}
	out.Body.Location = d.Location
	return out, nil
}

// LinkItem is one provider linked to an account.
type LinkItem struct {
	Provider  string    `json:"provider" example:"google"`
	Name      string    `json:"name" example:"Google"`
	Label     string    `json:"label" doc:"Who the owner is there, as it was when linked" example:"ada@example.org"`
	CreatedAt time.Time `json:"created_at"`
	Usable    bool      `json:"usable" doc:"False when this installation no longer offers the provider"`
}

type linksOutput struct {
	Body struct {
		Items []LinkItem `json:"items" doc:"The oldest first"`
	}
}

func (s *Service) handleLinks(ctx context.Context, _ *struct{}) (*linksOutput, error) {
	list, err := s.Links(ctx, authn.From(ctx))
	if err != nil {
		return nil, err
	}
	out := &linksOutput{}
	out.Body.Items = make([]LinkItem, 0, len(list))
	for _, l := range list {
		out.Body.Items = append(out.Body.Items, LinkItem(l))
	}
	return out, nil
}

type unlinkInput struct {
	Provider string `path:"provider" maxLength:"32"`
}

func (s *Service) handleUnlink(ctx context.Context, in *unlinkInput) (*struct{}, error) {
	return nil, s.Unlink(ctx, authn.From(ctx), in.Provider, s.client(ctx))
}
