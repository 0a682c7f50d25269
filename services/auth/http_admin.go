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

// adminRoutes are the routes of moderators and administrators, and what everybody
// may know of their decisions.
func (s *Service) adminRoutes() {
	httpx.Register(s.http, public(http.MethodGet, "/api/v1/auth/sign-up", "get-sign-up", http.StatusOK,
		"Who may sign up"), s.handleSignUpMode)
	httpx.Register(s.http, own(http.MethodGet, "/api/v1/auth/announcement", "get-announcement", http.StatusOK,
		"The announcement for everybody, if there is one"), s.handleAnnouncement)
	s.peopleRoutes()
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodGet, "/api/v1/admin/settings", "get-settings", http.StatusOK,
		"What administrators decide while ChatApp runs"), s.handleSettings)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPut, "/api/v1/admin/settings", "put-settings", http.StatusOK,
		"Replace the settings"), s.handlePutSettings)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodGet, "/api/v1/admin/invitations", "list-invitations", http.StatusOK,
		"Invitations, the newest first"), s.handleInvitations)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPost, "/api/v1/admin/invitations", "create-invitation", http.StatusCreated,
		"Make an invitation; its link is shown this once"), s.handleInvite)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodDelete, "/api/v1/admin/invitations/{id}", "delete-invitation", http.StatusNoContent,
		"Withdraw an invitation"), s.handleWithdraw)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodGet, "/api/v1/admin/statistics", "get-statistics", http.StatusOK,
		"Figures about accounts"), s.handleStatistics)
}

// ruled is an operation of people with at least that role; for others it is not
// there.
func (s *Service) ruled(least, method, path, name string, status int, summary string) huma.Operation {
	op := own(method, path, name, status, summary)
	op.Tags = []string{"admin"}
	op.Description = "For the role " + least + "; others get 404."
	op.Middlewares = append(op.Middlewares, s.http.RequireRole(least))
	return op
}

// actor is who asks, as someone who does something to others.
func (s *Service) actor(ctx context.Context) Actor {
	who := authn.From(ctx)
	return Actor{ID: who.UserID, Name: who.Username, Role: who.Role, From: s.client(ctx)}
}

type signUpModeOutput struct {
	Body struct {
		Mode string `json:"mode" enum:"open,invite,closed" doc:"invite: with the link of an invitation"`
	}
}

func (s *Service) handleSignUpMode(ctx context.Context, _ *struct{}) (*signUpModeOutput, error) {
	settings, err := s.Settings(ctx)
	out := &signUpModeOutput{}
	out.Body.Mode = settings.SignUp
	return out, err
}

// AnnouncementBody is a line for everybody who is signed in.
type AnnouncementBody struct {
	ID    id.ID      `json:"id" format:"uuid" doc:"Another one for each text"`
	Text  string     `json:"text"`
	Level string     `json:"level" enum:"info,warning,critical"`
	Until *time.Time `json:"until" doc:"null: until it is taken back"`
}

func announcementBody(a *Announcement) *AnnouncementBody {
	if a == nil {
		return nil
	}
	return &AnnouncementBody{ID: a.ID, Text: a.Text, Level: a.Level, Until: nonZero(a.Until)}
}

type announcementOutput struct {
	Body struct {
		Announcement *AnnouncementBody `json:"announcement,omitempty" doc:"Absent: there is none"`
	}
}

func (s *Service) handleAnnouncement(ctx context.Context, _ *struct{}) (*announcementOutput, error) {
	settings, err := s.Settings(ctx)
	out := &announcementOutput{}
	out.Body.Announcement = announcementBody(settings.Announcement)
	return out, err
}

type settingsOutput struct {
	Body struct {
		SignUp       string            `json:"sign_up" enum:"open,invite,closed"`
		SecondStep   string            `json:"second_step" enum:"optional,staff,everybody" doc:"Who must have a second step; staff: moderators and administrators. Who has none can only set one up, from their next refresh on"`
		Announcement *AnnouncementBody `json:"announcement,omitempty" doc:"Absent: there is none"`
	}
}

func settingsAnswer(settings Settings) *settingsOutput {
	out := &settingsOutput{}
	out.Body.SignUp, out.Body.SecondStep, out.Body.Announcement = settings.SignUp, settings.SecondStep, announcementBody(settings.Announcement)
	return out
}

func (s *Service) handleSettings(ctx context.Context, _ *struct{}) (*settingsOutput, error) {
	settings, err := s.Settings(ctx)
	return settingsAnswer(settings), err
}

// AnnouncementWish is an announcement as an administrator writes it.
type AnnouncementWish struct {
	Text  string     `json:"text" minLength:"1" maxLength:"500"`
	Level string     `json:"level" enum:"info,warning,critical"`
	Until *time.Time `json:"until,omitempty" doc:"Absent: until it is taken back"`
}

type settingsInput struct {
	Body struct {
		SignUp       string            `json:"sign_up" enum:"open,invite,closed"`
		SecondStep   string            `json:"second_step,omitempty" enum:"optional,staff,everybody" doc:"Absent: as it is. Only who has a second step can ask it of others"`
		Announcement *AnnouncementWish `json:"announcement,omitempty" doc:"Absent: none"`
	}
}

func (s *Service) handlePutSettings(ctx context.Context, in *settingsInput) (*settingsOutput, error) {
	want := Settings{SignUp: in.Body.SignUp, SecondStep: in.Body.SecondStep}
	if a := in.Body.Announcement; a != nil {
		want.Announcement = &Announcement{Text: a.Text, Level: a.Level, Until: timeOf(a.Until)}
	}
	settings, err := s.SetSettings(ctx, s.actor(ctx), want)
	return settingsAnswer(settings), err
}

// InvitationItem is an invitation without its secret.
type InvitationItem struct {
	ID        id.ID     `json:"id" format:"uuid"`
	Note      string    `json:"note"`
	MaxUses   int       `json:"max_uses"`
	Uses      int       `json:"uses"`
	MadeBy    string    `json:"made_by" doc:"A username; operator: at the command line"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type invitationsOutput struct {
	Body struct {
		Items []InvitationItem `json:"items"`
	}
}

func (s *Service) handleInvitations(ctx context.Context, _ *struct{}) (*invitationsOutput, error) {
	list, err := s.Invitations(ctx)
	out := &invitationsOutput{}
	out.Body.Items = make([]InvitationItem, 0, len(list))
	for _, i := range list {
		out.Body.Items = append(out.Body.Items, InvitationItem(i))
	}
	return out, err
}

type inviteInput struct {
	Body struct {
		Note      string `json:"note,omitempty" maxLength:"200" doc:"For administrators: what it is for"`
		MaxUses   int    `json:"max_uses" minimum:"1" maximum:"1000" doc:"How many people may sign up with it"`
		ExpiresIn int64  `json:"expires_in" minimum:"60" maximum:"31536000" doc:"Seconds" example:"604800"`
	}
}

type inviteOutput struct {
	Body struct {
		Invitation InvitationItem `json:"invitation"`
		Link       string         `json:"link" doc:"To give away; it cannot be shown again"`
	}
}

func (s *Service) handleInvite(ctx context.Context, in *inviteInput) (*inviteOutput, error) {
	made, link, err := s.Invite(ctx, s.actor(ctx), InvitationWish{
		Note: in.Body.Note, MaxUses: in.Body.MaxUses, Life: time.Duration(in.Body.ExpiresIn) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	out := &inviteOutput{}
	out.Body.Invitation, out.Body.Link = InvitationItem(made), link
	return out, nil
}

func (s *Service) handleWithdraw(ctx context.Context, in *sessionInput) (*struct{}, error) {
	return nil, s.WithdrawInvitation(ctx, s.actor(ctx), in.ID)
}
