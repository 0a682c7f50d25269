package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// factorRoutes are the routes about the second step of a sign-in and, except
// for passkeys, what it asks for.
func (s *Service) factorRoutes() {
	httpx.Register(s.http, public(http.MethodPost, "/api/v1/auth/login/second", "login-second", http.StatusOK,
		"Second step of a sign-in that answered second-factor-required; one of code, recovery_code and passkey"), s.handleSecond)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodGet, "/api/v1/auth/factors", "get-factors", http.StatusOK,
		"The caller's second factors")), s.handleFactors)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodPost, "/api/v1/auth/factors/totp", "enrol-totp", http.StatusOK,
		"Make a seed for an app that shows codes; nothing changes before it is activated")), s.handleEnrol)
	httpx.Register(s.http, httpx.Enrolling(own(http.MethodPost, "/api/v1/auth/factors/totp/activate", "activate-totp", http.StatusOK,
		"Turn the app on with a code of it; other devices are signed out")), s.handleActivate)
	httpx.Register(s.http, own(http.MethodPost, "/api/v1/auth/factors/totp/remove", "remove-totp", http.StatusNoContent,
		"Turn the app off; other devices are signed out"), s.handleRemoveTOTP)
	httpx.Register(s.http, own(http.MethodPost, "/api/v1/auth/factors/recovery-codes", "renew-recovery-codes", http.StatusOK,
		"Make new recovery codes; the old ones end"), s.handleRenew)
}

// PasskeyJSON is what the browser's credential.toJSON() gave (WebAuthn Level
// 3); only the WebAuthn library looks into it.
type PasskeyJSON []byte

// Schema implements huma.SchemaProvider: any JSON object.
func (PasskeyJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "As in WebAuthn Level 3, JSON"}
}

// UnmarshalJSON implements json.Unmarshaler: it keeps the text.
func (p *PasskeyJSON) UnmarshalJSON(text []byte) error {
	*p = append((*p)[:0], text...)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (p PasskeyJSON) MarshalJSON() ([]byte, error) {
	if len(p) == 0 {
		return []byte("null"), nil
	}
	return p, nil
}

// EvidenceBody is one second factor that is shown; exported because huma reads
// embedded fields only then.
type EvidenceBody struct {
	Code         string      `json:"code,omitempty" maxLength:"16" doc:"Of the app: six digits" example:"123456"`
	RecoveryCode string      `json:"recovery_code,omitempty" maxLength:"64"`
	Passkey      PasskeyJSON `json:"passkey,omitempty"`
}

func (b EvidenceBody) evidence() Evidence {
	return Evidence{Code: b.Code, RecoveryCode: b.RecoveryCode, Passkey: b.Passkey}
}

// ConfirmationBody shows once more who is signed in: a passkey; or the
// password, with a code where the account has a second factor.
type ConfirmationBody struct {
	Password string `json:"current_password,omitempty" maxLength:"1024" doc:"Not needed for an account without a password that signed in within the last 10 minutes"`
	EvidenceBody
}

func (b ConfirmationBody) confirmation() Confirmation {
	return Confirmation{Password: b.Password, Evidence: b.evidence()}
}

type confirmationInput struct{ Body ConfirmationBody }

type secondInput struct {
	Body struct {
		Challenge string `json:"challenge" minLength:"1" maxLength:"128" doc:"From second-factor-required; works for 5 minutes and 5 tries"`
		EvidenceBody
	}
}

func (s *Service) handleSecond(ctx context.Context, in *secondInput) (*sessionOutput, error) {
	grant, err := s.LoginSecond(ctx, SecondStep{Challenge: in.Body.Challenge, Evidence: in.Body.evidence()}, s.client(ctx))
	if err != nil {
		return nil, err
	}
	return s.session(ctx, grant), nil
}

// FactorsBody is what an account has besides its password.
type FactorsBody struct {
	Enabled           bool          `json:"enabled" doc:"A sign-in with the password needs a second step"`
	TOTPSince         *time.Time    `json:"totp_since,omitempty" doc:"When the app was turned on; missing when there is none"`
	RecoveryCodesLeft int           `json:"recovery_codes_left"`
	Passkeys          []PasskeyItem `json:"passkeys" doc:"The oldest first"`
	PasskeysPossible  bool          `json:"passkeys_possible" doc:"False where the site's address is no name"`
}

type factorsOutput struct{ Body FactorsBody }

func (s *Service) handleFactors(ctx context.Context, _ *struct{}) (*factorsOutput, error) {
	f, err := s.Factors(ctx, authn.From(ctx))
	if err != nil {
		return nil, err
	}
	body := FactorsBody{
		Enabled: f.on(), TOTPSince: nonZero(f.TOTPSince), RecoveryCodesLeft: f.CodesLeft,
		Passkeys: make([]PasskeyItem, 0, len(f.Passkeys)), PasskeysPossible: s.passkeys != nil,
	}
	for _, k := range f.Passkeys {
		body.Passkeys = append(body.Passkeys, passkeyItem(k))
	}
	return &factorsOutput{body}, nil
}

type enrolOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Secret string `json:"secret" doc:"For typing into an app"`
		URI    string `json:"uri" doc:"otpauth URI, for a QR code"`
	}
}

func (s *Service) handleEnrol(ctx context.Context, in *confirmationInput) (*enrolOutput, error) {
	made, err := s.EnrolTOTP(ctx, authn.From(ctx), in.Body.confirmation(), s.client(ctx))
	if err != nil {
		return nil, err
	}
	out := &enrolOutput{CacheControl: "no-store"}
	out.Body.Secret, out.Body.URI = made.Secret, made.URI
	return out, nil
}

type activateInput struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"16" example:"123456"`
	}
}

// CodesBody holds recovery codes, which are shown once.
type CodesBody struct {
	RecoveryCodes []string `json:"recovery_codes" doc:"Shown once; empty when the account had some already"`
}

type codesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         CodesBody
}

func shownOnce(codes []string) *codesOutput {
	return &codesOutput{CacheControl: "no-store", Body: CodesBody{RecoveryCodes: append([]string{}, codes...)}}
}

func (s *Service) handleActivate(ctx context.Context, in *activateInput) (*codesOutput, error) {
	codes, err := s.ActivateTOTP(ctx, authn.From(ctx), in.Body.Code, s.client(ctx))
	if err != nil {
		return nil, err
	}
	return shownOnce(codes), nil
}

func (s *Service) handleRemoveTOTP(ctx context.Context, in *confirmationInput) (*struct{}, error) {
	return nil, s.RemoveTOTP(ctx, authn.From(ctx), in.Body.confirmation(), s.client(ctx))
}

func (s *Service) handleRenew(ctx context.Context, in *confirmationInput) (*codesOutput, error) {
	codes, err := s.RenewRecoveryCodes(ctx, authn.From(ctx), in.Body.confirmation(), s.client(ctx))
	if err != nil {
		return nil, err
	}
	return shownOnce(codes), nil
}

// PasskeyItem is one passkey as its owner sees it.
type PasskeyItem struct {
	ID         id.ID      `json:"id" format:"uuid"`
	Name       string     `json:"name" example:"Firefox on Linux"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"Missing when it was not used yet"`
}

func passkeyItem(k Passkey) PasskeyItem {
	return PasskeyItem{ID: k.ID, Name: k.Name, CreatedAt: k.CreatedAt, LastUsedAt: nonZero(k.LastUsedAt)}
}
