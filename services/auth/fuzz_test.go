package auth

import (
	"testing"
	"unicode/utf8"
)

// FuzzIdentifiers: what is stored of a name is its one spelling, and fits.
func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"Ada", "a_b-c.d", "ada@example.org", "Ada <ada@example.org>", "ADA@BÜCHER.example", "a@b", `"a b"@example.org`, "ada@xn--bcher-kva.example", "a\x00b", "ａｄａ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, problem := canonicalUsername(s); problem == "" {
			if again, problem := canonicalUsername(name); again != name || problem != "" || len(name) > maxUsername {
				t.Fatalf("%q: %q, then %q, %s", s, name, again, problem)
			}
		}
		if shown, key, problem := canonicalEmail(s); problem == "" {
			if _, again, problem := canonicalEmail(key); again != key || problem != "" || len(shown) > maxEmail || len(key) > maxEmail {
				t.Fatalf("%q: %q, then %q, %s", s, key, again, problem)
			}
		}
		if name, err := canonicalDisplayName(s); err == nil {
			if again, err := canonicalDisplayName(name); again != name || err != nil || !utf8.ValidString(name) {
				t.Fatalf("%q: %q, then %q, %v", s, name, again, err)
			}
		}
	})
}

// FuzzSecrets: a secret has one spelling, so one hash.
func FuzzSecrets(f *testing.F) {
	secret, _ := newSecret()
	for _, s := range []string{secret, secret + "=", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", secret + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := secretHash(s); ok && len(s) != 43 {
			t.Fatalf("%q has a hash", s)
		}
	})
}

// FuzzClient: whatever a client says of itself fits its columns.
func FuzzClient(f *testing.F) {
	f.Add("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64)")
	f.Add("\xff", "é\x00\r\n"+string(make([]byte, 300)))
	f.Fuzz(func(t *testing.T, ip, agent string) {
		c := Client{IP: ip, UserAgent: agent}.clean()
		if len(c.IP) > 45 || len(c.UserAgent) > 255 || !utf8.ValidString(c.IP) || !utf8.ValidString(c.UserAgent) {
			t.Fatalf("%+v", c)
		}
	})
}
