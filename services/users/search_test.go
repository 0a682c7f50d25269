package users

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// found is the rule that the store's SQL implements: every word of the query
// begins one of the person's terms.
func found(username, displayName, query string) bool {
	terms := searchTerms(username, displayName)
	words := queryWords(query)
	for _, w := range words {
		if !slices.ContainsFunc(terms, func(term string) bool { return strings.HasPrefix(term, w) }) {
			return false
		}
	}
	return len(words) > 0
}

func TestSearchFinds(t *testing.T) {
	for _, c := range []struct{ username, name, query string }{
		{"anna", "Anna Smith", "an"},
		{"anna", "Anna Smith", "ANNA"},
		{"anna", "Anna Smith", "smi"},
		{"anna", "Anna Smith", "smith an"},
		{"anna", "Anna Smith", "  anna  "},
		{"anna", "Anna Smith", "@anna"},
		{"a.b-c_d", "x", "a.b-c_"},
		{"u", "Żółć Ærøskøbing", "zolc"},
		{"u", "Żółć Ærøskøbing", "aeros"},
		{"u", "zolc", "ŻÓŁĆ"},
		{"u", "Jürgen Groß", "jurgen gross"},
		{"u", "Jürgen Groß", "GROẞ"},
		{"u", "J\u0075\u0308rgen", "jür"},
		{"u", "İstanbul Işık", "istanbul isik"},
		{"u", "Ελένη Παπαδόπουλος", "ελενη παπαδοπουλοσ"},
		{"u", "Фёдор", "федор"},
		{"u", "محمد", "مُحَمَّد"},
		{"u", "Nguyễn Thị Đào", "nguyen thi dao"},
		{"u", "Jean-Luc O’Brien", "jean-luc"},
		{"u", "Jean-Luc O’Brien", "luc"},
		{"u", "Jean-Luc O’Brien", "o'br"},
		{"u", "Jean-Luc O’Brien", "brien"},
		{"u", "(Bob)", "bob"},
		{"u", "ＡＮＮＡ", "anna"},
		{"u", "山田太郎", "山"},
		{"u", "山田太郎", "山田太郎"},
		{"u", "山田太郎", "太郎"},
		{"u", "王小明", "小明"},
		{"u", "ヤマダ", "やま"},
		{"u", "ﾔﾏﾀﾞ", "ヤマダ"},
		{"u", "김철수", "김"},
		{"u", "김철수", "기"},
		{"u", "김철수", "철수"},
		{"u", "สมชาย", "ชาย"},
		{"u", "Anna🦊", "🦊"},
		{"u", "🇫🇷 Zoé", "zoe"},
		{"u", "\u202eanna\u202c", "anna"},
	} {
		if !found(c.username, c.name, c.query) {
			t.Errorf("%q does not find %q (%s): terms %q, words %q",
				c.query, c.name, c.username, searchTerms(c.username, c.name), queryWords(c.query))
		}
	}
}

func TestSearchDoesNotFind(t *testing.T) {
	for _, c := range []struct{ username, name, query string }{
		{"anna", "Anna Smith", "nna"},
		{"anna", "Anna Smith", "mith"},
		{"anna", "Anna Smith", "anna jones"},
		{"anna.smith", "x", "smith"}, // of usernames only the beginning counts
		{"anna", "Anna", "%"},
		{"anna", "Anna", "a%"},
		{"anna", "Anna", "_nna"},
		{"anna", "Anna", "a_na"},
		{"anna", "Anna", `\`},
		{"anna", "Anna", "*"},
		{"anna", "Anna", ""},
		{"anna", "Anna", "'"},
		{"u", "がくと", "かくし"},
	} {
		if found(c.username, c.name, c.query) {
			t.Errorf("%q finds %q (%s)", c.query, c.name, c.username)
		}
	}
}

// TestTermsAreBounded: whatever the name, the terms fit their column, stay
// valid text and stay few.
func TestTermsAreBounded(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("ﷺ", 64), strings.Repeat("山", 64), strings.Repeat("a ", 32),
		strings.Repeat("각", 64), "a" + strings.Repeat("\u0301", 63), strings.Repeat("🦊a", 32),
	} {
		terms := searchTerms("u", name)
		if len(terms) > maxTerms || terms[0] != "u" {
			t.Errorf("%q: %d terms, the first %q", name, len(terms), terms[0])
		}
		for _, term := range terms {
			if len(term) == 0 || len(term) > maxTermBytes || !utf8.ValidString(term) {
				t.Errorf("%q: term %q of %d bytes", name, term, len(term))
			}
		}
		if compact := slices.Compact(slices.Sorted(slices.Values(terms))); len(compact) != len(terms) {
			t.Errorf("%q: a term twice in %q", name, terms)
		}
	}
	if words := queryWords("a b c d e f g h i j a"); len(words) != maxQueryWords {
		t.Errorf("%d words, want %d", len(words), maxQueryWords)
	}
}

// FuzzSearchTerms: a whole name always finds its owner.
func FuzzSearchTerms(f *testing.F) {
	for _, s := range []string{"Anna Smith", "山田 太郎", "김철수", "Żółć", "a\u0301\u0323", "ǅ ﬁ ½"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := CleanDisplayName(s)
		if err != nil {
			return
		}
		if len(queryWords(name)) > 0 && !found("u", name, name) {
			t.Errorf("%q does not find itself: terms %q, words %q", name, searchTerms("u", name), queryWords(name))
		}
	})
}
