package httpx

import (
	"context"
	"maps"
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
func Limited(op huma.Operation, class limit.Class) huma.Operation { return marked(op, classKey, class) }

// marked is a copy of op that says one thing more about itself.
func marked(op huma.Operation, key string, value any) huma.Operation {
	meta := maps.Clone(op.Metadata)
	if meta == nil {
		meta = map[string]any{}
	}
	meta[key] = value
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

// enrollingKey marks an operation for those who have to set up a second step.
const enrollingKey = "enrolling"

// Enrolling opens an operation to people who signed in with one factor where
// two are demanded: all else refuses them (see authn.Identity.Enrol).
func Enrolling(op huma.Operation) huma.Operation { return marked(op, enrollingKey, true) }

func enrolling(op huma.Operation) bool { return op.Metadata[enrollingKey] == true }

// Admit counts a request to a raw route on h, the header of its answer: on the
// caller's account when identified is nil, on the network when it says that
// there is no token good for this. It returns identified, or rate-limited.
func (s *Server) Admit(ctx context.Context, h http.Header, class limit.Class, who authn.Identity, identified error) error {
	if s.limits == nil {
		return identified
	}
	key := limit.Account(who.UserID)
	if identified != nil {
		if !errs.Is(identified, errs.Unauthenticated) && !errs.Is(identified, errs.SecondStepRequired) {
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
func (s *Server) authenticate(class limit.Class, enrolling bool) func(huma.Context, func(huma.Context)) {
	identify := s.Identify
	if enrolling {
		identify = s.IdentifyEnrolling
	}
	return func(ctx huma.Context, next func(huma.Context)) {
		i, err := identify(ctx.Context(), ctx.Header("Authorization"))
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
