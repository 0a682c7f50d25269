// Package httpx is the outer shell of every service: gin for routing, huma for
// typed handlers and OpenAPI, and everything a request must pass before it
// reaches a handler. Limits, authentication, security headers and error bodies
// are here and not in a gateway, so no shape of deployment depends on one.
//
// A service registers typed handlers with Register and never sees gin.
package httpx

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/limit"
	"chatapp/libs/trace"
)

// DefaultMaxBody is the largest request body in bytes unless Options say
// otherwise; the longest message (8,000 characters of four bytes, escaped)
// fits twice.
const DefaultMaxBody = 64 << 10

// maxPath is the longest request path in bytes.
const maxPath = 2 << 10

// Options are what differs between services. Only Service and Title are
// needed; the zero value of the rest suits documents and tests.
type Options struct {
	Service string
	Title   string
	Log     *slog.Logger
	// Verifier checks bearer tokens; without one every Bearer route is 401.
	Verifier *authn.Verifier
	// TrustedProxies are the CIDRs whose X-Forwarded-For is believed.
	TrustedProxies []string
	MaxBody        int64
	Metrics        prometheus.Registerer
	Tracer         *trace.Tracer  // nil: requests are not traced
	Limits         *limit.Limiter // nil: requests are not limited
}

// Server is one service's HTTP side. Engine is for the few raw routes
// (WebSocket, SSE); API holds the OpenAPI document.
type Server struct {
	Engine *gin.Engine
	API    huma.API

	verifier *authn.Verifier
	maxBody  int64
	uploads  map[string]Upload // by method and path
	log      *slog.Logger
	tracer   *trace.Tracer
	limits   *limit.Limiter
}

// Bearer and Public are the two values of an operation's Security.
var (
	Bearer = []map[string][]string{{"bearer": {}}}
	Public = []map[string][]string{}
)

func init() {
	gin.SetMode(gin.ReleaseMode)
	huma.DefaultArrayNullable = false
}

// New builds the shell; nothing listens yet. It panics on a malformed
// TrustedProxies entry, which libs/config has already checked.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	if err := engine.SetTrustedProxies(o.TrustedProxies); err != nil {
		panic(err)
	}
	s := &Server{Engine: engine, verifier: o.Verifier, maxBody: o.MaxBody, uploads: map[string]Upload{}, log: o.Log, tracer: o.Tracer, limits: o.Limits}
	m := newMetrics(o.Metrics, o.Service)
	engine.Use(s.begin(m), s.recover, s.guard)
	engine.NoRoute(func(c *gin.Context) {
		WriteProblem(c.Writer, c.Request, errs.New(errs.NotFound, "There is nothing at this address."))
	})
	engine.NoMethod(func(c *gin.Context) {
		WriteProblem(c.Writer, c.Request, errs.New(errs.MethodNotAllowed, "This address does not take this method."))
	})
	s.API = humagin.New(engine, config(o))
	return s
}

// config is huma's, with the parts that reach outside or answer unasked off.
func config(o Options) huma.Config {
	c := huma.DefaultConfig(o.Title, "1.0.0")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.OnAddOperation = append(c.OnAddOperation, describeProblems)
	c.RejectUnknownQueryParameters = true
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	return c
}

// describeProblems makes the document say what the shell does: what huma
// announces as 422 goes out as 400 (or 404), and any operation may answer with
// another problem, such as 413 or 429.
func describeProblems(doc *huma.OpenAPI, op *huma.Operation) {
	if invalid, ok := op.Responses["422"]; ok {
		delete(op.Responses, "422")
		if op.Responses["400"] == nil {
			invalid.Description = http.StatusText(http.StatusBadRequest)
			op.Responses["400"] = invalid
		}
	}
	if op.Responses["default"] == nil {
		problem := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
		op.Responses["default"] = &huma.Response{
			Description: "Any other problem",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
}

// Handler serves the routes registered so far.
func (s *Server) Handler() http.Handler { return s.Engine }

// OpenAPI is the service's OpenAPI 3.1 document as indented JSON.
func (s *Server) OpenAPI() ([]byte, error) {
	return json.MarshalIndent(s.API.OpenAPI(), "", "  ")
}

// Register adds a typed route. An operation without Security Public needs a
// bearer token, and its handler finds the caller with authn.From. Errors that
// handlers return become problem+json; see libs/errs for the statuses.
func Register[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if op.Security == nil {
		op.Security = Bearer
	}
	first := s.anonymous
	if len(op.Security) > 0 {
		first = s.authenticate(classOf(op), enrolling(op))
	}
	op.Middlewares = append(huma.Middlewares{first}, op.Middlewares...)
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = s.maxBody
	}
	huma.Register(s.API, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// RequireRole makes a middleware for operations of people with at least that
// role (see authn.RequireRole). Like authenticate it runs before anything of the
// request is read: for others nothing is there, whatever they send.
func (s *Server) RequireRole(least string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if _, err := authn.RequireRole(ctx.Context(), least); err != nil {
			p := s.problem(ctx.Context(), err)
			_ = huma.WriteErr(s.API, ctx, p.Status, p.Detail, p)
			return
		}
		next(ctx)
	}
}

// Identify checks an Authorization header's value. Errors: unauthenticated,
// second-step-required, unavailable.
func (s *Server) Identify(ctx context.Context, authorization string) (authn.Identity, error) {
	if s.verifier == nil {
		return authn.Identity{}, errNoToken()
	}
	return s.verifier.Verify(ctx, BearerToken(authorization))
}

// IdentifyEnrolling is Identify for what people need who have to set up a
// second step. Errors: unauthenticated, unavailable.
func (s *Server) IdentifyEnrolling(ctx context.Context, authorization string) (authn.Identity, error) {
	if s.verifier == nil {
		return authn.Identity{}, errNoToken()
	}
	return s.verifier.VerifyEnrolling(ctx, BearerToken(authorization))
}

func errNoToken() error { return errs.New(errs.Unauthenticated, "Sign in to continue.") }

// BearerToken returns the token in an Authorization header's value, "" when it
// holds none.
func BearerToken(authorization string) string {
	const scheme = "bearer "
	if len(authorization) <= len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return ""
	}
	return authorization[len(scheme):]
}
