package archtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// asvsRow is a row for one requirement: | 6.2.1 | 1 | asks | how | evidence |.
	asvsRow = regexp.MustCompile(`^\| *(\d+\.\d+\.\d+) *\| *([12]) *\|([^|]*)\|([^|]*)\|([^|]*)\|$`)
	// asvsID begins a line that means to be such a row.
	asvsID = regexp.MustCompile(`^\| *\d+\.\d+\.\d+ *\|`)
	// asvsCount is a line of the table of counts.
	asvsCount = regexp.MustCompile(`(?m)^\| (requirements listed|with a test|with a document or setting only|not met) \| (\d+) \|$`)

	codeSpan = regexp.MustCompile("`([^`]+)`")
	goTest   = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	specTest = regexp.MustCompile(`^([\w-]+\.spec\.ts): (.+)$`)
	link     = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	// specTitle is the title of a browser test, at the beginning of a line.
	specTitle = regexp.MustCompile("(?m)^\\s*test\\(\\s*['\"`](.+?)['\"`],")
)

// Evidence is what a document may name to show that something is so.
type Evidence struct {
	Tests  map[string]bool     // Go tests and fuzz targets
	Titles map[string][]string // the titles of browser tests, by file name
	Exists func(p string) bool // whether a file is there; p is relative to the document
}

// GoTests are the names of the tests and fuzz targets that files declare.
func GoTests(files []File) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		if !f.Test() {
			continue
		}
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && goTest.MatchString(fn.Name.Name) {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}

// SpecTitles are the titles of the tests of a browser test file.
func SpecTitles(source string) []string {
	var titles []string
	for _, m := range specTitle.FindAllStringSubmatch(source, -1) {
		titles = append(titles, m[1])
	}
	return titles
}

// CheckNames wants every test that a document names in backticks to exist: a Go
// test by its name, a browser test as `file.spec.ts: how its title begins`.
func CheckNames(document string, e Evidence) []string {
	var found []string
	for _, m := range codeSpan.FindAllStringSubmatch(document, -1) {
		name := m[1]
		if goTest.MatchString(name) && !e.Tests[name] {
			found = append(found, fmt.Sprintf("no test file declares %s", name))
		}
		spec := specTest.FindStringSubmatch(name)
		if spec != nil && !slices.ContainsFunc(e.Titles[spec[1]], func(t string) bool { return strings.HasPrefix(t, spec[2]) }) {
			found = append(found, fmt.Sprintf("%s has no test whose title begins with %q", spec[1], spec[2]))
		}
	}
	for _, m := range link.FindAllStringSubmatch(document, -1) {
		if !strings.Contains(m[1], "://") && !e.Exists(m[1]) {
			found = append(found, fmt.Sprintf("the link to %s leads nowhere", m[1]))
		}
	}
	return found
}

// CheckASVS wants of the document about the ASVS that every row names evidence
// that exists, or says "not met" and why, and that its counts are those of its
// rows.
func CheckASVS(document string, e Evidence) []string {
	found := CheckNames(document, e)
	counts := map[string]int{}
	seen := map[string]bool{}
	for line := range strings.Lines(document) {
		line = strings.TrimSpace(line)
		if !asvsID.MatchString(line) {
			continue
		}
		row := asvsRow.FindStringSubmatch(line)
		if row == nil {
			found = append(found, "not a row of five cells: "+line)
			continue
		}
		id, how, evidence := row[1], strings.TrimSpace(row[4]), strings.TrimSpace(row[5])
		if seen[id] {
			found = append(found, id+" is there twice")
		}
		seen[id] = true
		kind := asvsKind(how, evidence)
		if kind == "" || how == "" || evidence == "" {
			found = append(found, id+" names no evidence")
		}
		counts[kind]++
		counts["requirements listed"]++
	}
	for _, m := range asvsCount.FindAllStringSubmatch(document, -1) {
		if n, _ := strconv.Atoi(m[2]); n != counts[m[1]] {
			found = append(found, fmt.Sprintf("%s: the document counts %d, its rows are %d", m[1], n, counts[m[1]]))
		}
	}
	return found
}

// asvsKind is the line of the table of counts that a row belongs to, "" when it
// has no evidence.
func asvsKind(how, evidence string) string {
	if strings.HasPrefix(how, "**not met**") {
		return "not met"
	}
	for _, m := range codeSpan.FindAllStringSubmatch(evidence, -1) {
		if goTest.MatchString(m[1]) || specTest.MatchString(m[1]) {
			return "with a test"
		}
	}
	if link.MatchString(evidence) {
		return "with a document or setting only"
	}
	return ""
}
