package users

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// maxDisplayName is the longest display name, in code points after NFC; the
// column is as wide.
const maxDisplayName = 64

// maxUsername is what the column holds. Which usernames exist is decided by
// auth; this only keeps a broken event from breaking the table.
const maxUsername = 64

// Profile is what everybody may know about a person. Version is 1 at first and
// grows by one with each change.
type Profile struct {
	UserID      id.ID
	Username    string
	DisplayName string
	Version     uint64
	CreatedAt   time.Time
}

// changed is the profile as the other services learn it.
func (p Profile) changed() events.ProfileChanged {
	return events.ProfileChanged{
		UserID:      p.UserID.String(),
		Username:    p.Username,
		DisplayName: p.DisplayName,
		Version:     p.Version,
	}
}

// CleanDisplayName returns the name as it is stored: trimmed and in NFC, 1..64
// code points with at least one that can be seen. Direction marks inside are
// kept as given (showing them isolated is the reader's task). Errors:
// invalid-text for what is no text (bad UTF-8, control characters, line
// breaks), invalid-body for empty and too long.
func CleanDisplayName(s string) (string, error) {
	if !validText(s) {
		return "", nameError(errs.InvalidText, "The display name holds characters that are not text.")
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if !strings.ContainsFunc(s, visible) {
		return "", nameError(errs.InvalidBody, "The display name must not be empty.")
	}
	if n := utf8.RuneCountInString(s); n > maxDisplayName {
		return "", nameError(errs.InvalidBody,
			fmt.Sprintf("The display name has %d characters; at most %d are allowed.", n, maxDisplayName))
	}
	return s, nil
}

func nameError(slug errs.Slug, text string) error {
	e := errs.New(slug, text)
	e.Fields = []errs.Field{{Location: "body.display_name", Message: text}}
	return e
}

// validText refuses bad UTF-8, control characters and line separators.
func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
	})
}

// visible reports whether r leaves a trace on the screen. The four fillers are
// letters by category and blank by design.
func visible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800':
		return false
	}
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r)
}

// fromAccount makes the first version of a profile from what auth says about
// an account. An account is a fact: a display name that breaks our rules does
// not make its owner invisible, the username stands in. Only an event without
// a usable id or username is refused, as invalid-body.
func fromAccount(a events.Registered) (Profile, error) {
	user, err := id.Parse(a.UserID)
	if err != nil || user.IsZero() {
		return Profile{}, errs.Wrap(errs.InvalidBody, "an account without a user id", err)
	}
	if n := len(a.Username); n == 0 || n > maxUsername || !validText(a.Username) {
		return Profile{}, errs.New(errs.InvalidBody, "an account without a usable username")
	}
	name, err := CleanDisplayName(a.DisplayName)
	if err != nil {
		name = a.Username
	}
	return Profile{
		UserID:      user,
		Username:    a.Username,
		DisplayName: name,
		Version:     1,
		CreatedAt:   a.CreatedAt.UTC().Truncate(time.Microsecond),
	}, nil
}
