package users

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/limit"
)

const title = "ChatApp users"

// routes is the service's table of contents.
func (s *Service) routes(server *httpx.Server) {
	httpx.Register(server, httpx.Enrolling(operation("get-me", http.MethodGet, "/api/v1/users/me",
		"Your own profile", http.StatusUnauthorized)), s.getMe)
	httpx.Register(server, operation("update-me", http.MethodPatch, "/api/v1/users/me",
		"Change your profile; what is left out stays", http.StatusBadRequest, http.StatusUnauthorized), s.updateMe)
	httpx.Register(server, notModified(operation("get-user", http.MethodGet, "/api/v1/users/{id}",
		"Somebody's profile", http.StatusUnauthorized, http.StatusNotFound)), s.getUser)
	httpx.Register(server, httpx.Limited(operation("list-users", http.MethodGet, "/api/v1/users",
		"The directory, or a search in it; without yourself and whom you blocked or who blocked you, by username",
		http.StatusBadRequest, http.StatusUnauthorized), limit.Search), s.listUsers)
	s.blockRoutes(server)
	s.pictureRoutes(server)
	s.privacyRoutes(server)
	s.activityRoutes(server)
}

func operation(name, method, path, summary string, statuses ...int) huma.Operation {
	return huma.Operation{
		OperationID: name, Method: method, Path: path, Summary: summary,
		Tags: []string{"users"}, Security: httpx.Bearer, Errors: append(statuses, http.StatusServiceUnavailable),
	}
}

func notModified(op huma.Operation) huma.Operation {
	op.Responses = map[string]*huma.Response{"304": {Description: "Not changed since the ETag in If-None-Match"}}
	return op
}

// User is a person as others see them.
type User struct {
	ID          string     `json:"id" format:"uuid"`
	Username    string     `json:"username" example:"anna"`
	DisplayName string     `json:"display_name" example:"Anna Smith"`
	StatusText  string     `json:"status_text,omitempty" example:"At sea until May" doc:"Absent when there is none"`
	Picture     *Picture   `json:"picture,omitempty" doc:"Absent when there is none"`
	LastSeenAt  *time.Time `json:"last_seen_at,omitempty" doc:"When they were last connected, to the minute; only where one person is asked for, and absent where you may not know it"`
}

// Me is a person as they see themselves.
type Me struct {
	ID          string    `json:"id" format:"uuid"`
	Username    string    `json:"username" example:"anna"`
	DisplayName string    `json:"display_name" example:"Anna Smith"`
	StatusText  string    `json:"status_text" example:"At sea until May" doc:"Empty when there is none"`
	Picture     *Picture  `json:"picture,omitempty" doc:"Absent when there is none"`
	Language    string    `json:"language" example:"pt-BR" doc:"A BCP 47 tag; empty when none was said. Nobody else sees it"`
	TimeZone    string    `json:"time_zone" example:"Europe/Berlin" doc:"A name of the IANA database; empty when none was said. Nobody else sees it"`
	CreatedAt   time.Time `json:"created_at" doc:"When the account was made"`
}

// Picture says where a person's picture is, by its edge in pixels. The addresses
// need no token and change with the picture.
type Picture struct {
	Small  string `json:"small" doc:"64 by 64 pixels"`
	Medium string `json:"medium" doc:"128 by 128 pixels"`
	Large  string `json:"large" doc:"512 by 512 pixels"`
}

// UserPage is one page of the directory.
type UserPage struct {
	Items      []User  `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"Pass as cursor for the next page; null on the last one"`
}

// ProfileChange is what a person may change about themselves.
type ProfileChange struct {
	DisplayName *string `json:"display_name,omitempty" example:"Anna Smith" doc:"1 to 64 characters, once trimmed; no control characters or line breaks"`
	StatusText  *string `json:"status_text,omitempty" example:"At sea until May" doc:"At most 100 characters of one line; empty takes it away"`
	Language    *string `json:"language,omitempty" example:"pt-BR" doc:"A BCP 47 tag; empty takes it away"`
	TimeZone    *string `json:"time_zone,omitempty" example:"Europe/Berlin" doc:"A name of the IANA database; empty takes it away"`
}

type meOutput struct{ Body Me }

func (s *Service) getMe(ctx context.Context, _ *struct{}) (*meOutput, error) {
	p, err := s.profile(ctx, authn.From(ctx).UserID)
	return asMe(p, err)
}

type updateMeInput struct{ Body ProfileChange }

func (s *Service) updateMe(ctx context.Context, in *updateMeInput) (*meOutput, error) {
	p, err := s.change(ctx, authn.From(ctx).UserID, change(in.Body))
	return asMe(p, err)
}

// asMe answers with the caller's profile. A valid token whose account is gone
// is nobody's: the client has to sign in again, not to show "not found".
func asMe(p Person, err error) (*meOutput, error) {
	if err != nil {
		return nil, ofMe(err)
	}
	return &meOutput{Me{
		ID: p.UserID.String(), Username: p.Username, DisplayName: p.DisplayName, StatusText: p.StatusText, Picture: p.picture(),
		Language: p.Language, TimeZone: p.TimeZone, CreatedAt: p.CreatedAt,
	}}, nil
}

// ofMe is an error about the caller.
func ofMe(err error) error {
	if errs.Is(err, errs.NotFound) {
		return errs.Wrap(errs.Unauthenticated, "This account no longer exists. Sign in again.", err)
	}
	return err
}

type getUserInput struct {
	ID          string `path:"id" format:"uuid"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETags you already have"`
}

type getUserOutput struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         User
}

func (s *Service) getUser(ctx context.Context, in *getUserInput) (*getUserOutput, error) {
	user, err := id.Parse(in.ID)
	if err != nil {
		return nil, noSuchPerson()
	}
	p, err := s.profile(ctx, user)
	if err != nil {
		return nil, err
	}
	out := &getUserOutput{
		Status:       http.StatusOK,
		ETag:         fmt.Sprintf(`"%d"`, p.Version),
		CacheControl: "private, no-cache", // may be kept, must be asked about
		Body:         asUser(p.Profile),
	}
	if out.Body.LastSeenAt, err = s.store.lastSeen(ctx, authn.From(ctx).UserID, user); err != nil {
		return nil, err
	}
	if seen := out.Body.LastSeenAt; seen != nil {
		out.ETag = fmt.Sprintf(`"%d-%d"`, p.Version, seen.Unix())
	}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

// matches compares as RFC 9110 says for If-None-Match: any of a list, weak or
// not, or a star.
func matches(ifNoneMatch, etag string) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

type listUsersInput struct {
	Query  string  `query:"query" maxLength:"64" doc:"Beginning of the username or of words of the display name; case and accents do not matter. Give at least three letters, or one sign of a script such as Chinese, Japanese or Korean; less finds nobody. Without it: everybody who lets themselves be found"`
	Cursor string  `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int     `query:"limit" minimum:"1" maximum:"100" default:"15"`
	IDs    []id.ID `query:"ids" maxItems:"100" doc:"Instead: these people, whoever of them there is, on one page"`
}

type listUsersOutput struct{ Body UserPage }

func (s *Service) listUsers(ctx context.Context, in *listUsersInput) (*listUsersOutput, error) {
	after, err := decodePage(in.Cursor)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(in.Query) || strings.ContainsRune(in.Query, 0) {
		return nil, errs.New(errs.InvalidText, "The query holds characters that are not text.")
	}
	if len(in.IDs) > 0 {
		people, err := s.store.named(ctx, in.IDs)
		return asPage(people, len(in.IDs)), err
	}
	want, ok := searchFor(in.Query)
	if !ok {
		return asPage(nil, in.Limit), nil
	}
	people, err := s.store.directory(ctx, authn.From(ctx).UserID, want, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return asPage(people, in.Limit), nil
}

// asPage makes a page of at most limit people of a list that was read one longer.
func asPage(people []Profile, limit int) *listUsersOutput {
	out := &listUsersOutput{UserPage{Items: []User{}}}
	if len(people) > limit {
		people = people[:limit]
		last := people[limit-1]
		next := httpx.EncodeCursor(page{Username: last.Username, UserID: last.UserID})
		out.Body.NextCursor = &next
	}
	for _, p := range people {
		out.Body.Items = append(out.Body.Items, asUser(p))
	}
	return out
}

// decodePage reads a cursor; "" is the first page.
func decodePage(cursor string) (*page, error) {
	if cursor == "" {
		return nil, nil
	}
	var p page
	if err := httpx.DecodeCursor(cursor, &p); err != nil {
		return nil, err
	}
	if p.Username == "" || p.UserID.IsZero() || !validText(p.Username) {
		return nil, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
	}
	return &p, nil
}

func asUser(p Profile) User {
	return User{ID: p.UserID.String(), Username: p.Username, DisplayName: p.DisplayName, StatusText: p.StatusText, Picture: p.picture()}
}

func noSuchPerson() error { return errs.New(errs.NotFound, "There is no such person.") }
