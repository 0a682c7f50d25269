package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"strings"
)

// CheckNoGinContext keeps the web framework at the edge: *gin.Context appears
// in signatures only in libs/httpx and in a service's http*.go. It is reused
// after the request, so passing it on is a data race, not only a matter of taste.
func CheckNoGinContext(files []File) []string {
	var found []string
	for _, f := range files {
		edge := strings.HasPrefix(f.Path, "libs/httpx/") || strings.HasPrefix(path.Base(f.Path), "http")
		if f.Test() || edge {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			ft, ok := n.(*ast.FuncType)
			if !ok {
				return true
			}
			ast.Inspect(ft, func(n ast.Node) bool {
				if selects(n, "gin", "Context") {
					found = append(found, fmt.Sprintf("%s: *gin.Context below the handlers", f.at(n)))
				}
				return true
			})
			return true
		})
	}
	return found
}

// CheckTests refuses what makes a test lie: sleeping instead of waiting for the
// thing, and skipping. Inside synctest.Test a sleep moves a fake clock and takes
// no time: it is allowed there.
func CheckTests(files []File) []string {
	var found []string
	for _, f := range files {
		if !f.Test() && !strings.HasPrefix(f.Path, "libs/testkit/") && !strings.HasPrefix(f.Path, "e2e/") {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if selects(sel, "synctest", "Test") {
				return false
			}
			switch {
			case selects(sel, "time", "Sleep") && f.Test():
				found = append(found, fmt.Sprintf("%s: time.Sleep in a test; wait for the thing itself", f.at(call)))
			case sel.Sel.Name == "Skip" || sel.Sel.Name == "Skipf" || sel.Sel.Name == "SkipNow":
				found = append(found, fmt.Sprintf("%s: a skipped test proves nothing; fail and name what is missing", f.at(call)))
			}
			return true
		})
	}
	return found
}

// selects reports whether n is the selector pkg.name.
func selects(n ast.Node, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}
