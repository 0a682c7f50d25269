package messages

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// FuzzBody: a text is stored as it was given, or refused.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"hello", "  hello\n", "", " \t", "a\x00b", strings.Repeat("ä", MaxBody+1), "\u202eright", "👩‍👩‍👧‍👦"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // never gets this far: httpx.FuzzStrictJSON
		}
		body, err := cleanBody(s)
		if err != nil {
			return
		}
		again, err := cleanBody(body)
		if err != nil || again != body || !strings.Contains(s, body) || utf8.RuneCountInString(body) > MaxBody || strings.ContainsRune(body, 0) {
			t.Fatalf("%q: %q, then %q, %v", s, body, again, err)
		}
	})
}

// FuzzLogCursor: one position has one name.
func FuzzLogCursor(f *testing.F) {
	for _, s := range []string{"0123456789abcdef-42", "0123456789abcdef-042", "-1", "0123456789abcdef-18446744073709551615", "0123456789abcdef-18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		switch c, err := parseCursor(s); {
		case err != nil && !errs.Is(err, errs.InvalidCursor):
			t.Fatal(err)
		case err == nil && c.String() != s:
			t.Fatalf("%q is %q", s, c)
		}
	})
}

// FuzzHotPost: the fast way of reading a post reads what the slow one does.
func FuzzHotPost(f *testing.F) {
	a, b := id.New().String(), id.New().String()
	for _, s := range []string{
		`{"to":"` + a + `","client_id":"` + b + `","body":"hello"}`, `{"conversation_id":"` + a + `","client_id":"` + b + `","body":"x\n"}`,
		`{"to":"` + strings.ToUpper(a) + `","client_id":"` + b + `","body":"x"}`, `{"to":"","client_id":"` + b + `","body":"x"}`, `{"seq":"1","client_id":"` + b + `","body":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var fast, slow postInput
		if !hotPost.Decode(body, &fast) {
			return
		}
		if err := json.Unmarshal(body, &slow.Body); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		one, _ := json.Marshal(fast.Body)
		two, _ := json.Marshal(slow.Body)
		if string(one) != string(two) {
			t.Fatalf("%q: %s, not %s", body, one, two)
		}
	})
}

// FuzzIDs: the ids in events of other services are ids or refused, never a panic.
func FuzzIDs(f *testing.F) {
	f.Add(id.New().String(), "")
	f.Fuzz(func(t *testing.T, a, b string) {
		list, err := parseIDs([]string{a, b})
		if err == nil && len(list) != 2 {
			t.Fatalf("%q, %q: %v", a, b, list)
		}
	})
}
