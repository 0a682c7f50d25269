package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/httpx"
)

// policy allows our own files and nothing else. Styles set from scripts
// (element.style, constructed sheets) are not inline styles and need no
// exception; data: and blob: pictures are the favicon's badge and previews.
// 'self' in connect-src covers the WebSocket of the same host.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'"

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>ChatApp: the UI is not built</title>
<h1>The web UI is not built</h1>
<p>This program was compiled without it. Run <code>make ui</code> (needs Node 20.19 or newer), then build again.</p>
<p>The API works all the same: see <a href="/api/docs">/api/docs</a>.</p></html>
`

// file is one file of dist with its compressed forms, all in memory: the whole
// client is about two megabytes.
type file struct {
	name, contentType, etag string
	immutable               bool
	plain                   []byte
	encoded                 map[string][]byte // "br", "gzip"
}

type handler struct{ files map[string]*file }

func newHandler(dist fs.FS) http.Handler {
	h := &handler{files: map[string]*file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || hidden(name) {
			return err
		}
		data, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		h.add(name, data)
		return nil
	})
	if err != nil {
		panic(err) // reading embedded files cannot fail
	}
	return h
}

// hidden files are not for the public: .gitkeep.
func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

// add takes a file or, for name.br and name.gz, the compressed form of one.
func (h *handler) add(name string, data []byte) {
	encoding := map[string]string{".br": "br", ".gz": "gzip"}[path.Ext(name)]
	if encoding != "" {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	f := h.files[name]
	if f == nil {
		// Vite puts a hash of the content into the names under assets.
		f = &file{
			name: name, contentType: contentType(name), encoded: map[string][]byte{},
			immutable: strings.HasPrefix(name, "assets/"),
		}
		h.files[name] = f
	}
	if encoding != "" {
		f.encoded[encoding] = data
		return
	}
	sum := sha256.Sum256(data)
	f.plain, f.etag = data, hex.EncodeToString(sum[:12])
}

// contentType is the same on every machine for the types we ship;
// mime.TypeByExtension alone depends on files of the system.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		httpx.WriteProblem(w, r, errs.New(errs.MethodNotAllowed, "Pages can only be read."))
		return
	}
	if h.files["index.html"] == nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(notBuilt)) // the client may be gone: nothing to do
		return
	}
	f := h.find(r.URL.Path)
	if f == nil {
		httpx.WriteProblem(w, r, errs.New(errs.NotFound, "There is nothing at this address."))
		return
	}
	f.serve(w, r)
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// find answers the file of a path; index.html for the paths of the client's
// router; nil for unknown files (a name with a dot) and unknown API paths, so
// that a script of an old release is a 404 and not a page.
func (h *handler) find(urlPath string) *file {
	name := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if name == "" {
		return h.files["index.html"]
	}
	if f := h.files[name]; f != nil && f.plain != nil {
		return f
	}
	first, _, _ := strings.Cut(name, "/")
	if first == "api" || first == "assets" || first == ".well-known" || strings.Contains(path.Base(name), ".") {
		return nil
	}
	return h.files["index.html"]
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	if f.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache")
	}
	body, etag := f.plain, f.etag
	if len(f.encoded) > 0 {
		header.Set("Vary", "Accept-Encoding")
		if encoding := f.negotiate(r.Header.Get("Accept-Encoding")); encoding != "" {
			header.Set("Content-Encoding", encoding)
			body, etag = f.encoded[encoding], etag+"-"+encoding
		}
	}
	header.Set("ETag", `"`+etag+`"`)
	// No modification time: embedded files have none, the ETag decides.
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(body))
}

// negotiate picks the smallest form the client accepts, "" for the plain one.
func (f *file) negotiate(accept string) string {
	accepted := map[string]bool{}
	for part := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		accepted[strings.ToLower(strings.TrimSpace(coding))] = !found || (err == nil && q > 0)
	}
	for _, encoding := range []string{"br", "gzip"} {
		if f.encoded[encoding] != nil && accepted[encoding] {
			return encoding
		}
	}
	return ""
}
