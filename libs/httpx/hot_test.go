package httpx

import (
	"encoding/json"
	"maps"
	"testing"
)

// FuzzFlatStrings: what FlatStrings takes is a strict body, and it reads it as
// encoding/json does. Which bodies it leaves to others is its own business.
func FuzzFlatStrings(f *testing.F) {
	for _, body := range []string{
		`{"a":"b"}`, " {\t\"a\" : \"b\" ,\r\n\"c\":\"d\"} ", `{"a":"\n\"\\\/A😀"}`, `{"a":""}`, `{"ä":"ü👋"}`,
		`{"a":"\ud83d"}`, `{"a":"b","a":"c"}`, `{"a":"b","\u0061":"c"}`, `{"a":null}`, `{"a":1}`, `{"a":["b"]}`, `{"a":{"b":"c"}}`, `{}`, ``, `{"a":"b"`, `{"a":"b"}}`,
		`{"a":"b"},`, `{"a":"b",}`, "{\"a\":\"\x00\"}", "{\"a\":\"\xff\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a" "b"}`, `"a"`, `["a"]`, `{"a":"b"} x`, `{"a":"\`, `{a:"b"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := map[string]string{}
		if !FlatStrings(body, func(name, value string) bool { got[name] = value; return true }) {
			return
		}
		if err := strict(body); err != nil {
			t.Fatalf("%q: taken, but %v", body, err)
		}
		want := map[string]string{}
		if err := json.Unmarshal(body, &want); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%q: %q, want %q, %v", body, got, want, err)
		}
	})
}

func TestFlatStringsTakesWhatPeopleSend(t *testing.T) {
	for _, body := range []string{`{"to":"x","body":"plain"}`, `{"body":"two\nlines, \"quoted\" \u00e4"}`} {
		if !FlatStrings([]byte(body), func(_, _ string) bool { return true }) {
			t.Errorf("%s was left to the slow way", body)
		}
	}
	if FlatStrings([]byte(`{"a":"b"}`), func(_, _ string) bool { return false }) {
		t.Error("a refused field was taken")
	}
}
