package auth

import (
	"context"
	"net/http"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// passkeyRoutes are the routes about passkeys. Each begins with options for
// the browser, which hold a challenge that works once, for 5 minutes.
func (s *Service) passkeyRoutes() {
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/passkeys/login/begin", "begin-passkey-login", http.StatusOK,
		"Options for navigator.credentials.get, to sign in without a password"), s.handleBeginLogin)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/passkeys/login/finish", "finish-passkey-login", http.StatusOK,
		"Sign in with a passkey's answer; no second step follows"), s.handleFinishLogin)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/login/second/passkey", "begin-passkey-second", http.StatusOK,
		"Options for the second step with a passkey"), s.handleBeginSecond)
	httpx.Register(s.http, own(http.MethodPost, "/api/v1/auth/passkeys/confirm", "begin-passkey-confirm", http.StatusOK,
		"Options for showing once more who is signed in"), s.handleBeginConfirm)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodPost, "/api/v1/auth/passkeys/register/begin", "begin-passkey", http.StatusOK,
		"Options for navigator.credentials.create")), s.handleBeginPasskey)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodPost, "/api/v1/auth/passkeys/register/finish", "finish-passkey", http.StatusOK,
		"Add the passkey; other devices are signed out")), s.handleFinishPasskey)
	httpx.Register(s.http, own(http.MethodPatch, "/api/v1/auth/passkeys/{id}", "rename-passkey", http.StatusNoContent,
		"Give a passkey another name"), s.handleRenamePasskey)
	httpx.Register(s.http, own(http.MethodPost, "/api/v1/auth/passkeys/{id}/remove", "remove-passkey", http.StatusNoContent,
		"End a passkey; other devices are signed out"), s.handleRemovePasskey)
}

type optionsOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		PublicKey PasskeyJSON `json:"public_key" doc:"For PublicKeyCredential.parse...OptionsFromJSON"`
	}
}

func options(publicKey []byte, err error) (*optionsOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &optionsOutput{CacheControl: "no-store"}
	out.Body.PublicKey = publicKey
	return out, nil
}

func (s *Service) handleBeginLogin(ctx context.Context, _ *struct{}) (*optionsOutput, error) {
	return options(s.BeginPasskeyLogin(ctx, s.client(ctx)))
}

type answerInput struct {
	Body struct {
		Credential PasskeyJSON `json:"credential"`
	}
}

func (s *Service) handleFinishLogin(ctx context.Context, in *answerInput) (*sessionOutput, error) {
	grant, err := s.FinishPasskeyLogin(ctx, in.Body.Credential, s.client(ctx))
	if err != nil {
		return nil, err
	}
	return s.session(ctx, grant), nil
}

type beginSecondInput struct {
	Body struct {
		Challenge string `json:"challenge" minLength:"1" maxLength:"128" doc:"From second-factor-required"`
	}
}

func (s *Service) handleBeginSecond(ctx context.Context, in *beginSecondInput) (*optionsOutput, error) {
	return options(s.BeginPasskeySecond(ctx, in.Body.Challenge, s.client(ctx)))
}

func (s *Service) handleBeginConfirm(ctx context.Context, _ *struct{}) (*optionsOutput, error) {
	return options(s.BeginPasskeyConfirm(ctx, authn.From(ctx), s.client(ctx)))
}

func (s *Service) handleBeginPasskey(ctx context.Context, in *confirmationInput) (*optionsOutput, error) {
	return options(s.BeginPasskey(ctx, authn.From(ctx), in.Body.confirmation(), s.client(ctx)))
}

type newPasskeyInput struct {
	Body struct {
		Name       string      `json:"name,omitempty" doc:"1 to 64 characters; the device's when missing"`
		Credential PasskeyJSON `json:"credential"`
	}
}

type newPasskeyOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Passkey PasskeyItem `json:"passkey"`
		CodesBody
	}
}

func (s *Service) handleFinishPasskey(ctx context.Context, in *newPasskeyInput) (*newPasskeyOutput, error) {
	key, codes, err := s.FinishPasskey(ctx, authn.From(ctx), in.Body.Name, in.Body.Credential, s.client(ctx))
	if err != nil {
		return nil, err
	}
	out := &newPasskeyOutput{CacheControl: "no-store"}
	out.Body.Passkey, out.Body.CodesBody = passkeyItem(key), shownOnce(codes).Body
	return out, nil
}

type renamePasskeyInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Name string `json:"name" doc:"1 to 64 characters"`
	}
}

func (s *Service) handleRenamePasskey(ctx context.Context, in *renamePasskeyInput) (*struct{}, error) {
	return nil, s.RenamePasskey(ctx, authn.From(ctx), in.ID, in.Body.Name, s.client(ctx))
}

type removePasskeyInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body ConfirmationBody
}

func (s *Service) handleRemovePasskey(ctx context.Context, in *removePasskeyInput) (*struct{}, error) {
	return nil, s.RemovePasskey(ctx, authn.From(ctx), in.ID, in.Body.confirmation(), s.client(ctx))
}
