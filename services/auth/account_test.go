package auth

import (
	"strings"
	"testing"

	"chatapp/libs/errs"
)

func TestUsernamesHaveOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"ada": "ada", "Ada": "ada", "A.B_c-9": "a.b_c-9", "9lives": "9lives",
		strings.Repeat("x", 32): strings.Repeat("x", 32),
	} {
		if got, problem := canonicalUsername(in); got != want || problem != "" {
			t.Errorf("%q: got %q, %q; want %q", in, got, problem, want)
		}
	}
	for _, in := range []string{
		"", "ab", strings.Repeat("x", 33), ".ada", "-ada", "_ada", "ada lovelace", "ada@b", "adа" /* Cyrillic a */, "ada\x00",
		"ada\n", " ada", "ada ", "jürgen", "a/b/c", "../etc", "ada%20", "ada\u202e", "\uff21da", "<b>a</b>",
	} {
		if got, problem := canonicalUsername(in); problem == "" {
			t.Errorf("%q: accepted as %q", in, got)
		}
	}
}

func TestEmailsHaveOneSpelling(t *testing.T) {
	for in, want := range map[string][2]string{
		"ada@example.org":            {"ada@example.org", "ada@example.org"},
		"Ada.L@Example.ORG":          {"Ada.L@example.org", "ada.l@example.org"},
		" ada+x@example.org ":        {"ada+x@example.org", "ada+x@example.org"},
		"ada@bücher.example":         {"ada@bücher.example", "ada@xn--bcher-kva.example"},
		"ada@XN--BCHER-KVA.example":  {"ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		"o'hara@sub.sub.example.org": {"o'hara@sub.sub.example.org", "o'hara@sub.sub.example.org"},
	} {
		shown, key, problem := canonicalEmail(in)
		if shown != want[0] || key != want[1] || problem != "" {
			t.Errorf("%q: got %q, %q, %q", in, shown, key, problem)
		}
	}
	for _, in := range []string{
		"", "ada", "@example.org", "ada@", "ada@localhost", "Ada <ada@example.org>", "ada@example.org, bob@example.org",
		`"a b"@example.org`, "ada@[127.0.0.1]", "ada@exa mple.org", "ädä@example.org", "ada@example.org\r\nBcc: x@y.z",
		"ada@-example.org", "a@b@c.org", strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("b.", 130) + "org",
		"ada@.org", "ada@example..org", "(comment)ada@example.org",
	} {
		if shown, key, problem := canonicalEmail(in); problem == "" {
			t.Errorf("%q: accepted as %q, %q", in, shown, key)
		}
	}
}

func TestDisplayNames(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  Ada ": "Ada", "Ada Lovelace": "Ada Lovelace", "Jo\u0308rg": "J\u00f6rg", "李雷": "李雷", "👩‍👩‍👧": "👩‍👩‍👧",
		"<script>alert(1)</script>": "<script>alert(1)</script>", strings.Repeat("é", 64): strings.Repeat("é", 64),
	} {
		if got, err := canonicalDisplayName(in); got != want || err != nil {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for in, slug := range map[string]errs.Slug{
		"   ": errs.InvalidBody, "\u200b": errs.InvalidBody, strings.Repeat("é", 65): errs.InvalidBody,
		"a\x00b": errs.InvalidText, "a\nb": errs.InvalidText, "a\u202eb": errs.InvalidText, "a\u2066b": errs.InvalidText,
		"a\xffb": errs.InvalidText, "a\u2028b": errs.InvalidText,
	} {
		if got, err := canonicalDisplayName(in); !errs.Is(err, slug) {
			t.Errorf("%q: got %q, %v; want %s", in, got, err, slug)
		}
	}
}

func TestGeneratedUsernamesAreUsernames(t *testing.T) {
	for name, base := range map[string]string{
		"Ada Lovelace": "ada.lovelace", "Jörg Ü": "jorg.u", "  --X Æ A-12!": "x.a.12", "": "", "李雷": "", "Admin": "",
		"A": "", strings.Repeat("long name ", 20): "",
	} {
		for try := range 3 {
			got := generateUsername(name, "some password", try)
			if _, problem := canonicalUsername(got); problem != "" {
				t.Errorf("%q, try %d: %q is no username: %s", name, try, got, problem)
			}
			if base != "" && (try == 0 && got != base || !strings.HasPrefix(got, base)) {
				t.Errorf("%q, try %d: got %q", name, try, got)
			}
		}
	}
	if got := generateUsername("Ada Lovelace", "xx ada.lovelace", 0); strings.Contains(got, "ada") {
		t.Errorf("the password contains the generated name %q", got)
	}
}
