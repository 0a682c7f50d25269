package archtest

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Budgets of the web UI, in lines.
const (
	maxComponent = 150
	maxScript    = 400
)

var (
	// comments and strings are removed before types are looked at.
	tsNoise = regexp.MustCompile("(?s)/\\*.*?\\*/|//[^\n]*|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])*'")
	// any in a place where a type stands.
	tsAny = regexp.MustCompile(`(?m)(:|\bas|<|\||&|,)\s*any\s*([,;>)\]=|&{\[]|$)`)
	// what a module imports: import … from "x", export … from "x", import("x").
	tsImport = regexp.MustCompile(`(?:from|import)\s*\(?\s*["']([^"']+)["']`)
	// the folder of one feature.
	feature = regexp.MustCompile(`(?:^|/)features/([^/]+)`)
)

// CheckWeb applies the UI's rules to one TypeScript file: p is its path in the
// repository. Tests keep the type and import rules but have no length budget.
func CheckWeb(p, src string) []string {
	if strings.Contains(src[:min(len(src), 400)], "auto-generated") {
		return nil
	}
	var found []string
	lines, limit := strings.Count(src, "\n"), maxScript
	if strings.HasSuffix(p, ".tsx") {
		limit = maxComponent
	}
	test := strings.Contains(p, ".test.") || strings.Contains(p, "/test/")
	if lines > limit && !test {
		found = append(found, fmt.Sprintf("%s has %d lines, at most %d", p, lines, limit))
	}
	if m := tsAny.FindString(tsNoise.ReplaceAllString(src, `""`)); m != "" {
		found = append(found, fmt.Sprintf("%s: type any (%q)", p, strings.TrimSpace(m)))
	}
	own := feature.FindStringSubmatch(p)
	if own == nil {
		return found
	}
	for _, m := range tsImport.FindAllStringSubmatch(src, -1) {
		target := m[1]
		if strings.HasPrefix(target, ".") {
			target = path.Join(path.Dir(p), target)
		}
		if other := feature.FindStringSubmatch(target); other != nil && other[1] != own[1] {
			found = append(found, fmt.Sprintf("%s imports feature %s: features never import each other", p, other[1]))
		}
	}
	return found
}
