// Package archtest holds the house rules of this repository as tests: who may
// import whom, how long a function may be, what must be documented, and that
// the tests that the security documents name as evidence exist.
//
// Every rule is a function from sources to findings, so that each is tested
// twice: on the repository, where it must find nothing, and on a small bad
// example, where it must find something. A rule that cannot fail protects
// nothing. The reasons behind the rules are in docs/architecture.md.
package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// module is the import path of the product.
const module = "chatapp"

// Package is what the import rules need to know of one package, as `go list`
// names it. Imports and Deps leave out what only tests import.
type Package struct {
	ImportPath string
	Imports    []string
	Deps       []string // transitive
	Standard   bool
}

// File is one parsed Go file; Path is relative to the repository, with slashes.
type File struct {
	Path string
	Fset *token.FileSet
	AST  *ast.File
	Src  []byte
}

// Test reports whether the file is a test.
func (f File) Test() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Generated reports whether the file says that a machine wrote it.
func (f File) Generated() bool { return ast.IsGenerated(f.AST) }

// Package is the import path of the file's package.
func (f File) Package() string { return path.Join(module, path.Dir(f.Path)) }

// at names a place for people: file:line.
func (f File) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.Fset.Position(n.Pos()).Line)
}

// ParseSource parses one file from memory; p decides which rules apply to it.
func ParseSource(p, src string) (File, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, p, src, parser.ParseComments)
	if err != nil {
		return File{}, fmt.Errorf("parse %s: %w", p, err)
	}
	return File{Path: p, Fset: fset, AST: tree, Src: []byte(src)}, nil
}

// Root is the repository's folder: the nearest one above with a go.mod that
// declares the product.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(data), "module "+module+"\n") {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no go.mod of module %s above the working directory", module)
}

// skipped are folders that hold no product source of ours.
var skipped = []string{".git", ".cache", "node_modules", "dist", "testdata", "bin", "artifacts", "tools"}

// Paths lists the files under root whose name matches keep, sorted, with
// slashes, relative to root.
func Paths(root string, keep func(p string) bool) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && slices.Contains(skipped, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); keep(rel) {
			found = append(found, rel)
		}
		return nil
	})
	return found, err
}

// GoFiles parses every Go file of the repository, tests and the e2e and bench
// modules included.
func GoFiles(root string) ([]File, error) {
	paths, err := Paths(root, func(p string) bool { return strings.HasSuffix(p, ".go") })
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(paths))
	for _, p := range paths {
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		f, err := ParseSource(p, string(src))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Packages asks `go list` for the product's packages and everything they link.
func Packages(root string) ([]Package, error) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "nomsgpack",
		"-json=ImportPath,Imports,Deps,Standard", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.String())
	}
	var pkgs []Package
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p Package
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}
