package auth

import (
	"context"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
)

// freshFor is how long after signing in nobody is asked again who they are,
// where there is no password to ask for.
const freshFor = 10 * time.Minute

// Link is a provider with which the owner of an account can sign in.
type Link struct {
	Provider  string
	Name      string // of the provider
	Label     string // who the owner is there
	CreatedAt time.Time
	Usable    bool // false: the operator removed the provider
}

// Links lists the providers that who can sign in with, the oldest first.
func (s *Service) Links(ctx context.Context, who authn.Identity) ([]Link, error) {
	rows, err := s.store.identities(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	list := make([]Link, 0, len(rows))
	for _, r := range rows {
		l := Link{Provider: r.Provider, Name: r.Provider, Label: r.Label, CreatedAt: r.CreatedAt.UTC()}
		for _, p := range s.providers {
			if p.Issuer == r.Issuer {
				l.Provider, l.Name, l.Usable = p.ID, p.Name, true
			}
		}
		list = append(list, l)
	}
	return list, nil
}

// StartLink sends who's browser to a provider, whose answer links it. Errors:
// those of reauthenticate and StartOIDC.
func (s *Service) StartLink(ctx context.Context, who authn.Identity, name string, c Confirmation, returnTo string, from Client) (Departure, error) {
	p, err := s.provider(name)
	if err != nil {
		return Departure{}, err
	}
	if err := checkReturnTo(returnTo); err != nil {
		return Departure{}, err
	}
	if _, err := s.reauthenticate(ctx, who, c, from); err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, p, flow{Provider: name, AccountID: who.UserID, SessionID: who.SessionID, ReturnTo: returnTo})
}

// link stores that an account's owner is who at the provider, and tells them
// by mail. Linking the same again changes nothing. Errors: unauthenticated when
// the session that asked is over; conflict when the identity is another
// account's, or the account has another identity there.
func (s *Service) link(ctx context.Context, f flow, p *provider, who identity, from Client) error {
	acc, ok, err := s.store.account(ctx, f.AccountID)
	if err != nil || !ok {
		return firstError(err, errSessionOver())
	}
	now := s.now()
	letter, err := mailRows(mailing{to: acc, kind: mailLinked, device: p.Name + ", " + from.device(), at: now})
	if err != nil {
		return err
	}
	linked, err := s.store.link(ctx, newLink{
		account: acc, session: f.SessionID, identity: who, now: now,
		audit: audit(now, eventLinked, acc, from).of(f.SessionID), mail: letter,
	})
	if err == nil && linked {
		s.publish(letter)
	}
	return err
}

// Unlink takes away a provider from the ways that who can sign in, and tells
// them by mail. Errors: not-found when there is no such link; conflict when
// there is no other way.
func (s *Service) Unlink(ctx context.Context, who authn.Identity, name string, from Client) error {
	acc, ok, err := s.store.account(ctx, who.UserID)
	if err != nil || !ok {
		return firstError(err, errSessionOver())
	}
	now := s.now()
	gone := unlinking{account: acc, provider: name, ways: s.ways(), audit: audit(now, eventUnlinked, acc, from).of(who.SessionID)}
	for _, p := range s.providers {
		if p.ID == name {
			gone.issuer, name = p.Issuer, p.Name
		}
	}
	gone.mail, err = mailRows(mailing{to: acc, kind: mailUnlinked, device: name + ", " + from.device(), at: now})
	if err != nil {
		return err
	}
	if err := s.store.unlink(ctx, gone); err != nil {
		return err
	}
	s.publish(gone.mail)
	return nil
}

// ways are the ways in besides a password.
func (s *Service) ways() waysIn {
	w := waysIn{issuers: make([]string, 0, len(s.providers)), passkeys: s.passkeys != nil}
	for _, p := range s.providers {
		w.issuers = append(w.issuers, p.Issuer)
	}
	return w
}

func errLastWay() error {
	return errs.New(errs.Conflict, "This is your only way to sign in. Set a password first.")
}

// fresh says whether who signed in a moment ago: renewing a session does not
// make it young again.
func (s *Service) fresh(ctx context.Context, who authn.Identity) (bool, error) {
	live, err := s.store.liveSessions(ctx, who.UserID, s.now())
	for _, sess := range live {
		if sess.ID == who.SessionID {
			return s.now().Sub(sess.CreatedAt) < freshFor, nil
		}
	}
	return false, err
}
