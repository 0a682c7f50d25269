package users

import (
	"context"
	"time"
	_ "time/tzdata" // the names are the same on every machine

	"golang.org/x/text/language"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	maxLanguage = 35 // of RFC 5646, section 4.4.1
	maxTimeZone = 64
)

// change is what a person changes of their profile; nil leaves a part as it is.
type change struct {
	DisplayName, StatusText, Language, TimeZone *string
}

// clean checks a change and puts it into the form that is stored. Errors:
// invalid-text, invalid-body.
func (c change) clean() (change, error) {
	if c == (change{}) {
		return c, errs.Invalid("body", "Name something to change.")
	}
	for _, part := range []struct {
		value **string
		clean func(string) (string, error)
	}{
		{&c.DisplayName, CleanDisplayName}, {&c.StatusText, cleanStatus}, {&c.Language, cleanLanguage}, {&c.TimeZone, cleanTimeZone},
	} {
		if *part.value == nil {
			continue
		}
		value, err := part.clean(**part.value)
		if err != nil {
			return c, err
		}
		*part.value = &value
	}
	return c, nil
}

func cleanStatus(s string) (string, error) {
	return cleanLine("body.status_text", "status", s, maxStatus)
}

// cleanLanguage returns a language tag as BCP 47 writes it; "" takes it back.
func cleanLanguage(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	tag, err := language.Parse(s)
	if err != nil || tag == language.Und || len(tag.String()) > maxLanguage {
		return "", errs.Invalid("body.language", "This is not the tag of a language, such as en or pt-BR.")
	}
	return tag.String(), nil
}

// cleanTimeZone accepts the names of the IANA database; "" takes it back. "Local"
// means something else on every machine.
func cleanTimeZone(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if len(s) <= maxTimeZone && s != "Local" {
		if zone, err := time.LoadLocation(s); err == nil {
			return zone.String(), nil
		}
	}
	return "", errs.Invalid("body.time_zone", "This is not the name of a time zone, such as Europe/Berlin.")
}

// apply puts a change into a person and reports what of it is new: to everybody,
// or to the owner alone.
func (c change) apply(p *Person) (public, private bool) {
	set := func(to *string, value *string) bool {
		if value == nil || *to == *value {
			return false
		}
		*to = *value
		return true
	}
	named := set(&p.DisplayName, c.DisplayName)
	public = set(&p.StatusText, c.StatusText) || named
	spoken := set(&p.Language, c.Language)
	private = set(&p.TimeZone, c.TimeZone) || spoken
	return public, private
}

// change changes the caller's profile and announces what others see of it.
// Errors: those of clean and of profile.
func (s *Service) change(ctx context.Context, user id.ID, c change) (Person, error) {
	c, err := c.clean()
	if err != nil {
		return Person{}, err
	}
	if _, err := s.profile(ctx, user); err != nil {
		return Person{}, err
	}
	p, rows, err := s.store.change(ctx, user, c)
	if err != nil {
		return Person{}, err
	}
	s.relay.Publish(rows)
	return p, nil
}

// setPicture shows this picture from now on, or none: what was shown before is
// gone. Errors: those of render and of profile.
func (s *Service) setPicture(ctx context.Context, user id.ID, pictures []rendition) (Person, error) {
	if _, err := s.profile(ctx, user); err != nil {
		return Person{}, err
	}
	var fresh id.ID
	if len(pictures) > 0 {
		fresh = newPictureID()
	}
	p, rows, err := s.store.setPicture(ctx, user, fresh, pictures)
	if err != nil {
		return Person{}, err
	}
	s.relay.Publish(rows)
	return p, nil
}

// setPrivacy changes what a person keeps from others and tells who must act on
// it. Errors: those of profile.
func (s *Service) setPrivacy(ctx context.Context, user id.ID, want Privacy) (Privacy, error) {
	if _, err := s.profile(ctx, user); err != nil {
		return Privacy{}, err
	}
	p, rows, err := s.store.setPrivacy(ctx, user, want)
	if err != nil {
		return Privacy{}, err
	}
	s.relay.Publish(rows)
	return p.Privacy, nil
}
