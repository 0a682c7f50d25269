// Package obs is how a process shows what it is doing: its log, its metrics and
// which build it is. Logs never hold bodies, tokens or passwords; that is the
// duty of whoever logs.
package obs

import (
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// version is set by the release build: -ldflags "-X chatapp/libs/obs.version=1.2.3".
var version = ""

// Build is what is known about this binary.
type Build struct {
	Version  string // "1.2.3", or "dev" followed by the commit
	Commit   string // "" outside a checkout
	Modified bool   // built from a tree with changes
	Go       string
}

// ReadBuild returns the build of the running binary.
func ReadBuild() Build {
	b := Build{Version: version, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	if b.Version == "" {
		b.Version = "dev"
		if len(b.Commit) >= 12 {
			b.Version += "-" + b.Commit[:12]
		}
		if b.Modified {
			b.Version += "+changes"
		}
	}
	return b
}

// String is one line for people.
func (b Build) String() string { return "chatapp " + b.Version + " (" + b.Go + ")" }

// NewLog writes lines of key=value (format "text") or JSON objects ("json") at
// level and above to w. A line logged with a request's context has its
// request_id, and its trace_id when it has one.
func NewLog(w io.Writer, level slog.Level, format string) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(correlated{slog.NewJSONHandler(w, opts)})
	}
	return slog.New(correlated{slog.NewTextHandler(w, opts)})
}

// NewRegistry is a Prometheus registry with the Go runtime's and the process's
// own metrics and chat_build_info.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	b := ReadBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "chat_build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go": b.Go},
	})
	info.Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info)
	return r
}
