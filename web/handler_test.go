package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built() http.Handler {
	return newHandler(fstest.MapFS{
		".gitkeep":                  {},
		"index.html":                {Data: []byte("<!doctype html>index")},
		"index.html.br":             {Data: []byte("br-index")},
		"theme.js":                  {Data: []byte("theme()")},
		"assets/index-abc123.js":    {Data: []byte("plain script")},
		"assets/index-abc123.js.br": {Data: []byte("br script")},
		"assets/index-abc123.js.gz": {Data: []byte("gz script")},
		"assets/inter.woff2":        {Data: []byte("font")},
	})
}

func get(t *testing.T, h http.Handler, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestPathsAndTheirAnswers(t *testing.T) {
	const page, script = "<!doctype html>index", "plain script"
	for _, c := range []struct {
		method, path string
		status       int
		body, cache  string
	}{
		{"GET", "/", 200, page, "no-cache"},
		{"GET", "/index.html", 200, page, "no-cache"},
		{"GET", "/c/0192f0c1-0000-7000-8000-000000000000", 200, page, "no-cache"},
		{"GET", "/signup", 200, page, "no-cache"},
		{"GET", "/c/", 200, page, "no-cache"},
		{"HEAD", "/", 200, "", "no-cache"},
		{"GET", "/theme.js", 200, "theme()", "no-cache"},
		{"GET", "/assets/index-abc123.js", 200, script, "public, max-age=31536000, immutable"},
		{"GET", "/assets/index-old.js", 404, "", ""},
		{"GET", "/assets/", 404, "", ""},
		{"GET", "/assets", 404, "", ""},
		{"GET", "/nothing.png", 404, "", ""},
		{"GET", "/.gitkeep", 404, "", ""},
		{"GET", "/index.html.br", 404, "", ""},
		{"GET", "/../embed.go", 404, "", ""},
		{"GET", "/api/v1/unknown", 404, "", ""},
		{"GET", "/.well-known/unknown", 404, "", ""},
		{"POST", "/", 405, "", ""},
		{"DELETE", "/assets/index-abc123.js", 405, "", ""},
	} {
		res, body := get(t, built(), c.method, c.path)
		if res.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, res.StatusCode, c.status)
			continue
		}
		if c.status != http.StatusOK {
			if res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %s is no problem", c.method, c.path, res.Header.Get("Content-Type"))
			}
			continue
		}
		if body != c.body || res.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: body %q, cache %q", c.method, c.path, body, res.Header.Get("Cache-Control"))
		}
	}
}

func TestCompression(t *testing.T) {
	for accept, want := range map[string][2]string{
		"":                   {"", "plain script"},
		"gzip, deflate, br":  {"br", "br script"},
		"GZIP":               {"gzip", "gz script"},
		"br;q=0, gzip;q=0.5": {"gzip", "gz script"},
		"br; q=0":            {"", "plain script"},
		"br;q=x":             {"", "plain script"},
		"brotli":             {"", "plain script"},
	} {
		res, body := get(t, built(), "GET", "/assets/index-abc123.js", "Accept-Encoding", accept)
		if res.Header.Get("Content-Encoding") != want[0] || body != want[1] {
			t.Errorf("%q: %q %q", accept, res.Header.Get("Content-Encoding"), body)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%q: headers %v", accept, res.Header)
		}
	}
}

func TestETagSavesTheBody(t *testing.T) {
	first, _ := get(t, built(), "GET", "/", "Accept-Encoding", "br")
	etag := first.Header.Get("ETag")
	again, body := get(t, built(), "GET", "/", "Accept-Encoding", "br", "If-None-Match", etag)
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Fatalf("status %d, body %q", again.StatusCode, body)
	}
	// Another form of the file is another representation.
	if plain, _ := get(t, built(), "GET", "/", "If-None-Match", etag); plain.StatusCode != http.StatusOK {
		t.Fatalf("plain form: status %d", plain.StatusCode)
	}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	for _, path := range []string{"/", "/assets/inter.woff2", "/nothing.png"} {
		res, _ := get(t, built(), "GET", path)
		csp := res.Header.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: weak policy %q", path, csp)
		}
		for _, part := range []string{
			"default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
		} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy lacks %q", path, part)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if res.Header.Get(name) != want {
				t.Errorf("%s: %s = %q", path, name, res.Header.Get(name))
			}
		}
	}
}

func TestWithoutABuiltClient(t *testing.T) {
	h := newHandler(fstest.MapFS{".gitkeep": {}})
	for _, path := range []string{"/", "/c/1"} {
		res, body := get(t, h, "GET", path)
		if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make ui") {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
}

// The package compiles and answers whether or not dist has been built.
func TestEmbedded(t *testing.T) {
	res, _ := get(t, Handler(), "GET", "/")
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		t.Fatal(res.Status)
	}
}
