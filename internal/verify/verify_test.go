package verify

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// Whole runs against the real program are in cmd/chatapp.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server that asks for patience is waited for, and that is said; one that
// refuses ends the run before it has begun.
func TestStartIsPatient(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer s.Close()
	var said []string
	_, err := Start(t.Context(), Options{Sites: []client.Site{client.At(s.URL)}, Say: func(line string) { said = append(said, line) }})
	if err == nil || !strings.Contains(err.Error(), "signing in verify-") || !strings.Contains(err.Error(), "403") {
		t.Error(err)
	}
	if asked.Load() != 2 || len(said) != 1 || !strings.Contains(said[0], "wait 1s") {
		t.Errorf("asked %d times, said %q", asked.Load(), said)
	}
	if _, err := Start(t.Context(), Options{}); err == nil {
		t.Error("started without an address")
	}
}

// Only answers that say for good that nothing was written end a post.
func TestDefinite(t *testing.T) {
	for status, want := range map[int]bool{0: false, 400: true, 401: false, 404: true, 408: false, 409: true, 422: true, 429: false, 500: false, 502: false, 503: false} {
		if definite(status) != want {
			t.Errorf("%d: %t", status, !want)
		}
	}
}

// The history on disk is the history that is judged.
func TestRecorderWritesWhatItKeeps(t *testing.T) {
	var file bytes.Buffer
	r := newRecorder(&file)
	n := r.number()
	r.add(check.Op{Kind: check.Send, N: n, User: "u", Client: "k", Hash: hash("text")})
	r.add(check.Op{Kind: check.OK, N: n, Message: message(client.Message{ID: "m", Body: "text"})})
	kept, err := r.history()
	if err != nil {
		t.Fatal(err)
	}
	written, err := check.Decode(&file)
	if err != nil || len(written) != 2 || len(kept) != 2 || written[1].At != kept[1].At || written[1].At < written[0].At || *written[1].Message != *kept[1].Message {
		t.Errorf("%v %+v %+v", err, written, kept)
	}
	if p := r.progress(); p.Attempted != 1 || p.Acked != 1 {
		t.Errorf("%+v", p)
	}
}
