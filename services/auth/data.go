package auth

import (
	"context"
	"time"

	sealing "chatapp/libs/audit"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
)

// The files of what a person downloads that this service knows. No secret and no
// hash is in any of them.
const (
	fileAccount  = "account.json"
	fileSessions = "sessions.json"
	fileActivity = "activity.json"
)

// accountData is the account in it.
type accountData struct {
	AccountBody
	DisplayName       string        `json:"display_name"` // at sign-up; the profile has today's
	PasswordChangedAt *time.Time    `json:"password_changed_at,omitempty"`
	TOTPSince         *time.Time    `json:"totp_since,omitempty"`
	RecoveryCodesLeft int           `json:"recovery_codes_left"`
	Passkeys          []PasskeyItem `json:"passkeys"`
	Providers         []linkData    `json:"providers"`
}

// linkData is an identity at another provider in it.
type linkData struct {
	Provider  string    `json:"provider"`
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
}

// sessionData is a session in it, live or ended.
type sessionData struct {
	ID         id.ID      `json:"id"`
	IP         string     `json:"ip"`
	UserAgent  string     `json:"user_agent"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt time.Time  `json:"last_used_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Ended      string     `json:"ended,omitempty"` // why
}

// eventData is a line of the audit log in it. What somebody else did has no
// address: it would be theirs.
type eventData struct {
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	ByOther   bool      `json:"by_other,omitempty"`
}

// answerData answers events.RPCAccountData. Error: not-found.
func (s *Service) answerData(ctx context.Context, request []byte) (any, error) {
	return mydata.Answer(ctx, request, s.accountFile,
		mydata.List{File: fileSessions, Rows: func(ctx context.Context, user id.ID, after sealing.Place, limit int) ([]mydata.Row, error) {
			list, err := s.store.sessionsFrom(ctx, user, after, limit)
			return mydata.Rows(list, err, func(r sessionRow) mydata.Row {
				return mydata.Row{Place: sealing.Place{At: r.CreatedAt.UTC(), ID: r.ID}, Item: sessionDataOf(r)}
			})
		}},
		mydata.List{File: fileActivity, Rows: func(ctx context.Context, user id.ID, after sealing.Place, limit int) ([]mydata.Row, error) {
			list, err := s.store.eventsFrom(ctx, user, after, limit)
			return mydata.Rows(list, err, func(r pastEvent) mydata.Row {
				return mydata.Row{Place: sealing.Place{At: r.Note.At.UTC(), ID: r.Note.ID}, Item: r.data()}
			})
		}})
}

func (s *Service) accountFile(ctx context.Context, user id.ID) ([]events.DataFile, error) {
	acc, ok, err := s.store.account(ctx, user)
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "There is no such account.")
	}
	if err != nil {
		return nil, err
	}
	v := accountData{DisplayName: acc.DisplayName, Passkeys: []PasskeyItem{}, Providers: []linkData{}}
	if v.AccountBody, err = s.accountBody(ctx, acc); err != nil {
		return nil, err
	}
	if v.PasswordChangedAt, err = s.store.passwordChanged(ctx, user); err != nil {
		return nil, err
	}
	factors, err := s.store.factors(ctx, user)
	if err != nil {
		return nil, err
	}
	v.TOTPSince, v.RecoveryCodesLeft = nonZero(factors.TOTPSince), factors.CodesLeft
	for _, k := range factors.Passkeys {
		v.Passkeys = append(v.Passkeys, passkeyItem(k))
	}
	links, err := s.store.identities(ctx, user)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		v.Providers = append(v.Providers, linkData{Provider: l.Provider, Issuer: l.Issuer, Subject: l.Subject, Label: l.Label, CreatedAt: l.CreatedAt.UTC()})
	}
	f, err := mydata.JSON(fileAccount, v)
	return []events.DataFile{f}, err
}

func sessionDataOf(r sessionRow) sessionData {
	return sessionData{
		ID: r.ID, IP: r.IP, UserAgent: r.UserAgent, CreatedAt: r.CreatedAt.UTC(), LastUsedAt: r.LastUsedAt.UTC(),
		ExpiresAt: r.ExpiresAt.UTC(), EndedAt: nonZero(timeOf(r.RevokedAt)), Ended: r.RevokeReason,
	}
}

func (r pastEvent) data() eventData {
	d := eventData{At: r.Note.At.UTC(), Event: r.Note.Event, ByOther: r.ByOther}
	if !d.ByOther {
		d.IP, d.UserAgent = r.Note.IP, r.Note.UserAgent
	}
	return d
}
