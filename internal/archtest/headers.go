package archtest

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	// caddyUI is the snippet with the headers of the UI's files.
	caddyUI = regexp.MustCompile(`(?s)\n\(ui\) \{\s*header \{(.*?)\n\t\}`)
	// caddyHeader is one line of it: Name value, or Name "value".
	caddyHeader = regexp.MustCompile(`(?m)^\s*([A-Z][\w-]+)\s+(?:"([^"]*)"|(\S+))\s*$`)
)

// CheckUIHeaders wants the same security headers, word for word, from both
// servers of the UI's files: the binary (what web's function secure sets) and
// the gateway (the snippet "ui" of the Caddyfile).
func CheckUIHeaders(files []File, caddyfile string) []string {
	binary, gateway := map[string]string{}, map[string]string{}
	for _, f := range files {
		if f.Package() == module+"/web" && !f.Test() {
			maps.Copy(binary, headersSet(f, constants(files, f.Package())))
		}
	}
	if m := caddyUI.FindStringSubmatch(caddyfile); m != nil {
		for _, h := range caddyHeader.FindAllStringSubmatch(m[1], -1) {
			gateway[h[1]] = h[2] + h[3]
		}
	}
	var found []string
	if !strings.HasPrefix(binary["Content-Security-Policy"], "default-src 'self'") {
		found = append(found, "web: function secure sets no Content-Security-Policy that begins with default-src 'self'")
	}
	names := maps.Clone(binary)
	maps.Copy(names, gateway)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if binary[name] != gateway[name] {
			found = append(found, fmt.Sprintf("%s: the binary sends %q, the gateway %q", name, binary[name], gateway[name]))
		}
	}
	return found
}

// headersSet finds h.Set("Name", value) in the function secure.
func headersSet(f File, known map[string]string) map[string]string {
	headers := map[string]string{}
	for _, d := range f.AST.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "secure" {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || sel.Sel.Name != "Set" {
				return true
			}
			name, _ := literal(call.Args[0])
			value, ok := literal(call.Args[1])
			if id, isName := call.Args[1].(*ast.Ident); isName && !ok {
				value = known[id.Name]
			}
			headers[name] = value
			return true
		})
	}
	return headers
}
