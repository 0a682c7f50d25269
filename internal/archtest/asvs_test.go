package archtest

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// evidence is what the repository has to show.
func evidence(t *testing.T) (root string, e Evidence) {
	t.Helper()
	root, files := repo(t)
	specs, err := Paths(root, func(p string) bool { return strings.HasSuffix(p, ".spec.ts") })
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string][]string{}
	for _, p := range specs {
		titles[path.Base(p)] = SpecTitles(read(t, root, p))
	}
	return root, Evidence{Tests: GoTests(files), Titles: titles, Exists: func(p string) bool {
		_, err := os.Stat(filepath.Join(root, "docs", p))
		return err == nil
	}}
}

// TestASVSEvidenceExists reads the document about the ASVS and the threat model:
// what they name as evidence is there.
func TestASVSEvidenceExists(t *testing.T) {
	root, e := evidence(t)
	clean(t, CheckASVS(read(t, root, "docs/security-asvs.md"), e))
	clean(t, CheckNames(read(t, root, "docs/threat-model.md"), e))
}

// TestASVSRuleCanFail breaks the rule in every way once.
func TestASVSRuleCanFail(t *testing.T) {
	e := Evidence{
		Tests:  GoTests(source(t, "libs/x/x_test.go", "package x\nfunc TestThere(t *testing.T) {}\nfunc help() {}")),
		Titles: map[string][]string{"a.spec.ts": SpecTitles("test('a text is text', async () => {});\n")},
		Exists: func(p string) bool { return p == "operations.md" },
	}
	row := func(how, evidence string) string { return "| 1.1.1 | 1 | asks | " + how + " | " + evidence + " |\n" }
	clean(t, CheckASVS("| with a test | 1 |\n"+row("how", "`TestThere`"), e))
	clean(t, CheckASVS("| with a test | 1 |\n"+row("how", "`a.spec.ts: a text`"), e))
	clean(t, CheckASVS("| not met | 1 |\n"+row("**not met**: why", "none"), e))
	clean(t, CheckASVS(row("how", "[operations](operations.md#logs)"), e))
	finds(t, CheckASVS(row("how", "`TestTheir`"), e), "no test file declares TestTheir")
	finds(t, CheckASVS(row("how", "`a.spec.ts: no text`"), e), "no test whose title begins")
	finds(t, CheckASVS(row("how", "[gone](gone.md)"), e), "leads nowhere")
	finds(t, CheckASVS(row("how", ""), e), "names no evidence")
	finds(t, CheckASVS(row("how", "it just is"), e), "names no evidence")
	finds(t, CheckASVS("| 1.1.1 | 1 | asks |\n", e), "not a row of five cells")
	finds(t, CheckASVS(row("how", "`TestThere`")+row("how", "`TestThere`"), e), "twice")
	finds(t, CheckASVS("| with a test | 2 |\n"+row("how", "`TestThere`"), e), "counts 2")
}
