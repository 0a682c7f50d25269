package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Routes finds what each service's Routes method returns, without running it:
// the string literals and package constants in the method's body, by service.
func Routes(files []File) map[string][]string {
	routes := map[string][]string{}
	for _, f := range files {
		service := serviceOf(f.Package())
		if service == "" || f.Test() || !servicePackage.MatchString(f.Package()) {
			continue
		}
		for _, d := range f.AST.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Name.Name == "Routes" && fn.Recv != nil && fn.Body != nil {
				routes[service] = append(routes[service], stringsIn(fn.Body, constants(files, f.Package()))...)
			}
		}
	}
	return routes
}

// constants maps the names of a package's string constants to their values.
func constants(files []File, pkg string) map[string]string {
	values := map[string]string{}
	for _, f := range files {
		if f.Package() != pkg {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if i < len(spec.Values) {
					if s, ok := literal(spec.Values[i]); ok {
						values[name.Name] = s
					}
				}
			}
			return true
		})
	}
	return values
}

// stringsIn collects literals and known constants below n.
func stringsIn(n ast.Node, known map[string]string) []string {
	var all []string
	ast.Inspect(n, func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.BasicLit:
			if s, ok := literal(e); ok {
				all = append(all, s)
			}
		case *ast.Ident:
			if s, ok := known[e.Name]; ok {
				all = append(all, s)
			}
		}
		return true
	})
	return all
}

// literal is the value of a string literal, or of several joined by +.
func literal(e ast.Expr) (string, bool) {
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		x, okX := literal(sum.X)
		y, okY := literal(sum.Y)
		return x + y, okX && okY
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// caddyMatcher is a named path matcher: "@auth path /a /b*".
var caddyMatcher = regexp.MustCompile(`(?m)^\s*@(\w+)\s+path\s+(.+)$`)

// CheckGateway compares the gateway's matchers with the services' routes, both
// ways: a route nobody forwards is dead, a forwarded path nobody serves is a lie.
// A prefix "/x/" is "/x/*" in Caddy's words.
func CheckGateway(caddyfile string, routes map[string][]string) []string {
	have := map[string][]string{}
	for _, m := range caddyMatcher.FindAllStringSubmatch(caddyfile, -1) {
		have[m[1]] = append(have[m[1]], strings.Fields(m[2])...)
	}
	var found []string
	for service, list := range routes {
		want := make([]string, 0, len(list))
		for _, r := range list {
			if strings.HasSuffix(r, "/") {
				r += "*"
			}
			want = append(want, r)
		}
		slices.Sort(want)
		got := slices.Sorted(slices.Values(have[service]))
		if !slices.Equal(want, got) {
			found = append(found, fmt.Sprintf("Caddyfile: @%s has %v, the service serves %v", service, got, want))
		}
	}
	slices.Sort(found)
	return found
}
