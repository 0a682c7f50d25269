package auth

import (
	"context"
	"encoding/json"
	"time"

	sealing "chatapp/libs/audit"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// dataPage is how many sessions or events are in one answer: with the longest
// names of devices they fit into a message of the bus.
const dataPage = 300

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

// dataPlace is where an answer ended: in which list, after which row.
type dataPlace struct {
	List  string        `json:"l"`
	After sealing.Place `json:"a"`
}

func beginningOf(list string) dataPlace {
	return dataPlace{List: list, After: sealing.Beginning()}
}

// answerData answers events.RPCAccountData. Error: not-found.
func (s *Service) answerData(ctx context.Context, req []byte) (any, error) {
	var ask events.DataRequest
	if err := json.Unmarshal(req, &ask); err != nil {
		return nil, errs.Wrap(errs.InvalidBody, "not a request for data", err)
	}
	user, err := id.Parse(ask.UserID)
	if err != nil {
		return nil, errs.New(errs.NotFound, "There is no such account.")
	}
	var at dataPlace
	var reply events.DataReply
	if ask.After == "" {
		at = beginningOf(fileSessions)
		err = s.accountFile(ctx, user, &reply)
	} else {
		err = httpx.DecodeCursor(ask.After, &at)
	}
	if err != nil {
		return nil, err
	}
	items, next, err := s.dataList(ctx, user, at)
	if err != nil {
		return nil, err
	}
	reply.Files = append(reply.Files, events.DataFile{Name: at.List, Items: items})
	if next != nil {
		reply.Next = httpx.EncodeCursor(*next)
	}
	return reply, nil
}

func (s *Service) accountFile(ctx context.Context, user id.ID, reply *events.DataReply) error {
	acc, ok, err := s.store.account(ctx, user)
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "There is no such account.")
	}
	if err != nil {
		return err
	}
	v := accountData{DisplayName: acc.DisplayName, Passkeys: []PasskeyItem{}, Providers: []linkData{}}
	if v.AccountBody, err = s.accountBody(ctx, acc); err != nil {
		return err
	}
	if v.PasswordChangedAt, err = s.store.passwordChanged(ctx, user); err != nil {
		return err
	}
	factors, err := s.store.factors(ctx, user)
	if err != nil {
		return err
	}
	v.TOTPSince, v.RecoveryCodesLeft = nonZero(factors.TOTPSince), factors.CodesLeft
	for _, k := range factors.Passkeys {
		v.Passkeys = append(v.Passkeys, passkeyItem(k))
	}
	links, err := s.store.identities(ctx, user)
	if err != nil {
		return err
	}
	for _, l := range links {
		v.Providers = append(v.Providers, linkData{Provider: l.Provider, Issuer: l.Issuer, Subject: l.Subject, Label: l.Label, CreatedAt: l.CreatedAt.UTC()})
	}
	data, err := json.Marshal(v)
	reply.Files = append(reply.Files, events.DataFile{Name: fileAccount, JSON: data})
	return err
}

// dataList is the next page of a list, the oldest first, and what follows it:
// nil after the last.
func (s *Service) dataList(ctx context.Context, user id.ID, at dataPlace) (items []json.RawMessage, next *dataPlace, err error) {
	var rows []any
	switch at.List {
	case fileSessions:
		list, err := s.store.sessionsFrom(ctx, user, at.After, dataPage)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range list {
			rows, at.After = append(rows, sessionDataOf(r)), sealing.Place{At: r.CreatedAt.UTC(), ID: r.ID}
		}
	case fileActivity:
		list, err := s.store.eventsFrom(ctx, user, at.After, dataPage)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range list {
			rows, at.After = append(rows, r.data()), sealing.Place{At: r.Note.At.UTC(), ID: r.Note.ID}
		}
	default:
		return nil, nil, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
	}
	for _, r := range rows {
		data, err := json.Marshal(r)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, data)
	}
	switch {
	case len(rows) == dataPage:
		return items, &at, nil
	case at.List == fileSessions:
		next := beginningOf(fileActivity)
		return items, &next, nil
	}
	return items, nil, nil
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
