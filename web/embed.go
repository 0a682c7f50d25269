// Package web is the browser client and the handler that serves it.
//
// OWNS: nothing but the files in dist, made by `make ui` (Vite) and embedded at
// compile time. SERVES: GET and HEAD of every path that is no API: a file of
// dist, or index.html for a path of the client's own router. EMITS, CONSUMES:
// nothing.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// dist/.gitkeep is committed, so the program also compiles without a built UI.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the embedded client. Without one (dist is empty) every page
// answers 503 and says how to build it.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path: cannot happen
	}
	return newHandler(files)
}
