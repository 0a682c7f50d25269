package users

import (
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

func TestCleanDisplayName(t *testing.T) {
	for in, want := range map[string]string{
		"Anna":                            "Anna",
		"  Anna\u00a0 ":                   "Anna",
		"Anna  Smith":                     "Anna  Smith",
		"Jose\u0301":                      "José",
		strings.Repeat("é", 64):           strings.Repeat("é", 64),
		strings.Repeat("e\u0301", 64):     strings.Repeat("é", 64), // counted in NFC
		strings.Repeat("🦊", 64):           strings.Repeat("🦊", 64),
		"\u202etxt.exe\u202c":             "\u202etxt.exe\u202c",
		"<script>alert(1)</script>":       "<script>alert(1)</script>",
		"Robert'); DROP TABLE users;--":   "Robert'); DROP TABLE users;--",
		"👨‍👩‍👧‍👦":                         "👨‍👩‍👧‍👦",
		" " + strings.Repeat("x", 64):     strings.Repeat("x", 64),
		"a" + strings.Repeat("\u0335", 9): "a" + strings.Repeat("\u0335", 9),
	} {
		got, err := CleanDisplayName(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]errs.Slug{
		"":                                 errs.InvalidBody,
		" \u2003 ":                         errs.InvalidBody,
		"\u200b\u200d":                     errs.InvalidBody,
		"\u3164":                           errs.InvalidBody,
		"\u0301":                           errs.InvalidBody,
		strings.Repeat("é", 65):            errs.InvalidBody,
		"a" + strings.Repeat("\u0335", 64): errs.InvalidBody,
		"a\x00b":                           errs.InvalidText,
		"a\nb":                             errs.InvalidText,
		"a\tb":                             errs.InvalidText,
		"a\x7f":                            errs.InvalidText,
		"a\u0085b":                         errs.InvalidText,
		"a\u2028b":                         errs.InvalidText,
		"a\xff":                            errs.InvalidText,
		"\xed\xa0\x80":                     errs.InvalidText,
	} {
		got, err := CleanDisplayName(in)
		if !errs.Is(err, want) || got != "" {
			t.Errorf("%q: %q, %v; want %s", in, got, err, want)
		}
	}
}

func TestFromAccount(t *testing.T) {
	user := id.New()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", 3600))
	good := events.Registered{UserID: user.String(), Username: "anna", DisplayName: " Anna ", CreatedAt: at}
	p, err := fromAccount(good)
	want := Profile{UserID: user, Username: "anna", DisplayName: "Anna", Version: 1, CreatedAt: at.UTC().Truncate(time.Microsecond)}
	if err != nil || p != want {
		t.Errorf("%+v, %v; want %+v", p, err, want)
	}
	good.DisplayName = "\x00"
	if p, err := fromAccount(good); err != nil || p.DisplayName != "anna" {
		t.Errorf("%+v, %v; want the username to stand in", p, err)
	}
	for _, bad := range []events.Registered{
		{},
		{UserID: "1", Username: "anna"},
		{UserID: user.String()},
		{UserID: id.Nil.String(), Username: "anna"},
		{UserID: user.String(), Username: strings.Repeat("a", 65)},
		{UserID: user.String(), Username: "a\x00"},
	} {
		if _, err := fromAccount(bad); !errs.Is(err, errs.InvalidBody) {
			t.Errorf("%+v: %v, want invalid-body", bad, err)
		}
	}
}
