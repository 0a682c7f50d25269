// Package trace follows one request through all services, as OpenTelemetry
// spans. Off is a nil *Tracer: every call on it is one nil check and allocates
// nothing. Spans say what was done and how long it took; they hold no bodies,
// tokens, names or addresses.
//
// What is carried from process to process is a W3C traceparent. It is carried
// whether or not this process records spans, so that logs can be joined.
package trace

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Header is the name under which a traceparent travels, over HTTP and NATS.
const Header = "traceparent"

// Kind says which side of a conversation a span is.
type Kind = trace.SpanKind

// The kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Consumer = trace.SpanKindConsumer
	Producer = trace.SpanKindProducer
)

// Tracer makes the spans of one service; nil makes none.
type Tracer struct{ t trace.Tracer }

// New makes a Tracer of p; nil, which is off, when p is nil.
func New(p trace.TracerProvider) *Tracer {
	if p == nil {
		return nil
	}
	return &Tracer{p.Tracer("chatapp")}
}

// On reports whether spans are recorded: for work that only they need.
func (t *Tracer) On() bool { return t != nil }

// Start begins a span below the one in ctx; the context returned carries it.
func (t *Tracer) Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.t.Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{s}
}

// Span is one piece of work. The zero Span, of a Tracer that is off, does nothing.
type Span struct{ s trace.Span }

// On reports whether the span is recorded.
func (s Span) On() bool { return s.s != nil }

// Name renames the span: a request's route is known only at its end.
func (s Span) Name(name string) {
	if s.s != nil {
		s.s.SetName(name)
	}
}

// Int notes a number.
func (s Span) Int(key string, v int) {
	if s.s != nil {
		s.s.SetAttributes(attribute.Int(key, v))
	}
}

// Text notes one of few values: a route, a close code, never what somebody wrote.
func (s Span) Text(key, v string) {
	if s.s != nil {
		s.s.SetAttributes(attribute.String(key, v))
	}
}

// Fail marks the span as failed; why is a problem's slug or a fixed text.
func (s Span) Fail(why string) {
	if s.s != nil {
		s.s.SetStatus(codes.Error, why)
	}
}

// Link says that other took part in this work, or this in other's.
func (s Span) Link(other Span) {
	if s.s != nil && other.s != nil {
		s.s.AddLink(trace.Link{SpanContext: other.s.SpanContext()})
	}
}

// End ends the span now.
func (s Span) End() {
	if s.s != nil {
		s.s.End()
	}
}

// EndAt ends the span at a moment that has passed.
func (s Span) EndAt(at time.Time) {
	if s.s != nil {
		s.s.End(trace.WithTimestamp(at))
	}
}

// Traceparent is what the spans of other processes name as their parent.
func (s Span) Traceparent() string {
	if s.s == nil {
		return ""
	}
	return Traceparent(trace.ContextWithSpanContext(context.Background(), s.s.SpanContext()))
}

// WithTraceparent puts a W3C traceparent into ctx; what is not one changes nothing.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Header: traceparent})
}

// Traceparent is the W3C traceparent of the span in ctx, "" when there is none.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[Header]
}

// ID is the trace id in ctx, "" when there is none: for log lines.
func ID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}
