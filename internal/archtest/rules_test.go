package archtest

import (
	"strings"
	"testing"
)

// TestImportRulesCanFail breaks each import rule once.
func TestImportRulesCanFail(t *testing.T) {
	std := Package{ImportPath: "net/http", Standard: true}
	cases := map[string]struct {
		pkg  Package
		want string
	}{
		"events beyond the standard library": {
			Package{ImportPath: "chatapp/libs/events", Imports: []string{"github.com/google/uuid"}},
			"standard library only",
		},
		"events importing a library of ours": {
			Package{ImportPath: "chatapp/libs/events", Imports: []string{"chatapp/libs/id"}},
			"standard library only",
		},
		"the judge importing a library of ours": {
			Package{ImportPath: "chatapp/internal/check", Imports: []string{"chatapp/libs/id"}},
			"may import github.com/anishathalye/porcupine only",
		},
		"the judge's people importing a service": {
			Package{ImportPath: "chatapp/internal/verify", Imports: []string{"chatapp/services/messages"}},
			"may import chatapp/internal/check, chatapp/internal/client only",
		},
		"library importing a service": {
			Package{ImportPath: "chatapp/libs/run", Imports: []string{"chatapp/services/auth"}},
			"libs import no service",
		},
		"service importing nats.go": {
			Package{ImportPath: "chatapp/services/auth", Imports: []string{"github.com/nats-io/nats.go/jetstream"}},
			"through libs/bus only",
		},
		"service linking nats-server far away": {
			Package{ImportPath: "chatapp/services/auth", Deps: []string{"github.com/nats-io/nats-server/v2/server"}},
			"links github.com/nats-io/nats-server",
		},
		"service program linking SQLite": {
			Package{ImportPath: "chatapp/services/auth/cmd/auth", Deps: []string{"github.com/ncruces/go-sqlite3/gormlite"}},
			"links github.com/ncruces/go-sqlite3/gormlite",
		},
		"library opening SQLite": {
			Package{ImportPath: "chatapp/libs/db", Imports: []string{"github.com/ncruces/go-sqlite3/gormlite"}},
			"database engine or a broker",
		},
		"service embedding the platform": {
			Package{ImportPath: "chatapp/services/auth/cmd/auth", Imports: []string{"chatapp/libs/platform/embedded"}},
			"may embed the platform",
		},
		"product linking the test kit": {
			Package{ImportPath: "chatapp/services/auth", Imports: []string{"chatapp/libs/testkit"}},
			"no product package links it",
		},
		"service linking another": {
			Package{ImportPath: "chatapp/services/notify", Deps: []string{"chatapp/services/messages/wire"}},
			"links another service (messages)",
		},
		"library linking two services": {
			Package{ImportPath: "chatapp/internal/other", Deps: []string{"chatapp/services/messages", "chatapp/services/auth"}},
			"links several services (auth, messages)",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			finds(t, CheckImports([]Package{std, c.pkg}), c.want)
		})
	}
}

// TestImportRulesAllow lists what looks alike and is meant to be.
func TestImportRulesAllow(t *testing.T) {
	clean(t, CheckImports([]Package{
		{ImportPath: "net/http", Standard: true},
		{ImportPath: "chatapp/libs/events", Imports: []string{"net/http"}},
		{ImportPath: "chatapp/libs/bus", Imports: []string{"github.com/nats-io/nats.go"}},
		{ImportPath: "chatapp/internal/verify", Imports: []string{"net/http", "chatapp/internal/check"}},
		{ImportPath: "chatapp/services/auth", Imports: []string{"chatapp/libs/bus"}, Deps: []string{"github.com/nats-io/nats.go"}},
		{ImportPath: "chatapp/services/auth/cmd/auth", Deps: []string{"chatapp/services/auth"}},
		{ImportPath: "chatapp/libs/platform/embedded", Imports: []string{"github.com/nats-io/nats-server/v2/server"}},
		{
			ImportPath: "chatapp/cmd/chatapp", Imports: []string{"chatapp/libs/platform/embedded"},
			Deps: []string{"github.com/nats-io/nats-server/v2/server", "chatapp/services/auth", "chatapp/services/users"},
		},
		{ImportPath: "chatapp/internal/apidoc", Deps: []string{"chatapp/services/auth", "chatapp/services/users"}},
		{ImportPath: "github.com/other/module", Imports: []string{"github.com/nats-io/nats.go"}},
	}))
}

func TestBudgetsCanFail(t *testing.T) {
	long := func(n int) string { return "{\n" + strings.Repeat("\t_ = 0\n", n) + "}\n" }
	cases := map[string]struct{ path, src, want string }{
		"function":      {"libs/x/x.go", "package x\nfunc f() " + long(61), "f has 61 lines"},
		"method":        {"libs/x/x.go", "package x\ntype t int\nfunc (t) m() " + long(61), "m has 61 lines"},
		"main":          {"cmd/x/main.go", "package main\nfunc main() " + long(41), "main has 41 lines"},
		"test function": {"libs/x/x_test.go", "package x\nfunc f() " + long(101), "f has 101 lines"},
		"file":          {"libs/x/x.go", "package x\n" + strings.Repeat("// a\n", 400), "401 lines"},
		"test file":     {"libs/x/x_test.go", "package x\n" + strings.Repeat("// a\n", 800), "801 lines"},
		"interface":     {"libs/x/x.go", "package x\ntype i interface{ a(); b(); c(); d(); e(); f() }\n", "interface i has 6 methods"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { finds(t, CheckBudgets(source(t, c.path, c.src)), c.want) })
	}
	clean(t, CheckBudgets(source(t, "libs/x/x.go", "package x\nfunc f() "+long(60))))
	clean(t, CheckBudgets(source(t, "libs/x/x.go", "// Code generated by x. DO NOT EDIT.\n\npackage x\nfunc f() "+long(500))))
}

func TestCommentRulesCanFail(t *testing.T) {
	finds(t, CheckPackageComments(source(t, "libs/x/x.go", "package x\n")), "0 package comments")
	two := append(source(t, "libs/x/a.go", "// Package x is one.\npackage x\n"), source(t, "libs/x/b.go", "// Package x is two.\npackage x\n")...)
	finds(t, CheckPackageComments(two), "2 package comments")
	finds(t, CheckPackageComments(source(t, "services/auth/auth.go",
		"// Package auth OWNS accounts, SERVES routes, EMITS registered.\npackage auth\n")), "does not say what it CONSUMES")

	for want, src := range map[string]string{
		"F has no comment":      "package x\nfunc F() {}\n",
		"M has no comment":      "package x\n// T is one.\ntype T int\nfunc (*T) M() {}\n",
		"type T has no comment": "package x\ntype T int\n",
		"type U has no comment": "package x\n// Some types.\ntype (\n\t// T is one.\n\tT int\n\tU int\n)\n",
		"C has no comment":      "package x\nconst C = 1\n",
		"V has no comment":      "package x\nvar V = 1\n",
		"D has no comment":      "package x\nconst (\n\t// A and B are documented.\n\tA = 1\n\tB = 2\n\n\tD = 3\n)\n",
	} {
		finds(t, CheckExportedDocs(source(t, "libs/x/x.go", src)), want)
	}
	clean(t, CheckExportedDocs(source(t, "libs/x/x.go",
		"package x\n// The limits.\nconst (\n\tA = 1\n\tB = 2\n)\ntype t int\nfunc (t) String() string { return \"\" }\n")))
}

func TestTabooRulesCanFail(t *testing.T) {
	gin := "package x\nfunc f(c *gin.Context) {}\n"
	finds(t, CheckNoGinContext(source(t, "services/auth/store.go", gin)), "services/auth/store.go:2")
	finds(t, CheckNoGinContext(source(t, "services/auth/auth.go", "package x\nvar f = func(int, *gin.Context) {}\n")), "gin.Context")
	finds(t, CheckNoGinContext(source(t, "libs/db/db.go", gin)), "gin.Context")
	clean(t, CheckNoGinContext(source(t, "services/auth/http.go", gin)))
	clean(t, CheckNoGinContext(source(t, "libs/httpx/server.go", gin)))

	finds(t, CheckTests(source(t, "libs/x/x_test.go", "package x\nfunc f() { time.Sleep(1) }\n")), "time.Sleep")
	finds(t, CheckTests(source(t, "libs/x/x_test.go", "package x\nfunc f() { for !done() { time.Sleep(1) } }\n")), "time.Sleep")
	clean(t, CheckTests(source(t, "libs/x/x_test.go", "package x\nfunc f() { for !done() { if time.Now().After(end) { fail() }; time.Sleep(1) } }\n")))
	finds(t, CheckTests(source(t, "libs/x/x_test.go", "package x\nfunc f(t *testing.T) { t.Skip() }\n")), "skipped test")
	finds(t, CheckTests(source(t, "libs/testkit/db.go", "package x\nfunc f(t testing.TB) { t.Skipf(\"no\") }\n")), "skipped test")
	clean(t, CheckTests(source(t, "libs/x/x_test.go", "package x\nfunc f() { synctest.Test(t, func() { time.Sleep(1) }) }\n")))
	clean(t, CheckTests(source(t, "libs/x/x.go", "package x\nfunc f() { time.Sleep(1) }\n")))

	finds(t, CheckNoReplace("module chatapp\n\nreplace a => ../a\n"), "replace")
	finds(t, CheckNoReplace("module chatapp\n\nreplace (\n\ta => ../a\n)\n"), "replace")
	clean(t, CheckNoReplace("module chatapp\n\nrequire replace.example/x v1.0.0\n"))

	finds(t, CheckMakefile(".PHONY: a b\na: ## one\nb: ## two\n", 1), "2 targets, at most 1")
	finds(t, CheckMakefile(".PHONY: a\na: ## one\nb: c ## two\n", 5), "1 are phony")
	clean(t, CheckMakefile(".PHONY: a b\na: ## one\n\techo a: b ## c\nb: a ## two\nbin/x: a\n", 2))
}

func TestWebRulesCanFail(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("const a = 1;\n", n) }
	for _, c := range []struct{ path, src, want string }{
		{"web/src/app.tsx", lines(151), "151 lines"},
		{"web/src/lib/api.ts", lines(401), "401 lines"},
		{"web/src/a.ts", "const x: any = 1;\n", "type any"},
		{"web/src/a.ts", "const x = y as any;\n", "type any"},
		{"web/src/a.ts", "const x: Record<string, any> = {};\n", "type any"},
		{"web/src/a.ts", "type X = string | any\n", "type any"},
		{"web/src/features/people/list.ts", `import { x } from "../timeline/x";` + "\n", "imports feature timeline"},
		{"web/src/features/people/list.ts", `import { x } from "@/features/timeline";` + "\n", "imports feature timeline"},
		{"web/src/features/people/deep/list.ts", `const x = import("../../timeline/x");` + "\n", "imports feature timeline"},
	} {
		finds(t, CheckWeb(c.path, c.src), c.want)
	}
	for _, c := range []struct{ path, src string }{
		{"web/src/app.tsx", lines(150)},
		{"web/src/app.test.tsx", lines(500)},
		{"web/src/lib/schema.ts", "/** This file was auto-generated by openapi-typescript. */\n" + lines(900)},
		{"web/src/a.ts", "// takes any, really: any\nconst x = 'as any';\n"},
		{"web/src/features/people/list.ts", `import { y } from "./row";` + "\n" + `import { x } from "@/features/people/x";` + "\n"},
		{"web/src/app.tsx", `import { x } from "./features/people";` + "\n" + `import { y } from "./features/timeline";` + "\n"},
	} {
		clean(t, CheckWeb(c.path, c.src))
	}
}

func TestGatewayRulesCanFail(t *testing.T) {
	files := source(t, "services/auth/auth.go", `package auth
const jwks = "/.well-known/jwks.json"
func (s *Service) Routes() []string { return []string{"/api/v1/auth/", jwks} }
`)
	routes := Routes(files)
	clean(t, CheckGateway("\t@auth path /api/v1/auth/* /.well-known/jwks.json\n", routes))
	finds(t, CheckGateway("\t@auth path /api/v1/auth/*\n", routes), "@auth has [/api/v1/auth/*]")
	finds(t, CheckGateway("\t@auth path /api/v1/auth/* /.well-known/jwks.json /admin\n", routes), "/admin")
	finds(t, CheckGateway("", routes), "@auth has []")
}

func TestUIHeadersCanFail(t *testing.T) {
	files := source(t, "web/handler.go", `package web
const policy = "default-src 'self'; " + "object-src 'none'"
func secure(h http.Header) { h.Set("Content-Security-Policy", policy); h.Set("Referrer-Policy", "no-referrer") }
`)
	ui := func(csp, more string) string {
		return "\n(ui) {\n\theader {\n\t\tContent-Security-Policy \"" + csp + "\"\n\t\t" + more + "\n\t\t-Server\n\t}\n}\n"
	}
	same := "default-src 'self'; object-src 'none'"
	clean(t, CheckUIHeaders(files, ui(same, "Referrer-Policy no-referrer")))
	finds(t, CheckUIHeaders(files, ui("default-src 'self'", "Referrer-Policy no-referrer")), `the gateway "default-src 'self'"`)
	finds(t, CheckUIHeaders(files, ui(same, "")), "Referrer-Policy")
	finds(t, CheckUIHeaders(files, ui(same, "Referrer-Policy no-referrer\n\t\tX-Frame-Options DENY")), "X-Frame-Options")
	finds(t, CheckUIHeaders(source(t, "web/handler.go", "package web\n"), ""), "no Content-Security-Policy")
}

func TestReadmeRuleCanFail(t *testing.T) {
	routes, tables := map[string][]string{"auth": {"/a/"}}, map[string][]string{"auth": Tables("CREATE TABLE IF NOT EXISTS accounts (\ncreate table `keys` (")}
	clean(t, CheckServiceTable("\n| auth | `/a/` | accounts, keys |\n", routes, tables))
	finds(t, CheckServiceTable("\n| auth | `/a/b` | accounts, keys |\n", routes, tables), "does not name /a/")
	finds(t, CheckServiceTable("\n| auth | `/a/` | accounts |\n", routes, tables), "does not name keys")
	finds(t, CheckServiceTable("\n| users | `/a/` |\n", routes, tables), "no row for auth")
}
