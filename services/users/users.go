// Package users keeps the public profiles of people and finds them.
//
// A profile comes into being when auth says that an account exists: by event,
// or, when somebody asks before the event is here, by asking auth. So a person
// who has just signed up is never unknown to this service.
//
//	OWNS      profiles, search_terms (derived from profiles), profile_details, pictures, last_seen, blocks,
//	          audit_log, audit_seals, audit_seal_rows, outbox, dead_letters
//	SERVES    GET /api/v1/users               directory with prefix search
//	          GET, PATCH /api/v1/users/me     the caller's own profile
//	          PUT, DELETE /api/v1/users/me/picture; GET, PUT /api/v1/users/me/privacy
//	          GET /api/v1/users/me/activity   what the caller changed
//	          GET /api/v1/users/me/blocks     whom the caller blocked; PUT, DELETE …/{id}
//	          GET /api/v1/users/{id}          anybody's profile
//	          GET /api/v1/users/{id}/pictures/{picture_id}/{size}   for who knows the picture's id
//	          RPC chat.users.rpc.v1.profile   the same for other services
//	          RPC chat.users.rpc.v1.data      what a person may download
//	EMITS     chat.users.v1.profile_changed.<user>, on the first version and on each change
//	          chat.users.v1.block_changed.<blocker>, on each block and unblock
//	          chat.users.v1.privacy_changed.<user>, on each change of what others must keep to themselves
//	CONSUMES  chat.auth.v1.registered.* (durable "users"), chat.auth.v1.deleted.*
//	          (durable "users-deleted"); RPC chat.auth.rpc.v1.account on a miss;
//	          chat.notify.v1.seen.*, as it is said
package users

import (
	"context"
	"embed"
	"log/slog"
	"net/http"

	"golang.org/x/sync/errgroup"

	"chatapp/libs/audit"
	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/limit"
	"chatapp/libs/obs"
	"chatapp/libs/outbox"
	"chatapp/libs/run"
)

// Migrations are the versioned SQL files of the service's schema, one folder
// per dialect.
//
//go:embed migrations
var Migrations embed.FS

// Service is the users service. It keeps nothing in memory that another
// replica would miss: any number of them serve one schema.
type Service struct {
	store  store
	bus    *bus.Bus
	relay  *outbox.Relay
	sealer *audit.Sealer
	studio *studio
	log    *slog.Logger
	server *httpx.Server
}

var _ run.Unit = (*Service)(nil)

// New builds the service on a migrated schema; it starts nothing.
func New(d run.Deps) (*Service, error) {
	s := &Service{
		store:  store{d.DB},
		bus:    d.Bus,
		relay:  outbox.NewRelay(d.DB, d.Bus, events.ServiceUsers, d.Log, nil),
		sealer: &audit.Sealer{Service: events.ServiceUsers, DB: d.DB, Log: d.Log, Now: now},
		studio: newStudio(),
		log:    d.Log,
		server: httpx.New(httpx.Options{
			Service:        events.ServiceUsers,
			Title:          title,
			Log:            d.Log,
			Verifier:       d.Verifier,
			TrustedProxies: d.Config.TrustedProxies,
			Metrics:        d.Metrics,
			Tracer:         d.Tracer,
			Limits:         limit.New(events.ServiceUsers, limit.FromConfig(d.Config), d.Metrics),
		}),
	}
	obs.Register(d.Metrics, append(s.relay.Collectors(), outbox.DeadLetterDepth(d.DB, events.ServiceUsers))...)
	s.routes(s.server)
	return s, nil
}

// Name implements run.Unit.
func (s *Service) Name() string { return events.ServiceUsers }

// Routes implements run.Unit.
func (s *Service) Routes() []string { return []string{"/api/v1/users", "/api/v1/users/"} }

// Handler implements run.Unit.
func (s *Service) Handler() http.Handler { return s.server.Handler() }

// Ready implements run.Unit: the database answers. Profiles are served while
// the bus is away.
func (s *Service) Ready(ctx context.Context) error { return s.store.db.Ping(ctx) }

// Run relays the outbox, takes in new accounts and answers the other services
// until ctx ends; it returns nil then.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { return s.sealer.Run(ctx) })
	g.Go(func() error { return s.consumeAccounts(ctx) })
	g.Go(func() error { return s.consumeDeleted(ctx) })
	g.Go(func() error { return s.watchSeen(ctx) })
	g.Go(func() error { return outbox.Replays(ctx, s.store.db, s.log, s.replay) })
	g.Go(func() error { return s.bus.Serve(ctx, events.RPCProfile, events.ServiceUsers, s.serveProfile) })
	g.Go(func() error { return s.bus.Serve(ctx, events.RPCProfileData, events.ServiceUsers, s.answerData) })
	return g.Wait()
}

// OpenAPI returns the OpenAPI 3.1 document of the service's routes as JSON. It
// needs nothing to run.
func OpenAPI() ([]byte, error) {
	server := httpx.New(httpx.Options{Service: events.ServiceUsers, Title: title})
	(&Service{}).routes(server)
	return server.OpenAPI()
}
