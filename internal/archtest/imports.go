package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Libraries that only certain folders may touch.
const (
	natsClient = "github.com/nats-io/nats.go"
	natsServer = "github.com/nats-io/nats-server"
)

// sqliteDrivers are the import paths that put SQLite into a binary.
var sqliteDrivers = []string{
	"github.com/ncruces/go-sqlite3",
	"modernc.org/sqlite",
	"github.com/mattn/go-sqlite3",
	"gorm.io/driver/sqlite",
	"github.com/glebarez",
}

// The folders with privileges, and why: embedded is the all-in-one's platform,
// testkit starts the real thing for tests, apidoc merges all services' documents.
var (
	embedded       = module + "/libs/platform/embedded"
	mayUseNATS     = []string{module + "/libs/bus", module + "/libs/platform", module + "/libs/testkit"}
	mayUseEmbedded = []string{module + "/cmd/chatapp", module + "/libs/testkit"}
	mayUseAll      = []string{module + "/cmd/chatapp", module + "/internal/apidoc"}
)

// imports lists, besides the standard library, all that a package may import.
// The judge of delivery and its people must not share code with what they
// judge.
var imports = map[string][]string{
	module + "/internal/check":  {"github.com/anishathalye/porcupine"},
	module + "/internal/client": {"github.com/gorilla/websocket"},
	module + "/internal/verify": {module + "/internal/check", module + "/internal/client"},
}

// under reports whether the import path p is dir or inside it.
func under(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// underAny reports whether p is inside one of dirs.
func underAny(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return under(p, d) })
}

// serviceOf is the service that an import path belongs to, or "".
func serviceOf(p string) string {
	rest, ok := strings.CutPrefix(p, module+"/services/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// heavy reports whether an import path is a database engine or a broker.
func heavy(p string) bool { return under(p, natsServer) || underAny(p, sqliteDrivers) }

// CheckImports applies every import rule of the design to packages as go list
// reports them; packages of other modules are only looked up, never judged.
func CheckImports(pkgs []Package) []string {
	standard := map[string]bool{}
	for _, p := range pkgs {
		standard[p.ImportPath] = p.Standard
	}
	var found []string
	for _, p := range pkgs {
		if !under(p.ImportPath, module) {
			continue
		}
		for _, imp := range p.Imports {
			found = append(found, checkDirect(p.ImportPath, imp, standard[imp])...)
		}
		found = append(found, checkLinked(p)...)
	}
	return found
}

// checkDirect judges one import statement.
func checkDirect(from, imp string, standard bool) []string {
	var found []string
	say := func(rule string) { found = append(found, fmt.Sprintf("%s imports %s: %s", from, imp, rule)) }
	if from == module+"/libs/events" && !standard {
		say("libs/events is the contract and imports the standard library only")
	}
	if allowed, ok := imports[from]; ok && !standard && !underAny(imp, allowed) {
		say(fmt.Sprintf("beyond the standard library it may import %s only", strings.Join(allowed, ", ")))
	}
	if under(from, module+"/libs") && serviceOf(imp) != "" {
		say("libs import no service")
	}
	if under(imp, natsClient) && !underAny(from, mayUseNATS) {
		say("NATS is reached through libs/bus only")
	}
	if heavy(imp) && from != embedded && from != module+"/libs/testkit" {
		say("only libs/platform/embedded links a database engine or a broker")
	}
	if under(imp, embedded) && from != embedded && !underAny(from, mayUseEmbedded) {
		say("only cmd/chatapp, libs/testkit and e2e may embed the platform")
	}
	if imp == module+"/libs/testkit" && from != module+"/libs/testkit" {
		say("libs/testkit is for tests; no product package links it")
	}
	return found
}

// checkLinked judges what a package links, however long the way.
func checkLinked(p Package) []string {
	var found []string
	own := serviceOf(p.ImportPath)
	mayLinkHeavy := p.ImportPath == embedded || underAny(p.ImportPath, mayUseEmbedded)
	others := map[string]bool{}
	for _, dep := range p.Deps {
		if s := serviceOf(dep); s != "" && s != own {
			others[s] = true
		}
		if heavy(dep) && !mayLinkHeavy {
			found = append(found, fmt.Sprintf("%s links %s: only libs/platform/embedded and its users may", p.ImportPath, dep))
		}
	}
	switch {
	case own != "" && len(others) > 0:
		found = append(found, fmt.Sprintf("%s links another service (%s): services talk over the bus", p.ImportPath, keys(others)))
	case own == "" && len(others) > 1 && !underAny(p.ImportPath, mayUseAll):
		found = append(found, fmt.Sprintf("%s links several services (%s): only cmd/chatapp and internal/apidoc may", p.ImportPath, keys(others)))
	}
	return found
}

// keys lists a set for people, in order.
func keys(set map[string]bool) string {
	all := make([]string, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
