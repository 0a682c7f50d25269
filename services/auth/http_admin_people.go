package auth

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// peopleRoutes are the routes about other people's accounts.
func (s *Service) peopleRoutes() {
	const one = "/api/v1/admin/people/{id}"
	httpx.Register(s.http, s.ruled(authn.RoleModerator, http.MethodGet, "/api/v1/admin/people", "list-people", http.StatusOK,
		"Accounts, by username; moderators see no e-mail addresses"), s.handlePeople)
	httpx.Register(s.http, s.ruled(authn.RoleModerator, http.MethodGet, one, "get-person", http.StatusOK,
		"An account and what happened to it; moderators see no addresses"), s.handlePerson)
	httpx.Register(s.http, s.ruled(authn.RoleModerator, http.MethodPost, one+"/suspend", "suspend-person", http.StatusNoContent,
		"Sign a person out and refuse them until restored; moderators: users only"), s.handleSuspend)
	httpx.Register(s.http, s.ruled(authn.RoleModerator, http.MethodPost, one+"/restore", "restore-person", http.StatusNoContent,
		"End a suspension; moderators: users only"), s.handleRestore)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPost, one+"/sign-out", "sign-person-out", http.StatusNoContent,
		"End all sessions of a person"), s.handleSignOut)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPost, one+"/reset-password", "mail-reset-link", http.StatusAccepted,
		"Mail a person a link to choose a new password"), s.handleSendReset)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPost, one+"/reset-factors", "reset-factors", http.StatusNoContent,
		"Take the second factors away from somebody who lost them; their devices are signed out"), s.handleResetFactors)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPost, one+"/delete", "delete-person", http.StatusNoContent,
		"Delete somebody else's account for good"), s.handleRemove)
	httpx.Register(s.http, s.ruled(authn.RoleAdmin, http.MethodPut, one+"/role", "put-role", http.StatusNoContent,
		"Give a person another role; their devices are signed out"), s.handleRole)
}

// PersonItem is an account in the list.
type PersonItem struct {
	ID          id.ID     `json:"id" format:"uuid"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name" doc:"As given at sign-up"`
	Email       string    `json:"email" doc:"Empty when there is none, and for moderators"`
	Role        string    `json:"role" enum:"user,moderator,admin"`
	Suspended   bool      `json:"suspended"`
	CreatedAt   time.Time `json:"created_at"`
}

func personItem(p Person) PersonItem {
	return PersonItem{
		ID: p.ID, Username: p.Username, DisplayName: p.DisplayName, Email: p.Email, Role: p.Role,
		Suspended: p.Suspension != nil, CreatedAt: p.CreatedAt,
	}
}

type peopleInput struct {
	Query  string `query:"query" maxLength:"254" doc:"Beginning of the username, display name or e-mail address"`
	State  string `query:"state" enum:"active,suspended" doc:"Absent: both"`
	Role   string `query:"role" enum:"user,moderator,admin" doc:"Absent: all"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

type peopleOutput struct {
	Body struct {
		Items      []PersonItem `json:"items"`
		NextCursor *string      `json:"next_cursor" doc:"null on the last page"`
	}
}

// peoplePosition is inside the opaque cursor of the list of people.
type peoplePosition struct {
	After string `json:"after"`
}

func (s *Service) handlePeople(ctx context.Context, in *peopleInput) (*peopleOutput, error) {
	var at peoplePosition
	if in.Cursor != "" {
		if err := httpx.DecodeCursor(in.Cursor, &at); err != nil {
			return nil, err
		}
		if _, problem := canonicalUsername(at.After); problem != "" {
			return nil, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
		}
	}
	if !utf8.ValidString(in.Query) || strings.ContainsRune(in.Query, 0) {
		return nil, errs.New(errs.InvalidText, "The query holds characters that are not text.")
	}
	list, err := s.People(ctx, s.actor(ctx), PeopleFilter{
		Query: in.Query, State: in.State, Role: in.Role, After: at.After, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := &peopleOutput{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next := httpx.EncodeCursor(peoplePosition{After: list[in.Limit-1].Username})
		out.Body.NextCursor = &next
	}
	out.Body.Items = make([]PersonItem, 0, len(list))
	for _, p := range list {
		out.Body.Items = append(out.Body.Items, personItem(p))
	}
	return out, nil
}

// SuspensionBody says why somebody may not sign in.
type SuspensionBody struct {
	Reason string    `json:"reason"`
	By     string    `json:"by" doc:"A username; operator: at the command line"`
	At     time.Time `json:"at"`
}

// EventItem is a line of the audit log.
type EventItem struct {
	At     time.Time `json:"at"`
	Event  string    `json:"event" example:"login"`
	Actor  string    `json:"actor" doc:"Who did it, when that was somebody else; operator: at the command line"`
	Detail string    `json:"detail"`
	IP     string    `json:"ip" doc:"Empty for moderators"`
	Device string    `json:"device" example:"Firefox on Linux"`
}

type personOutput struct {
	Body struct {
		Person         PersonItem      `json:"person"`
		EmailConfirmed bool            `json:"email_confirmed"`
		Suspension     *SuspensionBody `json:"suspension,omitempty" doc:"Absent: not suspended"`
		Sessions       int             `json:"sessions" doc:"Devices that are signed in"`
		LastSignIn     *time.Time      `json:"last_sign_in" doc:"null: none is remembered"`
		Events         []EventItem     `json:"events" doc:"At most 50, the newest first"`
	}
}

type personInput struct {
	ID id.ID `path:"id" format:"uuid"`
}

func (s *Service) handlePerson(ctx context.Context, in *personInput) (*personOutput, error) {
	d, err := s.Person(ctx, s.actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := &personOutput{}
	b := &out.Body
	b.Person, b.EmailConfirmed, b.Sessions = personItem(d.Person), d.Email != "" && d.Confirmed, d.Sessions
	b.LastSignIn = nonZero(d.LastSignIn)
	if p := d.Suspension; p != nil {
		b.Suspension = &SuspensionBody{Reason: p.Reason, By: p.By, At: p.At}
	}
	b.Events = make([]EventItem, 0, len(d.Events))
	for _, e := range d.Events {
		b.Events = append(b.Events, EventItem{
			At: e.At, Event: e.Name, Actor: e.Actor, Detail: e.Detail, IP: e.From.IP, Device: e.From.device(),
		})
	}
	return out, nil
}

type suspendInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"For moderators and administrators; the person does not see it"`
	}
}

func (s *Service) handleSuspend(ctx context.Context, in *suspendInput) (*struct{}, error) {
	return nil, s.Suspend(ctx, s.actor(ctx), in.ID, in.Body.Reason)
}

func (s *Service) handleRestore(ctx context.Context, in *personInput) (*struct{}, error) {
	return nil, s.Restore(ctx, s.actor(ctx), in.ID)
}

func (s *Service) handleSignOut(ctx context.Context, in *personInput) (*struct{}, error) {
	return nil, s.SignOut(ctx, s.actor(ctx), in.ID)
}

func (s *Service) handleSendReset(ctx context.Context, in *personInput) (*struct{}, error) {
	return nil, s.SendReset(ctx, s.actor(ctx), in.ID)
}

func (s *Service) handleResetFactors(ctx context.Context, in *personInput) (*struct{}, error) {
	return nil, s.ResetFactors(ctx, s.actor(ctx), in.ID)
}

type removeInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Username string `json:"username" minLength:"1" maxLength:"64" doc:"Of the account, to be sure"`
	}
}

func (s *Service) handleRemove(ctx context.Context, in *removeInput) (*struct{}, error) {
	return nil, s.Remove(ctx, s.actor(ctx), in.ID, in.Body.Username)
}

type roleInput struct {
	ID   id.ID `path:"id" format:"uuid"`
	Body struct {
		Role string `json:"role" enum:"user,moderator,admin"`
	}
}

func (s *Service) handleRole(ctx context.Context, in *roleInput) (*struct{}, error) {
	return nil, s.SetRole(ctx, s.actor(ctx), in.ID, in.Body.Role)
}

// DayItem counts what happened on one day.
type DayItem struct {
	Date    string `json:"date" format:"date" doc:"UTC"`
	SignUps int    `json:"sign_ups"`
	SignIns int    `json:"sign_ins"`
}

type statisticsOutput struct {
	Body struct {
		Accounts    int       `json:"accounts"`
		Suspended   int       `json:"suspended"`
		Sessions    int       `json:"sessions" doc:"Devices that are signed in"`
		ActiveDay   int       `json:"active_day" doc:"Accounts used within the last 24 hours"`
		ActiveWeek  int       `json:"active_week" doc:"... 7 days"`
		ActiveMonth int       `json:"active_month" doc:"... 30 days"`
		Days        []DayItem `json:"days" doc:"The last 30, the oldest first"`
	}
}

func (s *Service) handleStatistics(ctx context.Context, _ *struct{}) (*statisticsOutput, error) {
	stats, err := s.Statistics(ctx)
	if err != nil {
		return nil, err
	}
	out := &statisticsOutput{}
	b := &out.Body
	b.Accounts, b.Suspended, b.Sessions = stats.Accounts, stats.Suspended, stats.Sessions
	b.ActiveDay, b.ActiveWeek, b.ActiveMonth = stats.Active[0], stats.Active[1], stats.Active[2]
	for _, d := range stats.Days {
		b.Days = append(b.Days, DayItem(d))
	}
	return out, nil
}
