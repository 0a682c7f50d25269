package obs

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"chatapp/libs/trace"
)

// exportTimeout bounds the last export at shutdown.
const exportTimeout = 3 * time.Second

// Tracing sends the spans of a process to an OpenTelemetry collector. It is
// configured by the standard variables OTEL_*; a collector that is slow or away
// costs spans, never a request.
type Tracing struct {
	exporter sdk.SpanProcessor
}

// StartTracing makes the exporter when OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, and returns nil otherwise.
func StartTracing(ctx context.Context, log *slog.Logger) (*Tracing, error) {
	on := false
	for _, key := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		value := os.Getenv(key)
		if value == "" {
			continue
		}
		on = true
		// The library would take its default instead, without a word.
		if u, err := url.Parse(value); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fmt.Errorf("%s: want the URL of an OTLP/HTTP receiver, for example http://localhost:4318", key)
		}
	}
	if !on {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	otel.SetErrorHandler(reluctant(log))
	return &Tracing{exporter: sdk.NewBatchSpanProcessor(exporter)}, nil
}

// reluctant logs what goes wrong with the export, at most once a minute.
func reluctant(log *slog.Logger) otel.ErrorHandler {
	var last atomic.Int64
	return otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now().Unix(), last.Load()
		if now-before >= 60 && last.CompareAndSwap(before, now) {
			log.Warn("traces cannot be sent; is the receiver at OTEL_EXPORTER_OTLP_ENDPOINT up?", "error", err)
		}
	})
}

// Tracer is that of one service of the process; off when t is nil.
func (t *Tracing) Tracer(service string) *trace.Tracer {
	if t == nil {
		return nil
	}
	return trace.New(sdk.NewTracerProvider(sdk.WithSpanProcessor(t.exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "chatapp-"+service), attribute.String("service.version", ReadBuild().Version),
	))))
}

// Close sends what is left, waiting three seconds at most.
func (t *Tracing) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), exportTimeout)
	defer cancel()
	if err := t.exporter.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}
