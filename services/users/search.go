package users

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxTermBytes  = 128 // width of search_terms.term; longer terms and words are cut there alike
	maxTerms      = 128 // per person; a display name of 64 code points seldom makes ten
	maxQueryWords = 8   // further words of a query are ignored
)

// plain spells letters out that Unicode does not decompose but people type
// without their stroke, and gives typographic marks their keyboard twin.
var plain = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'ħ': "h", 'ŧ': "t", 'ı': "i", 'ĸ': "k",
	'æ': "ae", 'œ': "oe", 'þ': "th", 'ŋ': "n",
	'’': "'", '‘': "'", 'ʼ': "'", '`': "'", '‐': "-", '–': "-", '—': "-",
}

// normalise folds case, accents, widths and the two kana into one form, the
// same for names and queries. Hangul stays decomposed, so that a half-typed
// syllable is a prefix of the whole one. Marks vanish, except the two that
// make other kana of kana.
func normalise(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s))) {
		switch {
		case r == '\u3099' || r == '\u309a':
			b.WriteRune(r)
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case 'ァ' <= r && r <= 'ヶ':
			b.WriteRune(r - ('ァ' - 'ぁ'))
		default:
			if p, ok := plain[r]; ok {
				b.WriteString(p)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// searchTerms lists what a person is found by: every prefix of one of these.
// They are the username, and of the display name each place where a word
// begins: "Jean-Luc Łę" gives "jean-luc", "luc" and "le". Scripts that write
// no spaces have a word begin at every letter: 太郎 is found in 山田太郎.
func searchTerms(username, displayName string) []string {
	terms := []string{cut(normalise(username))}
	add := func(term string) {
		if len(terms) < maxTerms && !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	for token := range strings.FieldsSeq(normalise(displayName)) {
		prev := classPunct
		for i, r := range token {
			class := classOf(r)
			if class != classPunct && (class != prev || unspaced(r)) {
				add(cut(token[i:]))
			}
			prev = class
		}
	}
	return terms
}

// search is what a query looks for: people of whom every word begins a term.
// Whoever has the username is found even where they are in no list.
type search struct {
	words    []string
	username string
}

// searchFor makes a search of what somebody typed; false when it finds nobody,
// whoever there is. A few letters would list half of the people, so that many are
// asked for; scripts that write whole words with one or two signs need fewer.
func searchFor(query string) (search, bool) {
	s := search{words: queryWords(query), username: normalise(strings.TrimPrefix(strings.TrimSpace(query), "@"))}
	enough := slices.ContainsFunc(s.words, func(w string) bool {
		return utf8.RuneCountInString(w) >= minQuery || strings.ContainsFunc(w, dense)
	})
	return s, enough || strings.TrimSpace(query) == ""
}

// minQuery is the shortest beginning of a name that is looked for.
const minQuery = 3

// dense reports whether r says as much as several letters.
func dense(r rune) bool {
	return unspaced(r) || unicode.In(r, unicode.Hangul, unicode.Katakana) || classOf(r) == classSymbol
}

// queryWords splits what somebody typed into the prefixes to look for; a
// person is found when every one of them begins one of the person's terms.
// Leading punctuation goes, so that "@anna" finds anna.
func queryWords(query string) []string {
	var words []string
	for token := range strings.FieldsSeq(normalise(query)) {
		word := cut(strings.TrimLeftFunc(token, unicode.IsPunct))
		if word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words[:min(len(words), maxQueryWords)]
}

type class int

const (
	classPunct class = iota
	classWord
	classSymbol
)

// classOf tells words from signs: a word begins where the class changes, so
// that "Anna🦊" is found by the fox too.
func classOf(r rune) class {
	switch {
	case unicode.IsPunct(r):
		return classPunct
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return classWord
	default:
		return classSymbol
	}
}

// unspaced reports whether r begins a syllable or letter of a script whose
// names are written without spaces. Decomposed Hangul begins one at each
// leading consonant.
func unspaced(r rune) bool {
	if '\u1100' <= r && r <= '\u115f' {
		return true
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// cut shortens s to maxTermBytes at a character's border.
func cut(s string) string {
	if len(s) <= maxTermBytes {
		return s
	}
	end := maxTermBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
