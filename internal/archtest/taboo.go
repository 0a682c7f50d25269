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
// thing, and skipping. Two sleeps are allowed: inside synctest.Test, where it
// moves a fake clock, and between the looks of a loop that has a deadline.
func CheckTests(files []File) []string {
	var found []string
	for _, f := range files {
		if f.Test() {
			found = append(found, f.sleeps()...)
		}
		if !f.Test() && !strings.HasPrefix(f.Path, "libs/testkit/") && !strings.HasPrefix(f.Path, "e2e/") {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Skip" || sel.Sel.Name == "Skipf" || sel.Sel.Name == "SkipNow") {
				found = append(found, fmt.Sprintf("%s: a skipped test proves nothing; fail and name what is missing", f.at(sel)))
			}
			return true
		})
	}
	return found
}

// sleeps lists the sleeps of a test that are not allowed.
func (f File) sleeps() []string {
	var found []string
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if selects(n.Fun, "synctest", "Test") {
				return false
			}
			if selects(n.Fun, "time", "Sleep") {
				found = append(found, fmt.Sprintf("%s: time.Sleep in a test; wait for the thing itself", f.at(n)))
			}
		case *ast.ForStmt:
			return !hasDeadline(n)
		}
		return true
	})
	return found
}

// hasDeadline reports whether a loop looks at the time: time.Since or x.After.
func hasDeadline(loop *ast.ForStmt) bool {
	found := false
	ast.Inspect(loop, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			sel, ok := call.Fun.(*ast.SelectorExpr)
			found = found || selects(call.Fun, "time", "Since") || ok && sel.Sel.Name == "After" && !selects(sel, "time", "After")
		}
		return true
	})
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
