// Package apidoc is the API's documentation, made from the code: the OpenAPI
// documents of all services merged into one, the WebSocket protocol in words,
// and a page to read both.
//
// The page is plain HTML without a script and loads nothing, so it works under
// the strictest content security policy and in any browser. With cmd/chatapp
// this is the only package that imports every service.
package apidoc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/services/auth"
	"chatapp/services/messages"
	"chatapp/services/notify"
	"chatapp/services/users"
)

// The addresses that Handler serves.
const (
	DocumentPath = "/api/openapi.json"
	PagePath     = "/api/docs"
)

// sources are the services' documents in reading order.
func sources() []source {
	return []source{
		{"auth", "Accounts, sessions and tokens", auth.OpenAPI},
		{"users", "Profiles and the directory", users.OpenAPI},
		{"messages", "Conversations, messages and the event log", messages.OpenAPI},
		{"notify", "Live push: WebSocket and server-sent events", notify.OpenAPI},
	}
}

// Document returns the whole API as one OpenAPI 3.1 document, indented JSON,
// the same bytes for the same code. An error says which two services
// contradict each other, or whose document is malformed.
var Document = sync.OnceValues(func() ([]byte, error) { return merge(sources()) })

// Handler serves GET /api/openapi.json and GET /api/docs, to everybody: it
// tells nothing but what the public source code tells.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(DocumentPath, serve("application/json", apiPolicy, Document))
	mux.HandleFunc(PagePath, serve("text/html; charset=utf-8", pagePolicy(), page))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteProblem(w, r, errs.New(errs.NotFound, "There is nothing at this address."))
	})
	return mux
}

// apiPolicy forbids everything: the document opened as a page can do nothing.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

func serve(contentType, policy string, content func() ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", policy)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			httpx.WriteProblem(w, r, errs.New(errs.MethodNotAllowed, "This address does not take this method."))
			return
		}
		body, err := content()
		if err != nil {
			httpx.WriteProblem(w, r, err)
			return
		}
		sum := sha256.Sum256(body)
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}
