package trace_test

import (
	"context"
	"testing"

	"chatapp/libs/trace"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// Off costs no allocation and changes no context.
func TestOffIsNothing(t *testing.T) {
	var off *trace.Tracer
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		got, span := off.Start(ctx, "x", trace.Internal)
		span.Int("a", 1)
		span.Link(span)
		span.Fail("b")
		span.End()
		if got != ctx || span.On() || span.Traceparent() != "" || trace.Traceparent(got) != "" || trace.ID(got) != "" {
			t.Error("off left something")
		}
	})
	if off.On() || trace.New(nil) != nil || allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// What arrives is carried on, also where nothing is recorded; nonsense is not.
func TestTraceparentIsCarried(t *testing.T) {
	ctx := trace.WithTraceparent(context.Background(), parent)
	if trace.Traceparent(ctx) != parent || trace.ID(ctx) != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%q %q", trace.Traceparent(ctx), trace.ID(ctx))
	}
	for _, bad := range []string{"", "x", "00-0-0-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01"} {
		if got := trace.Traceparent(trace.WithTraceparent(context.Background(), bad)); got != "" {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}
