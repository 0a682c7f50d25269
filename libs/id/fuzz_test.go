package id

import (
	"strings"
	"testing"
)

// FuzzParse: one id has one name, but for the case of its letters.
func FuzzParse(f *testing.F) {
	for _, s := range []string{New().String(), "", "{01a214f1-55da-7d35-9d03-848a1561176f}", "urn:uuid:01a214f1-55da-7d35-9d03-848a1561176f", "01A214F1-55DA-7D35-9D03-848A1561176F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := Parse(s); err == nil && v.String() != strings.ToLower(s) {
			t.Fatalf("%q is %v", s, v)
		}
	})
}
