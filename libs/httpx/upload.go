package httpx

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/errs"
	"chatapp/libs/limit"
)

// uploadTimeout is how long an upload may take to arrive.
const uploadTimeout = 30 * time.Second

// Upload is a route's leave to take bodies that are not JSON.
type Upload struct {
	MaxBody  int64    // in bytes
	Types    []string // media types in small letters, without parameters
	Parallel int      // bodies held in memory at once; further ones are rate-limited
}

// RegisterUpload is Register for a route whose body is raw bytes (RawBody of I).
// What is too large, of another type or one too many is refused before the body
// is read. The path must be without parameters.
func RegisterUpload[I, O any](s *Server, op huma.Operation, u Upload, handle func(context.Context, *I) (*O, error)) {
	if strings.Contains(op.Path, "{") || u.Parallel <= 0 {
		panic("httpx: an upload needs a path without parameters and a number of places: " + op.Path)
	}
	s.uploads[op.Method+" "+op.Path] = u
	places := make(chan struct{}, u.Parallel)
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		select {
		case places <- struct{}{}:
		default:
			p := s.problem(ctx.Context(), &errs.Error{Slug: errs.RateLimited, RetryAfter: 2 * time.Second, Detail: "Too many uploads at once. Try again in a moment."})
			_ = huma.WriteErr(s.API, ctx, p.Status, p.Detail, p) // the client has gone
			return
		}
		defer func() { <-places }()
		next(ctx)
	})
	op = Limited(op, limit.Expensive)
	op.MaxBodyBytes = u.MaxBody + 1 // huma refuses a body as long as its limit
	op.BodyReadTimeout = uploadTimeout
	binary := map[string]*huma.MediaType{}
	for _, kind := range u.Types {
		binary[kind] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	op.RequestBody = &huma.RequestBody{Required: true, Content: binary}
	Register(s, op, handle)
}
