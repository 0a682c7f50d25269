package auth

import (
	"context"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// Who may sign up.
const (
	signUpOpen   = "open"   // everybody
	signUpInvite = "invite" // with an invitation
	signUpClosed = "closed" // nobody
)

// Who must have a second step.
const (
	secondStepOptional  = "optional"  // nobody
	secondStepStaff     = "staff"     // moderators and administrators
	secondStepEverybody = "everybody" // also who signs in with a provider: that is one factor
)

const maxAnnouncement = 500 // code points

// Settings are what administrators decide while ChatApp runs.
type Settings struct {
	SignUp       string        // "open" | "invite" | "closed"
	SecondStep   string        // "optional" | "staff" | "everybody"; in a wish also "": as it is
	Announcement *Announcement // nil = none
}

// Announcement is a line shown to everybody who is signed in.
type Announcement struct {
	ID    id.ID     `json:"id"` // a new one for each text: what people dismissed stays away
	Text  string    `json:"text"`
	Level string    `json:"level"` // "info" | "warning" | "critical"
	Until time.Time `json:"until"` // zero = until it is taken back
}

// over says whether it is past its time.
func (a *Announcement) over(now time.Time) bool { return !a.Until.IsZero() && !now.Before(a.Until) }

// Settings reads them; an announcement past its time is none. Errors: unavailable.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	stored, err := s.store.settings(ctx)
	if err != nil {
		return stored, err
	}
	if stored.SignUp == "" {
		stored.SignUp = s.cfg.SignUp
	}
	if stored.Announcement != nil && stored.Announcement.over(s.now()) {
		stored.Announcement = nil
	}
	return stored, nil
}

// SetSettings replaces them; the id of the announcement is not asked for. It
// returns what is stored. A second step can be demanded by those alone who have
// one. Errors: not-found, invalid-body, invalid-text, conflict, unavailable.
func (s *Service) SetSettings(ctx context.Context, by Actor, want Settings) (Settings, error) {
	if want.SignUp != signUpOpen && want.SignUp != signUpInvite && want.SignUp != signUpClosed {
		return want, errs.Invalid("body.sign_up", "Sign-up is open, invite or closed.")
	}
	if s := want.SecondStep; s != "" && s != secondStepOptional && s != secondStepStaff && s != secondStepEverybody {
		return want, errs.Invalid("body.second_step", "A second step is optional, or needed for staff or everybody.")
	}
	now := s.now()
	if want.Announcement != nil {
		checked, err := checkAnnouncement(*want.Announcement, now)
		if err != nil {
			return want, err
		}
		want.Announcement = &checked
	}
	if err := s.store.mayAdminister(ctx, by, authn.RoleAdmin); err != nil {
		return want, err
	}
	return s.store.setSettings(ctx, by, want, now)
}

// WithoutSecondStep is how many accounts a demand concerns that have no second
// step. Errors: unavailable.
func (s *Service) WithoutSecondStep(ctx context.Context, demand string) (int64, error) {
	roles := map[string][]string{
		secondStepStaff:     {authn.RoleModerator, authn.RoleAdmin},
		secondStepEverybody: {authn.RoleUser, authn.RoleModerator, authn.RoleAdmin},
	}[demand]
	if len(roles) == 0 {
		return 0, nil
	}
	return s.store.withoutSecondStep(ctx, roles)
}

func checkAnnouncement(a Announcement, now time.Time) (Announcement, error) {
	var err error
	if a.Text, err = oneLine("body.announcement.text", a.Text, maxAnnouncement); err != nil {
		return a, err
	}
	if a.Text == "" {
		return a, errs.Invalid("body.announcement.text", "Write something, or take the announcement back.")
	}
	if a.Level != "info" && a.Level != "warning" && a.Level != "critical" {
		return a, errs.Invalid("body.announcement.level", "A level is info, warning or critical.")
	}
	if a.over(now) {
		return a, errs.Invalid("body.announcement.until", "This is in the past.")
	}
	a.ID, a.Until = id.New(), a.Until.UTC().Truncate(time.Microsecond)
	return a, nil
}

// admission says whether a sign-up with this invitation ("" = none) may go on,
// and returns the hash of the invitation that it uses up, nil for none. Errors:
// forbidden, token-invalid.
func (s *Service) admission(ctx context.Context, invitation string) (*tokenHash, error) {
	settings, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case settings.SignUp == signUpOpen:
		return nil, nil // an old invitation is no obstacle
	case settings.SignUp == signUpClosed:
		return nil, errs.New(errs.Forbidden, "Nobody can sign up here at present.")
	case invitation == "":
		return nil, errs.New(errs.Forbidden, "An invitation is needed to sign up here.")
	}
	hash, ok := secretHash(invitation)
	if !ok {
		return nil, errInvitation()
	}
	return &hash, s.store.invitationGood(ctx, hash, s.now())
}
