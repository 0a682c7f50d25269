package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// mapWords are what a service's package comment must answer.
var mapWords = []string{"OWNS", "SERVES", "EMITS", "CONSUMES"}

// servicePackage matches the folder of a service, not its sub-folders.
var servicePackage = regexp.MustCompile(`^` + module + `/services/[a-z]+$`)

// CheckPackageComments wants exactly one package comment in each package, and
// in a service's the map of what it owns, serves, emits and consumes.
func CheckPackageComments(files []File) []string {
	comments := map[string][]string{} // by package
	for _, f := range files {
		if f.Test() || f.Generated() {
			continue
		}
		pkg := f.Package()
		if _, ok := comments[pkg]; !ok {
			comments[pkg] = nil
		}
		if f.AST.Doc != nil {
			comments[pkg] = append(comments[pkg], f.AST.Doc.Text())
		}
	}
	var found []string
	for pkg, texts := range comments {
		if len(texts) != 1 {
			found = append(found, fmt.Sprintf("%s has %d package comments, want exactly one", pkg, len(texts)))
			continue
		}
		if !servicePackage.MatchString(pkg) {
			continue
		}
		for _, w := range mapWords {
			if !strings.Contains(texts[0], w) {
				found = append(found, fmt.Sprintf("%s: the package comment does not say what it %s", pkg, w))
			}
		}
	}
	slices.Sort(found)
	return found
}

// CheckExportedDocs wants a comment on every exported name of product code. A
// comment on a group of constants or variables covers the group, one inside it
// what follows up to an empty line.
func CheckExportedDocs(files []File) []string {
	var found []string
	for _, f := range files {
		if f.Test() || f.Generated() {
			continue
		}
		for _, d := range f.AST.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					found = append(found, fmt.Sprintf("%s: %s has no comment", f.at(d), d.Name.Name))
				}
			case *ast.GenDecl:
				found = append(found, f.undocumented(d)...)
			}
		}
	}
	return found
}

// exportedReceiver is true for functions and for methods of exported types.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch g := t.(type) {
	case *ast.IndexExpr:
		t = g.X
	case *ast.IndexListExpr:
		t = g.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// undocumented lists the exported names of a declaration without a comment.
func (f File) undocumented(d *ast.GenDecl) []string {
	var found []string
	covered := -1 // the line that a comment above a run of values reaches
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				found = append(found, fmt.Sprintf("%s: type %s has no comment", f.at(s), s.Name.Name))
			}
		case *ast.ValueSpec:
			first, last := f.Fset.Position(s.Pos()).Line, f.Fset.Position(s.End()).Line
			if s.Doc != nil || covered == first-1 {
				covered = last
				continue
			}
			if d.Doc != nil || s.Comment != nil || d.Tok == token.IMPORT {
				continue
			}
			for _, name := range s.Names {
				if name.IsExported() {
					found = append(found, fmt.Sprintf("%s: %s has no comment", f.at(s), name.Name))
				}
			}
		}
	}
	return found
}
