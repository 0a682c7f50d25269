// Package notify brings every event to every connected device of its user: in
// order, without holes, once on each connection, whatever was lost or came
// twice on the way. It is the push half of ChatApp; the log it delivers is the
// messages service's.
//
// OWNS      no tables; the open connections of this node.
// SERVES    GET /api/v1/ws (WebSocket), GET /api/v1/events/stream (SSE).
// EMITS     chat.notify.v1.typing.<user> and chat.notify.v1.seen.some (who is connected), core NATS only: hints may
//
//	be lost.
//
// CONSUMES  chat.messages.v1.logged.<user> and chat.notify.v1.typing.<user> as core interest while the user is
//
//	connected here; chat.messages.v1.person_changed.* as core interest; chat.auth.v1.session_revoked.* as core interest and from the stream; by request
//	chat.messages.rpc.v1.log, heads and members.
//
// How an event travels: the messages service commits it with the user's next
// number and publishes it. Every node that has the user gets it (hub), gives it
// to the user's feed, and the feed's sequencer hands it to each connection for
// which it is the next number. A number that is missing, from a connect or from
// a loss, is read from the log; heads are compared regularly, so that also the
// loss of the last event is noticed. Nothing is kept here that is not in the
// log, so any node can continue any client, and a node may die at any moment.
//
// Files: sequencer (what may be sent next; the proof), feed (one user), hub
// (all users, the bus), heal (comparing heads), client and queue (one
// connection), socket and stream (its two transports), handshake, sessions,
// typing, seen, frames, cursor, http, metrics.
package notify

import (
	"context"
	"net/http"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/limit"
	"chatapp/libs/run"
)

// Service is the notify service. It implements run.Unit.
type Service struct {
	bus  *bus.Bus
	hub  *hub
	http *httpx.Server
}

// New builds the service and starts nothing; connections are taken while Run
// is at work. Errors: a metric that is registered already.
func New(d run.Deps) (*Service, error) { return build(d, realTiming()) }

func build(d run.Deps, t timing) (*Service, error) {
	m, err := newMetrics(d.Metrics)
	if err != nil {
		return nil, err
	}
	h := newHub(d.Bus, d.Log, d.Verifier, m, t)
	h.origins = newOrigins(d.Config.PublicURL, d.Config.AllowedOrigins)
	h.tracer = d.Tracer
	h.tokenLife = d.Config.AccessTokenTTL
	s := &Service{bus: d.Bus, hub: h, http: shell(d)}
	h.admit = s.http.Admit
	routes(s.http, h.serveSocket, h.serveStream)
	return s, nil
}

func shell(d run.Deps) *httpx.Server {
	return httpx.New(httpx.Options{
		Service: events.ServiceNotify, Title: "ChatApp notify", Log: d.Log, Verifier: d.Verifier,
		TrustedProxies: d.Config.TrustedProxies, Metrics: d.Metrics, Tracer: d.Tracer,
		Limits: limit.New(events.ServiceNotify, limit.FromConfig(d.Config), d.Metrics),
	})
}

// Name implements run.Unit.
func (s *Service) Name() string { return "notify" }

// Routes implements run.Unit.
func (s *Service) Routes() []string { return []string{routeSocket, routeStream} }

// Handler implements run.Unit.
func (s *Service) Handler() http.Handler { return s.http.Handler() }

// Ready is nil while connections are taken. The bus is not asked: the all-in-one
// must go on taking posts while it is away. New connections are refused then,
// which sends a client to another replica, and those that are open stay.
func (s *Service) Ready(context.Context) error { return s.hub.ready() }

// Run delivers events until ctx ends. Then it refuses new connections, closes
// every open one with 1012 and a moment to come back at, and returns nil when
// they are gone, within five seconds.
func (s *Service) Run(ctx context.Context) error { return s.hub.run(ctx) }

// OpenAPI is the service's OpenAPI 3.1 document; nothing is running for it.
func OpenAPI() ([]byte, error) {
	s := shell(run.Deps{})
	routes(s, http.NotFound, http.NotFound)
	return s.OpenAPI()
}

var (
	_ run.Unit = (*Service)(nil)
	_ sink     = (*client)(nil)
)
