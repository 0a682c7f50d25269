package httpx

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/obs"
	"chatapp/libs/trace"
)

// request is what the shell knows about a request; one allocation each.
type request struct {
	id        string
	clientIP  string
	userAgent string
}

// RequestID implements obs.Requester.
func (r *request) RequestID() string { return r.id }

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(obs.RequestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// RequestID returns the id that the response's X-Request-Id header shows.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// ClientIP returns the caller's address; X-Forwarded-For counts only from a
// trusted proxy.
func ClientIP(ctx context.Context) string { return requestOf(ctx).clientIP }

// UserAgent returns the caller's User-Agent, at most 256 bytes of it.
func UserAgent(ctx context.Context) string { return requestOf(ctx).userAgent }

// begin gives the request its id and headers, then counts and logs its end.
// The log has no query string, no body and no header: none of them is ours.
func (s *Server) begin(m *metrics) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		r := &request{id: requestID(c.GetHeader("X-Request-Id")), clientIP: c.ClientIP(), userAgent: cut(c.Request.UserAgent(), 256)}
		ctx := trace.WithTraceparent(context.WithValue(c.Request.Context(), obs.RequestKey{}, r), c.GetHeader(trace.Header))
		ctx, span := s.tracer.Start(ctx, "HTTP request", trace.Server)
		c.Request = c.Request.WithContext(ctx)
		secure(c.Writer.Header(), r.id)
		m.open.Inc()
		c.Next()
		m.open.Dec()
		status, took := c.Writer.Status(), time.Since(start)
		if !streams(c.Writer.Header()) {
			m.observe(c.FullPath(), c.Request.Method, status, took)
		}
		endSpan(span, c, status)
		level := slog.LevelDebug
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		} else if status >= http.StatusBadRequest {
			level = slog.LevelInfo
		}
		if s.log.Enabled(c.Request.Context(), level) {
			s.log.LogAttrs(c.Request.Context(), level, "request",
				slog.String("method", c.Request.Method),
				slog.String("path", c.Request.URL.Path), slog.Int("status", status),
				slog.Duration("took", took), slog.String("client", r.clientIP))
		}
	}
}

// streams reports whether an answer was one of server-sent events, which lasts
// as long as somebody listens and would only spoil the latencies.
func streams(h http.Header) bool { return h.Get("Content-Type") == "text/event-stream" }

// endSpan says what the request was, by route and never by address.
func endSpan(span trace.Span, c *gin.Context, status int) {
	if !span.On() {
		return
	}
	span.Name(c.Request.Method + " " + c.FullPath())
	span.Text("http.request.method", c.Request.Method)
	span.Text("http.route", c.FullPath())
	span.Int("http.response.status_code", status)
	if status >= http.StatusInternalServerError {
		span.Fail(http.StatusText(status))
	}
	span.End()
}

// secure sets the headers that every API answer carries. The policy forbids
// everything: an API answer opened as a page can do nothing.
func secure(h http.Header, requestID string) {
	h["X-Request-Id"] = []string{requestID}
	for name, value := range secureHeaders {
		h[name] = value
	}
}

// StrictTransport is the value of Strict-Transport-Security where people come
// over TLS: for a year browsers use nothing else for this host and those below it.
const StrictTransport = "max-age=31536000; includeSubDomains"

// secureHeaders are shared by all answers: their slices are never written to.
var secureHeaders = http.Header{
	"X-Content-Type-Options":       {"nosniff"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cache-Control":                {"no-store"},
	"Vary":                         {"Origin"},
}

// requestID keeps a caller's id when it is harmless, so that traces join.
func requestID(given string) string {
	if len(given) < 8 || len(given) > 64 {
		return id.New().String()
	}
	for _, r := range given {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return id.New().String()
		}
	}
	return given
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// recover answers a panic with 500 and logs where; the process lives on.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		s.log.ErrorContext(c.Request.Context(), "panic in a handler",
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			WriteProblem(c.Writer, c.Request, errs.Of(fmt.Errorf("panic: %v", cause)))
		}
		c.Abort()
	}()
	c.Next()
}

// guard refuses what no handler should have to think about.
func (s *Server) guard(c *gin.Context) {
	limits := Upload{MaxBody: s.maxBody, Types: []string{"application/json"}}
	if u, ok := s.uploads[c.Request.Method+" "+c.FullPath()]; ok {
		limits = u
	}
	if err := refuse(c.Request, limits); err != nil {
		WriteProblem(c.Writer, c.Request, err)
		c.Abort()
		return
	}
	c.Next()
}

func refuse(r *http.Request, limits Upload) error {
	if len(r.URL.Path) > maxPath {
		return errs.New(errs.URITooLong, "The address is too long.")
	}
	// Secrets in URLs end up in logs, histories and Referer headers.
	if r.URL.RawQuery != "" {
		query := r.URL.Query()
		for _, k := range []string{"token", "access_token", "jwt"} {
			if query.Has(k) {
				return errs.New(errs.TokenInURL, "Send the token in the Authorization header, never in the address.")
			}
		}
	}
	if r.ContentLength > limits.MaxBody {
		return errs.New(errs.TooLarge, fmt.Sprintf("The body is larger than the limit of %d bytes.", limits.MaxBody))
	}
	if r.ContentLength != 0 && !slices.Contains(limits.Types, mediaType(r.Header.Get("Content-Type"))) {
		return errs.New(errs.UnsupportedMediaType, "Send the body as "+strings.Join(limits.Types, " or ")+".")
	}
	return nil
}

// mediaType is a Content-Type without its parameters, in small letters.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
