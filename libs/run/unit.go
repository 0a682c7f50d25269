// Package run starts a list of services on a platform and stops them in order.
//
// Every program of ChatApp is run.Main with a list: the all-in-one has all
// services in it, a service's own program has one. The package connects the
// process (configuration, log, database, bus, token verifier), serves all units
// on one listener and health and metrics on another, and at SIGTERM stops
// accepting, lets the units and the open requests end, and closes the platform
// last.
package run

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/trace"
)

// Unit is one running service.
type Unit interface {
	// Name is "auth", "users", "messages", "notify" or "web".
	Name() string
	// Routes lists path patterns: "/api/v1/auth/" (prefix) or "/api/v1/ws" (exact).
	Routes() []string
	// Handler serves the routes, complete with limits, headers and errors.
	Handler() http.Handler
	// Ready is nil while the service is able to answer.
	Ready(ctx context.Context) error
	// Run works in the background until ctx ends, then returns nil.
	Run(ctx context.Context) error
}

// Operated is implemented by a unit that shows its operator more than health
// and metrics: pages on the admin address, by path.
type Operated interface {
	AdminRoutes() map[string]http.Handler
}

// Deps is what a service is built from.
type Deps struct {
	Config   config.Config
	Log      *slog.Logger
	DB       *db.DB // the service's own schema, migrated; nil when it owns no tables
	Bus      *bus.Bus
	Verifier *authn.Verifier
	Metrics  prometheus.Registerer
	Tracer   *trace.Tracer // nil: off
}

// Factory says how to build one unit. Name is also the name of its schema;
// Migrations is nil when it owns no tables. New builds and starts nothing.
type Factory struct {
	Name       string
	Migrations fs.FS
	New        func(d Deps) (Unit, error)
}

// Platform is what the process stands on: libs/platform/embedded or cluster.
type Platform interface {
	// Bus connects to NATS, waiting for it as long as ctx allows.
	Bus(ctx context.Context) (*bus.Bus, error)
	// DB opens the schema of one service, waiting for the database likewise.
	// The caller closes it.
	DB(ctx context.Context, service string) (*db.DB, error)
	// Close ends what the platform itself runs; called after everything else.
	Close() error
}
