package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/limit"
)

// accountRoutes are the routes about passwords and e-mail addresses.
func (s *Service) accountRoutes() {
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/forgot", "forgot-password", http.StatusAccepted,
		"Send a link to choose a new password; the answer is always the same"), s.handleForgot)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/reset", "reset-password", http.StatusNoContent,
		"Choose a new password with the link's token; all devices are signed out"), s.handleReset)
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/email/confirm", "confirm-email", http.StatusNoContent,
		"Confirm an e-mail address with the link's token"), s.handleConfirm)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodGet, "/api/v1/auth/account", "get-account", http.StatusOK,
		"The caller's own account")), s.handleAccount)
	httpx.Register(s.http, costly(own(http.MethodPost, "/api/v1/auth/account/delete", "delete-account", http.StatusNoContent,
		"Delete the account for good; its username stays taken. 409 for the last administrator")), s.handleDelete)
	httpx.Register(s.http, costly(own(http.MethodPost, "/api/v1/auth/password", "change-password", http.StatusNoContent,
		"Change the password; other devices are signed out")), s.handlePassword)
	httpx.Register(s.http, costly(own(http.MethodPost, "/api/v1/auth/email", "change-email", http.StatusAccepted,
		"Send a link to a new e-mail address; it counts when the link was opened")), s.handleEmail)
	httpx.Register(s.http, costly(own(http.MethodPost, "/api/v1/auth/email/resend", "resend-confirmation", http.StatusAccepted,
		"Send the link for the present e-mail address again")), s.handleResend)
}

// costly marks what costs a password hash or a mail.
func costly(op huma.Operation) huma.Operation { return httpx.Limited(op, limit.Expensive) }

type forgotInput struct {
	Body struct {
		Login string `json:"login" minLength:"1" maxLength:"320" doc:"Username or e-mail address" example:"ada@example.org"`
	}
}

func (s *Service) handleForgot(ctx context.Context, in *forgotInput) (*struct{}, error) {
	return nil, s.Forgot(ctx, in.Body.Login, s.client(ctx))
}

type resetInput struct {
	Body struct {
		Token    string `json:"token" minLength:"1" maxLength:"128" doc:"From the link in the mail"`
		Password string `json:"password" doc:"8 characters to 256 bytes, not containing the username, not a well-known one"`
	}
}

func (s *Service) handleReset(ctx context.Context, in *resetInput) (*struct{}, error) {
	return nil, s.Reset(ctx, in.Body.Token, in.Body.Password, s.client(ctx))
}

type confirmInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"128" doc:"From the link in the mail"`
	}
}

func (s *Service) handleConfirm(ctx context.Context, in *confirmInput) (*struct{}, error) {
	return nil, s.ConfirmEmail(ctx, in.Body.Token, s.client(ctx))
}

// AccountBody is the caller's own account.
type AccountBody struct {
	ID             id.ID     `json:"id" format:"uuid"`
	Username       string    `json:"username"`
	Email          string    `json:"email" doc:"Empty when there is none"`
	EmailConfirmed bool      `json:"email_confirmed"`
	HasPassword    bool      `json:"has_password" doc:"False for an account made with another provider that has set none"`
	Role           string    `json:"role" enum:"user,moderator,admin"`
	CreatedAt      time.Time `json:"created_at"`
	SecondFactor   []string  `json:"second_factor" doc:"Ways to take the second step of a sign-in: totp, passkey, recovery_code; empty when there is no second step"`

	DeletedMessages string `json:"deleted_messages" enum:"keep,erase" doc:"What becomes of the caller's messages when the account is deleted: they stay with the other side, or their text goes"`
}

type accountOutput struct{ Body AccountBody }

func (s *Service) handleAccount(ctx context.Context, _ *struct{}) (*accountOutput, error) {
	acc, ok, err := s.store.account(ctx, authn.From(ctx).UserID)
	if err != nil || !ok {
		return nil, firstError(err, errSessionOver())
	}
	body, err := s.accountBody(ctx, acc)
	if err != nil {
		return nil, err
	}
	return &accountOutput{body}, nil
}

func (s *Service) accountBody(ctx context.Context, acc Account) (body AccountBody, err error) {
	confirmed, err := s.store.emailConfirmed(ctx, acc)
	if err != nil {
		return body, err
	}
	factors, err := s.store.factors(ctx, acc.ID)
	if err != nil {
		return body, err
	}
	password, err := s.store.hasPassword(ctx, acc.ID)
	if err != nil {
		return body, err
	}
	return AccountBody{
		ID: acc.ID, Username: acc.Username, Email: acc.Email, EmailConfirmed: acc.Email != "" && confirmed,
		HasPassword: password, Role: acc.Role, CreatedAt: acc.CreatedAt,
		SecondFactor: append([]string{}, factors.methods()...), DeletedMessages: s.cfg.DeletedMessages,
	}, nil
}

func (s *Service) handleDelete(ctx context.Context, in *confirmationInput) (*struct{}, error) {
	if err := s.DeleteAccount(ctx, authn.From(ctx), in.Body.confirmation(), s.client(ctx)); err != nil {
		return nil, err
	}
	s.setCookie(ctx, "", 0)
	return nil, nil
}

type passwordInput struct {
	Body struct {
		ConfirmationBody
		New string `json:"password" doc:"8 characters to 256 bytes, not containing the username, not a well-known one"`
	}
}

func (s *Service) handlePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	return nil, s.ChangePassword(ctx, authn.From(ctx), in.Body.confirmation(), in.Body.New, s.client(ctx))
}

type emailInput struct {
	Body struct {
		Email string `json:"email" example:"ada@example.org"`
		ConfirmationBody
	}
}

func (s *Service) handleEmail(ctx context.Context, in *emailInput) (*struct{}, error) {
	return nil, s.ChangeEmail(ctx, authn.From(ctx), in.Body.Email, in.Body.confirmation(), s.client(ctx))
}

func (s *Service) handleResend(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, s.AskConfirmation(ctx, authn.From(ctx), s.client(ctx))
}
