package httpx

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/limit"
)

// classKey is where an operation keeps its class; not part of the document.
const classKey = "limit"

// Limited puts an operation into a class of its own: without it GET and HEAD
// count as limit.Read and all others as limit.Write.
func Limited(op huma.Operation, class limit.Class) huma.Operation {
	meta := make(map[string]any, len(op.Metadata)+1)
	for k, v := range op.Metadata {
		meta[k] = v
	}
	meta[classKey] = class
	op.Metadata = meta
	return op
}

func classOf(op huma.Operation) limit.Class {
	if class, ok := op.Metadata[classKey].(limit.Class); ok {
		return class
	}
	if op.Method == http.MethodGet || op.Method == http.MethodHead {
		return limit.Read
	}
	return limit.Write
}

// Admit counts a request to a raw route on h, the header of its answer: on the
// caller's account when identified is nil, on the network when it says that
// there is no valid token. It returns identified, or rate-limited.
func (s *Server) Admit(ctx context.Context, h http.Header, class limit.Class, who authn.Identity, identified error) error {
	if s.limits == nil {
		return identified
	}
	key := limit.Account(who.UserID)
	if identified != nil {
		if !errs.Is(identified, errs.Unauthenticated) {
			return identified // a fault of ours is not counted
		}
		class, key = limit.Anonymous, limit.Network(ClientIP(ctx))
	}
	v := s.limits.Take(class, key)
	s.limits.Announce(h, v)
	if err := v.Err(); err != nil {
		return err
	}
	return identified
}

// authenticate runs before the body is read: neither a stranger is parsed nor
// somebody who asks too often.
func (s *Server) authenticate(class limit.Class) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		i, err := s.Identify(ctx.Context(), ctx.Header("Authorization"))
		if err = s.Admit(ctx.Context(), humagin.Unwrap(ctx).Writer.Header(), class, i, err); err != nil {
			s.refuseEarly(ctx, err)
			return
		}
		next(huma.WithContext(ctx, authn.With(ctx.Context(), i)))
	}
}

// anonymous counts the requests to a public route on their network.
func (s *Server) anonymous(ctx huma.Context, next func(huma.Context)) {
	if s.limits != nil {
		v := s.limits.Take(limit.Anonymous, limit.Network(ClientIP(ctx.Context())))
		s.limits.Announce(humagin.Unwrap(ctx).Writer.Header(), v)
		if err := v.Err(); err != nil {
			s.refuseEarly(ctx, err)
			return
		}
	}
	next(ctx)
}

func (s *Server) refuseEarly(ctx huma.Context, err error) {
	p := s.problem(ctx.Context(), err)
	_ = huma.WriteErr(s.API, ctx, p.Status, p.Detail, p) // the client may be gone
}
