package httpx

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"chatapp/libs/errs"
)

// FuzzStrictJSON: a body that is let through is text, and reads the same after
// it was written anew: no key was lost to a second one of its name.
func FuzzStrictJSON(f *testing.F) {
	for _, body := range []string{
		`{"a":[1,{"b":null}],"c":"😀"}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]`, `{"a":{"a":{"a":1}}}`,
		"{\"a\":\"\xff\"}", `1e999`, `"\u0000"`, `{"\u0061":1,"a":2}`, ` [ ] `, `{"a"`, `]`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second any
		if err := strictJSON.Unmarshal(body, &first); err != nil {
			return
		}
		if !utf8.Valid(body) {
			t.Fatalf("%q: taken, and no text", body)
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictJSON.Unmarshal(again, &second); err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
	})
}

// FuzzDecodeCursor: a cursor is refused as one, or names one position.
func FuzzDecodeCursor(f *testing.F) {
	type position struct {
		Name string
		At   int64
	}
	f.Add(EncodeCursor(position{"ada", 7}))
	for _, s := range []string{"", "e30", "e30=", "bnVsbA", "eyJ4IjoxfQ", "W10", "_-_-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p, q position
		if err := DecodeCursor(s, &p); err != nil {
			if !errs.Is(err, errs.InvalidCursor) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if err := DecodeCursor(EncodeCursor(p), &q); err != nil || p != q {
			t.Fatalf("%q: %+v, then %+v, %v", s, p, q, errors.Unwrap(err))
		}
	})
}
