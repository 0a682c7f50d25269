package httpx

import (
	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
)

// RequireRole makes a middleware for operations of people with at least that
// role (see authn.RequireRole). Like authenticate it runs before anything of the
// request is read: for others nothing is there, whatever they send.
func (s *Server) RequireRole(least string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if _, err := authn.RequireRole(ctx.Context(), least); err != nil {
			s.refuseEarly(ctx, err)
			return
		}
		next(ctx)
	}
}
