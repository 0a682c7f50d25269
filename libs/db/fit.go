package db

import (
	"strings"
	"unicode/utf8"
)

// Fit makes text from outside fit a column of n bytes: valid UTF-8, its end cut
// off between two characters.
func Fit(text string, n int) string {
	text = strings.ToValidUTF8(text, "")
	for len(text) > n {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
