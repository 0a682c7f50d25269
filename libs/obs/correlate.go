package obs

import (
	"context"
	"log/slog"

	"chatapp/libs/trace"
)

// RequestKey is the context key of the request being answered; its value is a
// Requester.
type RequestKey struct{}

// Requester knows the id of the request it belongs to.
type Requester interface{ RequestID() string }

// correlated adds request_id and trace_id to every line logged with a context
// that has them.
type correlated struct{ slog.Handler }

// Handle implements slog.Handler.
func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	if q, ok := ctx.Value(RequestKey{}).(Requester); ok {
		r.AddAttrs(slog.String("request_id", q.RequestID()))
	}
	if id := trace.ID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h correlated) WithGroup(name string) slog.Handler { return correlated{h.Handler.WithGroup(name)} }
