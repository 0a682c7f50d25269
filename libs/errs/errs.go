// Package errs is the vocabulary of everything that can go wrong in ChatApp.
//
// An error carries a Slug, which is API: clients switch on it, the documents
// list it, and one table here decides its HTTP status. Services return these
// errors from their domain code; libs/httpx alone turns them into bodies, and
// libs/bus carries them across a request unchanged.
package errs

import (
	"errors"
	"net/http"
	"time"
)

// Slug names a kind of failure, stable for ever: it is the last part of a
// problem's "type" (/problems/<slug>).
type Slug string

// The slugs. Adding one is additive; renaming one breaks clients.
const (
	InvalidBody          Slug = "invalid-body"
	InvalidText          Slug = "invalid-text"
	InvalidCursor        Slug = "invalid-cursor"
	InvalidParameter     Slug = "invalid-parameter"
	WeakPassword         Slug = "weak-password"
	TokenInvalid         Slug = "token-invalid"
	WrongPassword        Slug = "wrong-password"
	TokenInURL           Slug = "token-in-url"
	Unauthenticated      Slug = "unauthenticated"
	TokenReused          Slug = "token-reused"
	SecondFactorRequired Slug = "second-factor-required"
	ChallengeExpired     Slug = "challenge-expired"
	Forbidden            Slug = "forbidden"
	SecondStepRequired   Slug = "second-step-required"
	EmailUnconfirmed     Slug = "email-unconfirmed"
	SignUpClosed         Slug = "sign-up-closed"
	Suspended            Slug = "suspended"
	Undeliverable        Slug = "undeliverable"
	AwaitingAnswer       Slug = "awaiting-answer"
	CrossOrigin          Slug = "cross-origin"
	OriginNotAllowed     Slug = "origin-not-allowed"
	NotFound             Slug = "not-found"
	MethodNotAllowed     Slug = "method-not-allowed"
	NotAcceptable        Slug = "not-acceptable"
	Conflict             Slug = "conflict"
	ClientIDReused       Slug = "client-id-reused"
	IdentifierTaken      Slug = "identifier-taken"
	RefreshRaced         Slug = "refresh-raced"
	CursorAhead          Slug = "cursor-ahead"
	CursorExpired        Slug = "cursor-expired"
	TooLarge             Slug = "too-large"
	URITooLong           Slug = "uri-too-long"
	UnsupportedMediaType Slug = "unsupported-media-type"
	Misdirected          Slug = "misdirected"
	UpgradeRequired      Slug = "upgrade-required"
	RateLimited          Slug = "rate-limited"
	Unavailable          Slug = "unavailable"
	Internal             Slug = "internal"
)

// statuses is the only place where a failure meets an HTTP status.
var statuses = map[Slug]int{
	InvalidBody:          http.StatusBadRequest,
	InvalidText:          http.StatusBadRequest,
	InvalidCursor:        http.StatusBadRequest,
	InvalidParameter:     http.StatusBadRequest,
	WeakPassword:         http.StatusBadRequest,
	TokenInvalid:         http.StatusBadRequest,
	WrongPassword:        http.StatusForbidden,
	TokenInURL:           http.StatusBadRequest,
	Unauthenticated:      http.StatusUnauthorized,
	TokenReused:          http.StatusUnauthorized,
	SecondFactorRequired: http.StatusUnauthorized,
	ChallengeExpired:     http.StatusUnauthorized,
	Forbidden:            http.StatusForbidden,
	SecondStepRequired:   http.StatusForbidden,
	EmailUnconfirmed:     http.StatusForbidden,
	SignUpClosed:         http.StatusForbidden,
	Suspended:            http.StatusForbidden,
	Undeliverable:        http.StatusForbidden,
	AwaitingAnswer:       http.StatusForbidden,
	CrossOrigin:          http.StatusForbidden,
	OriginNotAllowed:     http.StatusForbidden,
	NotFound:             http.StatusNotFound,
	MethodNotAllowed:     http.StatusMethodNotAllowed,
	NotAcceptable:        http.StatusNotAcceptable,
	Conflict:             http.StatusConflict,
	ClientIDReused:       http.StatusConflict,
	IdentifierTaken:      http.StatusConflict,
	RefreshRaced:         http.StatusConflict,
	CursorAhead:          http.StatusConflict,
	CursorExpired:        http.StatusGone,
	TooLarge:             http.StatusRequestEntityTooLarge,
	URITooLong:           http.StatusRequestURITooLong,
	UnsupportedMediaType: http.StatusUnsupportedMediaType,
	Misdirected:          http.StatusMisdirectedRequest,
	UpgradeRequired:      http.StatusUpgradeRequired,
	RateLimited:          http.StatusTooManyRequests,
	Unavailable:          http.StatusServiceUnavailable,
	Internal:             http.StatusInternalServerError,
}

// Status is the HTTP status of s; 500 for a slug nobody registered.
func (s Slug) Status() int {
	if code, ok := statuses[s]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// Slugs returns every registered slug, in no order; for documents and tests.
func Slugs() []Slug {
	all := make([]Slug, 0, len(statuses))
	for s := range statuses {
		all = append(all, s)
	}
	return all
}

// Field points at one wrong part of a request, e.g. {"body.username", "..."}.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error is a failure that may be shown to the caller: Detail and Fields are
// written for people and must never hold SQL, paths, secrets or another
// user's data. Err is the cause, for logs only.
type Error struct {
	Slug       Slug
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // sent as Retry-After, rounded up to seconds; 0 = not sent
	NextStep   *NextStep     // of second-factor-required; nil otherwise
	Err        error
}

// NextStep says how a sign-in goes on that needs a second factor. Challenge is
// a secret of the caller: it is in the answer's body and in no log.
type NextStep struct {
	Challenge string
	Methods   []string
}

// New makes an error with a sentence for the caller.
func New(slug Slug, detail string) *Error { return &Error{Slug: slug, Detail: detail} }

// Wrap is New with a cause for the logs.
func Wrap(slug Slug, detail string, cause error) *Error {
	return &Error{Slug: slug, Detail: detail, Err: cause}
}

// Invalid makes an invalid-body error about one field of the body.
func Invalid(location, message string) *Error {
	return &Error{Slug: InvalidBody, Detail: message, Fields: []Field{{Location: location, Message: message}}}
}

// Error implements error: slug, detail and cause, for logs.
func (e *Error) Error() string {
	s := string(e.Slug) + ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of finds the *Error inside err; an error of any other kind becomes Internal
// with err as the hidden cause. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Wrap(Internal, "Something went wrong on our side. Try again; if it stays, tell the operator the request id.", err)
}

// Is reports whether err is (or wraps) an *Error with this slug.
func Is(err error, slug Slug) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Slug == slug
}
