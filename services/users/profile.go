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

// maxStatus is the longest status text, counted as display names are.
const maxStatus = 100

// Profile is what everybody may know about a person. Version is 1 at first and
// grows by one with each change. PictureID is Nil where there is no picture.
type Profile struct {
	UserID      id.ID
	Username    string
	DisplayName string
	Version     uint64
	CreatedAt   time.Time
	StatusText  string
	PictureID   id.ID
}

// Person is a profile with what only its owner may see.
type Person struct {
	Profile
	Language string // a BCP 47 tag, "" for none said
	TimeZone string // a name of the IANA database, "" for none said
	Privacy  Privacy
}

// Privacy is what a person keeps from others; nothing at first.
type Privacy struct {
	Unlisted     bool // in no list; found by the whole username alone
	HideLastSeen bool // and does not see when others were here
	HideReceipts bool // and does not see how far others have read
	Version      uint64
}

// changed is the profile as the other services learn it.
func (p Profile) changed() events.ProfileChanged {
	e := events.ProfileChanged{
		UserID:      p.UserID.String(),
		Username:    p.Username,
		DisplayName: p.DisplayName,
		StatusText:  p.StatusText,
		Version:     p.Version,
	}
	if !p.PictureID.IsZero() {
		e.PictureID = p.PictureID.String()
	}
	return e
}

// CleanDisplayName returns the name as it is stored: trimmed and in NFC, 1..64
// code points with at least one that can be seen. Direction marks inside are
// kept as given (showing them isolated is the reader's task). Errors:
// invalid-text for what is no text (bad UTF-8, control characters, line
// breaks), invalid-body for empty and too long.
func CleanDisplayName(s string) (string, error) {
	s, err := cleanLine("body.display_name", "display name", s, maxDisplayName)
	if err == nil && s == "" {
		err = fieldError(errs.InvalidBody, "body.display_name", "The display name must not be empty.")
	}
	return s, err
}

// cleanLine returns one line of text trimmed and in NFC; "" where nothing in it
// can be seen. Errors: invalid-text, and invalid-body for more than limit
// characters.
func cleanLine(location, name, s string, limit int) (string, error) {
	if !validText(s) {
		return "", fieldError(errs.InvalidText, location, "The "+name+" holds characters that are not text.")
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if !strings.ContainsFunc(s, visible) {
		return "", nil
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return "", fieldError(errs.InvalidBody, location, fmt.Sprintf("The %s has %d characters; at most %d are allowed.", name, n, limit))
	}
	return s, nil
}

func fieldError(slug errs.Slug, location, text string) error {
	e := errs.New(slug, text)
	e.Fields = []errs.Field{{Location: location, Message: text}}
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
