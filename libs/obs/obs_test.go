package obs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"chatapp/libs/obs"
)

func TestLogFormatsAndLevels(t *testing.T) {
	var out bytes.Buffer
	log := obs.NewLog(&out, slog.LevelWarn, "json")
	log.Info("no")
	log.Warn("two\nlines", "k", "v")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "two\nlines" || line["k"] != "v" || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%s %v", out.String(), err)
	}
	out.Reset()
	obs.NewLog(&out, slog.LevelInfo, "text").Info("two\nlines", "k", "v")
	if s := out.String(); !strings.Contains(s, `msg="two\nlines" k=v`) || strings.Count(s, "\n") != 1 {
		t.Fatal(s)
	}
}

func TestRegistryHasBuildAndRuntime(t *testing.T) {
	families, err := obs.NewRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, want := range []string{"chat_build_info", "go_goroutines", "process_open_fds"} {
		if !names[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if s := obs.ReadBuild().String(); !strings.HasPrefix(s, "chatapp ") || !strings.Contains(s, "go1.") {
		t.Error(s)
	}
}

// Nothing set, nothing made; and what is not a URL is refused with the cure.
func TestTracingIsOffUnlessAnEndpointIsSet(t *testing.T) {
	for _, key := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		t.Setenv(key, "")
	}
	tracing, err := obs.StartTracing(t.Context(), slog.New(slog.DiscardHandler))
	if tracing != nil || err != nil || tracing.Tracer("x").On() {
		t.Fatal("traces are on", err)
	}
	tracing.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
	tracing, err = obs.StartTracing(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || !tracing.Tracer("x").On() {
		t.Fatal("traces are off", err)
	}
	tracing.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "jaeger:4318")
	if _, err = obs.StartTracing(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "http://localhost:4318") {
		t.Errorf("not a URL: %v", err)
	}
}
