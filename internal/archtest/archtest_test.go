package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repo loads the repository once per test that needs it.
func repo(t *testing.T) (root string, files []File) {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	if files, err = GoFiles(root); err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d Go files found under %s", len(files), root)
	}
	return root, files
}

// read returns a file of the repository.
func read(t *testing.T, root, p string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// clean fails with every finding, one a line.
func clean(t *testing.T, found []string) {
	t.Helper()
	if len(found) > 0 {
		t.Errorf("%d findings:\n%s", len(found), strings.Join(found, "\n"))
	}
}

// finds fails unless exactly one finding mentions want, so that a bad example
// breaks the rule it was written for and no other.
func finds(t *testing.T, found []string, want string) {
	t.Helper()
	if len(found) != 1 || !strings.Contains(found[0], want) {
		t.Errorf("got %q, want one finding about %q", found, want)
	}
}

// source parses a bad example.
func source(t *testing.T, p, src string) []File {
	t.Helper()
	f, err := ParseSource(p, src)
	if err != nil {
		t.Fatal(err)
	}
	return []File{f}
}

func TestRepositoryImports(t *testing.T) {
	root, _ := repo(t)
	pkgs, err := Packages(root)
	if err != nil {
		t.Fatal(err)
	}
	clean(t, CheckImports(pkgs))
}

func TestRepositoryBudgets(t *testing.T) {
	_, files := repo(t)
	clean(t, CheckBudgets(files))
}

func TestRepositoryPackageComments(t *testing.T) {
	_, files := repo(t)
	clean(t, CheckPackageComments(files))
}

func TestRepositoryExportedDocs(t *testing.T) {
	_, files := repo(t)
	clean(t, CheckExportedDocs(files))
}

func TestRepositoryGinStaysAtTheEdge(t *testing.T) {
	_, files := repo(t)
	clean(t, CheckNoGinContext(files))
}

func TestRepositoryTestsNeitherSleepNorSkip(t *testing.T) {
	_, files := repo(t)
	clean(t, CheckTests(files))
}

func TestRepositoryHasNoReplace(t *testing.T) {
	root, _ := repo(t)
	clean(t, CheckNoReplace(read(t, root, "go.mod")))
}

func TestRepositoryMakefile(t *testing.T) {
	root, _ := repo(t)
	clean(t, CheckMakefile(read(t, root, "Makefile"), 21))
}

func TestRepositoryWeb(t *testing.T) {
	root, _ := repo(t)
	paths, err := Paths(root, func(p string) bool {
		return strings.HasPrefix(p, "web/") && (strings.HasSuffix(p, ".ts") || strings.HasSuffix(p, ".tsx"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatal("no TypeScript found under web/")
	}
	for _, p := range paths {
		clean(t, CheckWeb(p, read(t, root, p)))
	}
}

func TestRepositoryGatewayForwardsEveryRoute(t *testing.T) {
	root, files := repo(t)
	routes := Routes(files)
	for _, s := range []string{"auth", "users", "messages", "notify"} {
		if len(routes[s]) == 0 {
			t.Errorf("no Routes found in services/%s", s)
		}
	}
	clean(t, CheckGateway(read(t, root, "deploy/gateway/Caddyfile"), routes))
}

func TestRepositoryUIHeadersAgree(t *testing.T) {
	root, files := repo(t)
	clean(t, CheckUIHeaders(files, read(t, root, "deploy/gateway/Caddyfile")))
}

func TestRepositoryReadmeNamesRoutesAndTables(t *testing.T) {
	root, files := repo(t)
	tables := map[string][]string{}
	migrations, err := Paths(root, func(p string) bool {
		return strings.HasPrefix(p, "services/") && strings.HasSuffix(p, ".sql")
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range migrations {
		service := strings.Split(p, "/")[1]
		tables[service] = append(tables[service], Tables(read(t, root, p))...)
	}
	if len(tables["messages"]) == 0 {
		t.Error("no tables found in services/messages")
	}
	clean(t, CheckServiceTable(read(t, root, "README.md"), Routes(files), tables))
}
