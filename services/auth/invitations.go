package auth

import (
	"context"
	"net/url"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	maxNote        = 200 // code points
	maxInvitations = 500 // at a time
	maxUses        = 1000
	shortestInvite = time.Minute
	longestInvite  = 365 * 24 * time.Hour
)

// Invitation lets people sign up where sign-up is by invitation. Its secret is
// only ever known to whoever made it.
type Invitation struct {
	ID        id.ID
	Note      string // for administrators
	MaxUses   int
	Uses      int
	MadeBy    string // a username, or "operator"
	CreatedAt time.Time
	ExpiresAt time.Time
}

// InvitationWish is what an invitation is to be like.
type InvitationWish struct {
	Note    string
	MaxUses int           // 1 to 1000
	Life    time.Duration // a minute to a year
}

// Invite makes an invitation and returns the link to give away, which cannot be
// shown again. Errors: not-found, invalid-body, invalid-text, conflict when there
// are 500 already, unavailable.
func (s *Service) Invite(ctx context.Context, by Actor, wish InvitationWish) (made Invitation, link string, err error) {
	note, err := oneLine("body.note", wish.Note, maxNote)
	switch {
	case err != nil:
		return made, "", err
	case wish.MaxUses < 1 || wish.MaxUses > maxUses:
		return made, "", errs.Invalid("body.max_uses", "An invitation is for 1 to 1000 people.")
	case wish.Life < shortestInvite || wish.Life > longestInvite:
		return made, "", errs.Invalid("body.expires_in", "An invitation works for a minute to a year.")
	}
	if err := s.store.mayAdminister(ctx, by, authn.RoleAdmin); err != nil {
		return made, "", err
	}
	now := s.now()
	secret, hash := newSecret()
	made = Invitation{
		ID: id.New(), Note: note, MaxUses: wish.MaxUses, MadeBy: by.Name, CreatedAt: now, ExpiresAt: now.Add(wish.Life),
	}
	if err := s.store.invite(ctx, by, made, hash); err != nil {
		return made, "", err
	}
	// In the fragment, as in mails: no server, proxy or Referer sees it.
	return made, s.cfg.PublicURL + "/join#token=" + url.QueryEscape(secret), nil
}

// Invitations lists those that can still be used, and those used up or expired a
// short while ago; the newest first. Errors: unavailable.
func (s *Service) Invitations(ctx context.Context) ([]Invitation, error) {
	return s.store.invitations(ctx)
}

// WithdrawInvitation makes an invitation useless; who signed up with it stays.
// Errors: not-found, unavailable.
func (s *Service) WithdrawInvitation(ctx context.Context, by Actor, invitation id.ID) error {
	if err := s.store.mayAdminister(ctx, by, authn.RoleAdmin); err != nil {
		return err
	}
	return s.store.withdraw(ctx, by, invitation, s.now())
}

func errInvitation() error {
	return errs.New(errs.TokenInvalid, "This invitation was used already, withdrawn or is too old. Ask for a new one.")
}
