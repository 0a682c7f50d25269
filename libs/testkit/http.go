package testkit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// Tokens signs access tokens with a key of its own.
type Tokens struct {
	Verifier *authn.Verifier
	key      ed25519.PrivateKey
	t        testing.TB
}

const testKeyID = "test"

// NewTokens makes a signing key and a Verifier that knows it.
func NewTokens(t testing.TB) *Tokens {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]ed25519.PublicKey{testKeyID: pub}
	return &Tokens{
		key: key, t: t,
		Verifier: authn.NewVerifier(func(context.Context) (map[string]ed25519.PublicKey, error) { return keys, nil }),
	}
}

// For returns a token (without "Bearer ") of that user in a session of its own.
func (k *Tokens) For(user id.ID, username string) string {
	return k.Sign(authn.Identity{UserID: user, SessionID: id.New(), Username: username, Role: "user", Expires: time.Now().Add(10 * time.Minute)})
}

// Sign returns a token for exactly this identity.
func (k *Tokens) Sign(i authn.Identity) string {
	k.t.Helper()
	token, err := authn.Sign(k.key, testKeyID, i, time.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	return token
}

// Response is what a handler answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	t      testing.TB
}

// Problem is an error body (RFC 9457) as clients see it.
type Problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail"`
	Instance string       `json:"instance"`
	Errors   []errs.Field `json:"errors"`
}

// NewRequest makes a request. body: nil for none, string or []byte as they are,
// an io.Reader, anything else as JSON. Without a token no Authorization is sent.
func NewRequest(t testing.TB, method, path, token string, body any) *http.Request {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, r)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

// Do serves one request.
func Do(t testing.TB, h http.Handler, req *http.Request) *Response {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return &Response{Status: rec.Code, Header: rec.Result().Header, Body: rec.Body.Bytes(), t: t} //nolint:bodyclose // a recorder's body
}

// Call is NewRequest and Do.
func Call(t testing.TB, h http.Handler, method, path, token string, body any) *Response {
	t.Helper()
	return Do(t, h, NewRequest(t, method, path, token, body))
}

// JSON reads the body into v and fails the test when it is not JSON.
func (r *Response) JSON(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("status %d, body %.300q is not the JSON expected: %v", r.Status, r.Body, err)
	}
}

// Want fails the test unless the status is this one; it returns r.
func (r *Response) Want(status int) *Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("status %d, want %d; body %.500s", r.Status, status, r.Body)
	}
	return r
}

// Problem reads an error body; it fails the test when the answer is none.
func (r *Response) Problem() Problem {
	r.t.Helper()
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/problem+json") {
		r.t.Fatalf("status %d with Content-Type %q is not a problem; body %.300q", r.Status, ct, r.Body)
	}
	var p Problem
	r.JSON(&p)
	return p
}

// WantProblem fails the test unless the answer is the problem of this slug,
// with the slug's status.
func (r *Response) WantProblem(slug errs.Slug) Problem {
	r.t.Helper()
	r.Want(slug.Status())
	p := r.Problem()
	if p.Type != "/problems/"+string(slug) {
		r.t.Fatalf("problem %s, want %s", p.Type, slug)
	}
	return p
}

// JWKS is the public key set, as auth answers RPCJWKS.
func (k *Tokens) JWKS() []byte {
	return authn.JWKS(map[string]ed25519.PublicKey{testKeyID: k.key.Public().(ed25519.PublicKey)})
}
