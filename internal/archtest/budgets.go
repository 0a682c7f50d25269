package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"strings"
)

// Budgets, in lines. They are not about taste: what does not fit on one screen
// is not read, and what is not read is not reviewed.
const (
	maxFunction     = 60
	maxTestFunction = 100
	maxMain         = 40
	maxFile         = 400
	maxTestFile     = 800
	maxMethods      = 5
)

// CheckBudgets measures functions, files and interfaces of hand-written files.
func CheckBudgets(files []File) []string {
	var found []string
	for _, f := range files {
		if f.Generated() {
			continue
		}
		limit := maxFile
		if f.Test() {
			limit = maxTestFile
		}
		if n := bytes.Count(f.Src, []byte("\n")); n > limit {
			found = append(found, fmt.Sprintf("%s has %d lines, at most %d", f.Path, n, limit))
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			found = append(found, f.checkNode(n)...)
			return true
		})
	}
	return found
}

// checkNode measures one declaration.
func (f File) checkNode(n ast.Node) []string {
	switch d := n.(type) {
	case *ast.FuncDecl:
		if d.Body == nil {
			return nil
		}
		limit := maxFunction
		if f.Test() {
			limit = maxTestFunction
		} else if d.Name.Name == "main" && d.Recv == nil && f.AST.Name.Name == "main" {
			limit = maxMain
		}
		lines := f.Fset.Position(d.Body.Rbrace).Line - f.Fset.Position(d.Body.Lbrace).Line - 1
		if lines > limit {
			return []string{fmt.Sprintf("%s: %s has %d lines, at most %d", f.at(d), d.Name.Name, lines, limit)}
		}
	case *ast.TypeSpec:
		if i, ok := d.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxMethods {
			return []string{fmt.Sprintf("%s: interface %s has %d methods, at most %d", f.at(d), d.Name.Name, i.Methods.NumFields(), maxMethods)}
		}
	}
	return nil
}

// CheckMakefile counts the targets a person can call: those with a "## text".
func CheckMakefile(src string, most int) []string {
	var found []string
	var listed, phony int
	for line := range strings.Lines(src) {
		if strings.HasPrefix(line, ".PHONY:") {
			phony += len(strings.Fields(line)) - 1
		}
		if name, text, ok := strings.Cut(line, ":"); ok && strings.Contains(text, "##") && name != "" && !strings.ContainsAny(name, "\t #") {
			listed++
		}
	}
	if listed > most {
		found = append(found, fmt.Sprintf("Makefile: %d targets, at most %d", listed, most))
	}
	if listed != phony {
		found = append(found, fmt.Sprintf("Makefile: %d targets have a help text, %d are phony: every command needs one", listed, phony))
	}
	return found
}

// CheckNoReplace refuses replace directives: what a user builds must be what we
// tested, also through `go install`.
func CheckNoReplace(gomod string) []string {
	for line := range strings.Lines(gomod) {
		if fields := strings.Fields(line); len(fields) > 0 && strings.HasPrefix(fields[0], "replace") {
			return []string{"go.mod: replace is not allowed in the product module: " + strings.TrimSpace(line)}
		}
	}
	return nil
}
