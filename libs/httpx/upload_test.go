package httpx_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/httpx"
)

type rawInput struct{ RawBody []byte }

type rawOutput struct {
	Body struct {
		Size int `json:"size"`
	}
}

func uploads(s *httpx.Server, path string) {
	httpx.RegisterUpload(s, huma.Operation{OperationID: "put-thing", Method: http.MethodPut, Path: path, Security: httpx.Public},
		httpx.Upload{MaxBody: 100_000, Types: []string{"image/png", "image/gif"}, Parallel: 1},
		func(_ context.Context, in *rawInput) (*rawOutput, error) {
			out := &rawOutput{}
			out.Body.Size = len(in.RawBody)
			return out, nil
		})
}

// A route that takes uploads takes these kinds up to this size, one that does not
// takes JSON as before, and no more bodies than there are places are in memory.
func TestUpload(t *testing.T) {
	s := httpx.New(httpx.Options{Service: "test", Title: "Test"})
	uploads(s, "/api/v1/thing")
	put := func(kind string, body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPut, "/api/v1/thing", body)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		kind   string
		size   int
		status int
	}{
		{"image/png", 100_000, 200},
		{"IMAGE/GIF; x=y", 1, 200},
		{"image/png", 100_001, 413},
		{"application/json", 1, 415},
		{"image/svg+xml", 1, 415},
		{"", 1, 415},
		{"image/png", 0, 400},
	} {
		if w := put(c.kind, strings.NewReader(strings.Repeat("x", c.size))); w.Code != c.status {
			t.Errorf("%q of %d bytes: %d %s, want %d", c.kind, c.size, w.Code, w.Body, c.status)
		}
	}
	if w := put("image/png", io.MultiReader(strings.NewReader(strings.Repeat("x", 100_001)))); w.Code != 413 {
		t.Errorf("without a length: %d %s", w.Code, w.Body)
	}

	slow, feed := io.Pipe()
	began, done := make(chan struct{}), make(chan *httptest.ResponseRecorder)
	go func() { done <- put("image/png", io.MultiReader(signal{began}, slow)) }()
	<-began
	w := put("image/png", strings.NewReader("x"))
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("a second at once: %d %s", w.Code, w.Body)
	}
	if _, err := feed.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close() // the request ends, whatever became of it
	if w := <-done; w.Code != 200 {
		t.Errorf("the first: %d %s", w.Code, w.Body)
	}
	if w := put("image/png", strings.NewReader("x")); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// signal is an empty reader that tells when it is read.
type signal struct{ read chan struct{} }

func (s signal) Read([]byte) (int, error) { close(s.read); return 0, io.EOF }

func TestUploadNeedsAPlainPath(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a path with a parameter was taken: its limits would never be found")
		}
	}()
	uploads(httpx.New(httpx.Options{}), "/api/v1/things/{id}")
}
