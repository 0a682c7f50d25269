package httpx_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

type noteInput struct {
	ID   id.ID `path:"id"`
	Body struct {
		Text string         `json:"text" minLength:"1"`
		Free map[string]any `json:"free,omitempty"`
	}
}

type noteOutput struct {
	Body struct {
		User string `json:"user"`
		Text string `json:"text"`
	}
}

type listInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"15"`
}

type fixture struct {
	handler http.Handler
	token   string
	logs    *bytes.Buffer
	user    id.ID
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	user := id.New()
	token, err := authn.Sign(private, "k1", authn.Identity{UserID: user, SessionID: id.New(), Expires: time.Now().Add(time.Minute)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	logs := &bytes.Buffer{}
	s := httpx.New(httpx.Options{
		Service: "test", Title: "Test",
		Log: slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Verifier: authn.NewVerifier(func(context.Context) (map[string]ed25519.PublicKey, error) {
			return map[string]ed25519.PublicKey{"k1": public}, nil
		}),
	})
	httpx.Register(s, huma.Operation{OperationID: "put-note", Method: http.MethodPut, Path: "/api/v1/notes/{id}"},
		func(ctx context.Context, in *noteInput) (*noteOutput, error) {
			switch in.Body.Text {
			case "panic":
				panic("boom with a secret")
			case "broken":
				return nil, errors.New("SELECT * FROM secrets failed")
			case "slow down":
				return nil, &errs.Error{Slug: errs.RateLimited, Detail: "Slow down.", RetryAfter: 1500 * time.Millisecond}
			}
			out := &noteOutput{}
			out.Body.User, out.Body.Text = authn.From(ctx).UserID.String(), in.Body.Text
			return out, nil
		})
	httpx.Register(s, huma.Operation{OperationID: "list-notes", Method: http.MethodGet, Path: "/api/v1/notes", Security: httpx.Public},
		func(context.Context, *listInput) (*noteOutput, error) { return &noteOutput{}, nil })
	return fixture{handler: s.Handler(), token: token, logs: logs, user: user}
}

func (f fixture) call(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+f.token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// Every refusal has the one error form: the right status and slug, a request
// id, the safety headers, and nothing of the request's text or of our insides.
func TestRefusals(t *testing.T) {
	f := newFixture(t)
	note := "/api/v1/notes/" + id.New().String()
	deep := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		slug                     errs.Slug
	}{
		{"unknown address", "GET", "/api/v1/nothing", "", nil, 404, errs.NotFound},
		{"unknown method", "DELETE", note, "", nil, 405, errs.MethodNotAllowed},
		{"TRACE", "TRACE", note, "", nil, 405, errs.MethodNotAllowed},
		{"no token", "PUT", note, `{"text":"x"}`, []string{"Authorization", ""}, 401, errs.Unauthenticated},
		{"garbage token", "PUT", note, `{"text":"x"}`, []string{"Authorization", "Bearer x.y.z"}, 401, errs.Unauthenticated},
		{"basic instead of bearer", "PUT", note, `{"text":"x"}`, []string{"Authorization", "Basic eA=="}, 401, errs.Unauthenticated},
		{"token in the address", "GET", "/api/v1/notes?access_token=x", "", nil, 400, errs.TokenInURL},
		{"malformed id", "PUT", "/api/v1/notes/1", `{"text":"x"}`, nil, 404, errs.NotFound},
		{"missing field", "PUT", note, `{}`, nil, 400, errs.InvalidBody},
		{"empty text", "PUT", note, `{"text":""}`, nil, 400, errs.InvalidBody},
		{"unknown field", "PUT", note, `{"text":"x","sender_id":"y"}`, nil, 400, errs.InvalidBody},
		{"wrong type", "PUT", note, `{"text":7}`, nil, 400, errs.InvalidBody},
		{"duplicate key", "PUT", note, `{"text":"x","text":"y"}`, nil, 400, errs.InvalidBody},
		{"duplicate key inside", "PUT", note, `{"text":"x","free":{"a":[{"b":1,"b":2}]}}`, nil, 400, errs.InvalidBody},
		{"too deep", "PUT", note, `{"text":"x","free":` + deep + `}`, nil, 400, errs.InvalidBody},
		{"not JSON", "PUT", note, `{"text":`, nil, 400, errs.InvalidBody},
		{"no body", "PUT", note, "", nil, 400, errs.InvalidBody},
		{"bad UTF-8", "PUT", note, "{\"text\":\"\xff\"}", nil, 400, errs.InvalidText},
		{"lone high surrogate", "PUT", note, `{"text":"\ud83d"}`, nil, 400, errs.InvalidText},
		{"lone low surrogate", "PUT", note, `{"text":"\ude00"}`, nil, 400, errs.InvalidText},
		{"form instead of JSON", "PUT", note, `text=x`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, errs.UnsupportedMediaType},
		{"JSON as text/plain", "PUT", note, `{"text":"x"}`, []string{"Content-Type", "text/plain"}, 415, errs.UnsupportedMediaType},
		{"200 KB", "PUT", note, `{"text":"` + strings.Repeat("x", 200_000) + `"}`, nil, 413, errs.TooLarge},
		{"long address", "GET", "/api/v1/" + strings.Repeat("x", 3000), "", nil, 414, errs.URITooLong},
		{"limit too high", "GET", "/api/v1/notes?limit=101", "", nil, 400, errs.InvalidParameter},
		{"limit not a number", "GET", "/api/v1/notes?limit=x", "", nil, 400, errs.InvalidParameter},
		{"unknown parameter", "GET", "/api/v1/notes?limt=5", "", nil, 400, errs.InvalidParameter},
		{"our own failure", "PUT", note, `{"text":"broken"}`, nil, 500, errs.Internal},
		{"panic", "PUT", note, `{"text":"panic"}`, nil, 500, errs.Internal},
		{"rate limited", "PUT", note, `{"text":"slow down"}`, nil, 429, errs.RateLimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := f.call(c.method, c.path, c.body, c.header...)
			var p httpx.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v in %q", err, w.Body)
			}
			if w.Code != c.status || p.Status != c.status || p.Type != "/problems/"+string(c.slug) {
				t.Errorf("got %d %s, want %d %s: %s", w.Code, p.Type, c.status, c.slug, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if p.Instance == "" || p.Instance != w.Header().Get("X-Request-Id") {
				t.Errorf("instance %q is not the request id %q", p.Instance, w.Header().Get("X-Request-Id"))
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer shows our insides: %s", w.Body)
			}
			if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("safety headers are missing")
			}
		})
	}
}

func TestHeadersThatGoWithARefusal(t *testing.T) {
	f := newFixture(t)
	note := "/api/v1/notes/" + id.New().String()
	if got := f.call("PUT", note, `{"text":"x"}`, "Authorization", "").Header().Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
	if got := f.call("DELETE", note, "").Header().Get("Allow"); got != "PUT" {
		t.Errorf("Allow %q", got)
	}
	if got := f.call("PUT", note, `{"text":"slow down"}`).Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want 1.5 s rounded up", got)
	}
}

func TestAccepted(t *testing.T) {
	f := newFixture(t)
	w := f.call("PUT", "/api/v1/notes/"+id.New().String(), `{"text":"\ud83d\ude00 <b>&"}`)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := `{"user":"` + f.user.String() + `","text":"😀 <b>&"}` + "\n"
	if w.Body.String() != want {
		t.Errorf("got %s want %s", w.Body, want)
	}
}

// A chunked body has no length to refuse by; the limit must hold all the same.
func TestChunkedBodyIsLimited(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(f.handler)
	defer server.Close()
	body := io.MultiReader(strings.NewReader(`{"text":"`), strings.NewReader(strings.Repeat("x", 200_000)), strings.NewReader(`"}`))
	r, err := http.NewRequest(http.MethodPut, server.URL+"/api/v1/notes/"+id.New().String(), body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+f.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// The log names requests without showing what people sent.
func TestLogHasNoSecrets(t *testing.T) {
	f := newFixture(t)
	f.call("PUT", "/api/v1/notes/"+id.New().String()+"?q=hush-query", `{"text":"hush-body"}`)
	f.call("GET", "/api/v1/notes?access_token=hush-token", "")
	f.call("PUT", "/api/v1/notes/"+id.New().String(), `{"text":"hush-body", "hush-key": 1}`)
	for _, secret := range []string{"hush", f.token} {
		if strings.Contains(f.logs.String(), secret) {
			t.Errorf("the log contains %q:\n%s", secret, f.logs)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(f.logs.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("not one JSON line: %q", line)
		}
	}
}

func TestCursor(t *testing.T) {
	type page struct {
		After string `json:"a"`
	}
	var got page
	if err := httpx.DecodeCursor(httpx.EncodeCursor(page{"zoë"}), &got); err != nil || got.After != "zoë" {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"!", "e30=", "eyJiIjoxfQ", "W10", strings.Repeat("A", 2000), httpx.EncodeCursor(page{"x"}) + "A"} {
		if err := httpx.DecodeCursor(bad, &page{}); !errs.Is(err, errs.InvalidCursor) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
