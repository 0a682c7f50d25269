package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/errs"
)

// Problem is the body of every error (RFC 9457, application/problem+json).
// Type is "/problems/<slug>" and stable; Instance is the request id.
type Problem struct {
	Type     string       `json:"type" example:"/problems/not-found" doc:"Stable kind of failure"`
	Title    string       `json:"title" example:"Not Found" doc:"The status in words"`
	Status   int          `json:"status" example:"404"`
	Detail   string       `json:"detail,omitempty" doc:"What happened, for people"`
	Instance string       `json:"instance,omitempty" doc:"The request id, for the operator"`
	Errors   []errs.Field `json:"errors,omitempty" doc:"The wrong parts of the request"`

	Challenge string   `json:"challenge,omitempty" doc:"Of second-factor-required: the secret that goes with the second step"`
	Methods   []string `json:"methods,omitempty" doc:"Of second-factor-required: totp, recovery_code, passkey"`

	retryAfter time.Duration
	slug       errs.Slug
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError: what must accompany this failure.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

func newProblem(e *errs.Error, instance string) *Problem {
	status := e.Slug.Status()
	p := &Problem{
		Type: "/problems/" + string(e.Slug), Title: http.StatusText(status), Status: status,
		Detail: e.Detail, Instance: instance, Errors: e.Fields,
		retryAfter: e.RetryAfter, slug: e.Slug,
	}
	if e.NextStep != nil {
		p.Challenge, p.Methods = e.NextStep.Challenge, e.NextStep.Methods
	}
	return p
}

// problem turns any error into a body and logs the hidden cause of our own
// failures with the request id that the caller sees.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	e := errs.Of(err)
	r := requestOf(ctx)
	if ctx.Err() != nil {
		// The caller hung up: whatever followed from that is nobody's failure.
		return newProblem(errs.New(errs.Unavailable, "The request was cancelled."), r.id)
	}
	if e.Slug.Status() >= http.StatusInternalServerError {
		s.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("error", e.Error()))
	}
	return newProblem(e, r.id)
}

// WriteProblem answers a raw request with err's problem; used by handlers
// outside huma and before a WebSocket upgrade.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := newProblem(errs.Of(err), requestOf(r.Context()).id)
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone: nothing to do
}

// huma makes its own errors (validation, negotiation) through these two hooks;
// here they become the same problems as everybody else's.
func init() {
	huma.NewError = func(status int, msg string, causes ...error) huma.StatusError {
		return fromHuma(status, msg, causes, "")
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, causes ...error) huma.StatusError {
		if ctx == nil {
			return fromHuma(status, msg, causes, "")
		}
		p := fromHuma(status, msg, causes, requestOf(ctx.Context()).id)
		for k, values := range p.GetHeaders() {
			for _, v := range values {
				ctx.SetHeader(k, v)
			}
		}
		return p
	}
}

func fromHuma(status int, msg string, causes []error, instance string) *Problem {
	if len(causes) == 1 {
		if p, ok := errors.AsType[*Problem](causes[0]); ok {
			return p
		}
	}
	slug := slugOf(status)
	e := &errs.Error{Slug: slug, Detail: sentence(slug, msg)}
	for _, cause := range causes {
		if cause == nil {
			continue
		}
		f := field(cause)
		if strings.HasPrefix(f.Location, "path.") && status == http.StatusUnprocessableEntity {
			// A malformed id names nothing: the same answer as a missing one.
			return newProblem(errs.New(errs.NotFound, "There is nothing at this address."), instance)
		}
		if strings.HasPrefix(f.Location, "query.") || strings.HasPrefix(f.Location, "header.") {
			e.Slug, e.Detail = errs.InvalidParameter, "A parameter of the request is not valid."
		}
		if f.Message == errNotUTF8.Error() || f.Message == errLoneSurrogate.Error() {
			e.Slug, e.Detail = errs.InvalidText, "The text is not valid Unicode."
		}
		e.Fields = append(e.Fields, f)
	}
	return newProblem(e, instance)
}

// field keeps where and what, never the value: bodies are not echoed.
func field(cause error) errs.Field {
	if d, ok := cause.(huma.ErrorDetailer); ok {
		detail := d.ErrorDetail()
		return errs.Field{Location: detail.Location, Message: detail.Message}
	}
	return errs.Field{Location: "body", Message: cause.Error()}
}

func slugOf(status int) errs.Slug {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestTimeout:
		return errs.InvalidBody
	case http.StatusNotFound:
		return errs.NotFound
	case http.StatusNotAcceptable:
		return errs.NotAcceptable
	case http.StatusRequestEntityTooLarge:
		return errs.TooLarge
	case http.StatusUnsupportedMediaType:
		return errs.UnsupportedMediaType
	case http.StatusUnauthorized:
		return errs.Unauthenticated
	default:
		return errs.Internal
	}
}

func sentence(slug errs.Slug, msg string) string {
	switch slug {
	case errs.Internal:
		return errs.Of(http.ErrAbortHandler).Detail
	case errs.InvalidBody:
		return "The request is not valid: see errors for what to change."
	case errs.UnsupportedMediaType:
		return "Send the body as application/json."
	default:
		return msg
	}
}
