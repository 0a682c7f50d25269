// Package auth knows who people are: accounts, passwords, sessions, keys.
//
// OWNS     accounts, credentials, confirmed_emails, sessions, refresh_tokens,
// one_time_tokens, oidc_identities, oidc_flows, totp_factors, recovery_codes,
// passkeys, login_challenges, passkey_challenges, signing_keys, login_attempts,
// audit_log, audit_seals, audit_seal_rows, audit_actors, suspensions,
// deleted_accounts, invitations, settings, outbox, dead_letters (schema auth).
//
// SERVES   /api/v1/auth/register, login, refresh, logout, forgot, reset,
// password, email, account, account/delete, sessions, events,
// usernames/{username}, login/second, factors, passkeys, sign-up, announcement,
// oidc (sign-in with other providers); /api/v1/admin/people, invitations,
// settings, statistics (for moderators and administrators; others get not-found);
// /.well-known/jwks.json.
// Requests on the bus: chat.auth.rpc.v1.jwks (the public keys),
// chat.auth.rpc.v1.account (one account, as its registered event) and
// chat.auth.rpc.v1.data (what its owner may download).
//
// EMITS    chat.auth.v1.registered.<user>, once per account;
// chat.auth.v1.deleted.<user>, once, when it is gone for good;
// chat.auth.v1.session_revoked.<user>, once per session that ends before its
// time; chat.auth.v1.mail_requested.<user>, once per mail. All through the
// outbox, in the transaction of the change.
//
// CONSUMES its own mail_requested (durable auth-mail), and sends the mails: the
// secrets in their links are nobody else's business.
//
// Access tokens are verified everywhere without asking here (libs/authn).
// Refresh tokens rotate: each is good for one exchange, a second one within
// 20 s is a late tab, a later one a thief. Any number of replicas may run on
// one schema: what they share (limits, keys, sessions) is in the database.
package auth

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	sealing "chatapp/libs/audit"
	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/limit"
	"chatapp/libs/obs"
	"chatapp/libs/outbox"
	"chatapp/libs/run"
)

// Migrations is the service's schema, for db.Migrate.
//
//go:embed migrations
var Migrations embed.FS

// Service is the auth service; it implements run.Unit. Safe for concurrent use.
type Service struct {
	cfg      config.Config
	log      *slog.Logger
	store    *store
	bus      *bus.Bus
	verifier *authn.Verifier
	relay    *outbox.Relay // nil without a bus: the sweep of a running service publishes
	sealer   *sealing.Sealer
	hasher   *hasher
	keys     *keyring
	perIP    int64
	secure   bool // the public URL is https
	origins  *http.CrossOriginProtection
	http     *httpx.Server
	passkeys *webauthn.WebAuthn // nil where browsers know none, see newRelyingParty
	post     poster
	inbox    *inbox // nil unless mails are only shown to the developer
	results  *prometheus.CounterVec
	now      func() time.Time

	providers []*provider // to sign in with, besides passwords
}

// New builds the service and starts nothing. Bus, Verifier and Metrics may be
// missing: for the command line and for documents.
func New(d run.Deps) (*Service, error) {
	vault, err := newVault(d.Config)
	if err == nil && d.Bus != nil {
		err = vault.ready()
	}
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: d.Config, log: d.Log, store: &store{db: d.DB, vault: vault}, bus: d.Bus, verifier: d.Verifier,
		hasher: defaultHasher(), perIP: int64(d.Config.LoginRatePerIP),
		secure:   d.Config.HTTPS(),
		origins:  http.NewCrossOriginProtection(),
		passkeys: newRelyingParty(d.Config.PublicURL, d.Config.AllowedOrigins), results: newResults(d.Metrics),
		now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, origin := range append([]string{d.Config.PublicURL}, d.Config.AllowedOrigins...) {
		if u, err := url.Parse(origin); err != nil || u.Host == "" {
			continue // not set: the request's own host is what counts
		}
		if err := s.origins.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	if d.Bus != nil {
		s.relay = outbox.NewRelay(d.DB, d.Bus, events.ServiceAuth, s.log, nil)
		obs.Register(d.Metrics, s.relay.Collectors()...)
	}
	s.keys = &keyring{store: s.store, log: s.log, now: func() time.Time { return s.now() }, ttl: d.Config.AccessTokenTTL}
	s.sealer = &sealing.Sealer{Service: events.ServiceAuth, DB: d.DB, Log: s.log, Now: func() time.Time { return s.now() }}
	s.http = httpx.New(httpx.Options{
		Service: events.ServiceAuth, Title: "ChatApp auth", Log: s.log, Verifier: d.Verifier,
		TrustedProxies: d.Config.TrustedProxies, Metrics: d.Metrics, Tracer: d.Tracer,
		Limits: limit.New(events.ServiceAuth, limit.FromConfig(d.Config), d.Metrics),
	})
	providers, err := newProviders(d.Config, func() time.Time { return s.now() })
	if err != nil {
		return nil, err
	}
	s.providers = providers
	post, err := s.newPoster(d.Config)
	if err != nil {
		return nil, err
	}
	s.post = post
	s.routes()
	return s, nil
}

// OpenAPI is the service's OpenAPI 3.1 document, made without running anything.
func OpenAPI() ([]byte, error) {
	s, err := New(run.Deps{})
	if err != nil {
		return nil, err
	}
	return s.http.OpenAPI()
}

// Name implements run.Unit.
func (s *Service) Name() string { return events.ServiceAuth }

// Routes implements run.Unit.
func (s *Service) Routes() []string {
	return []string{"/api/v1/auth/", "/api/v1/admin/", "/.well-known/jwks.json"}
}

// Handler implements run.Unit.
func (s *Service) Handler() http.Handler { return s.http.Handler() }

// Ready implements run.Unit: the database answers and keys can sign. Signing in
// goes on while the bus is away.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.store.db.Ping(ctx); err != nil {
		return err
	}
	return s.keys.warm(ctx)
}

// Run implements run.Unit: it relays events, answers other services, looks
// after the keys and cleans up, until ctx ends. That the signing keys were
// encrypted with another key than the configured ones is an error.
func (s *Service) Run(ctx context.Context) error {
	if err := s.keys.warm(ctx); errors.Is(err, errOtherKey) {
		return fmt.Errorf("%w; when that is gone for good, 'chatapp admin forget-signing-keys' helps", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { return s.bus.Serve(ctx, events.RPCJWKS, events.ServiceAuth, s.answerJWKS) })
	g.Go(func() error { return s.bus.Serve(ctx, events.RPCAccount, events.ServiceAuth, s.answerAccount) })
	g.Go(func() error { return s.bus.Serve(ctx, events.RPCAccountData, events.ServiceAuth, s.answerData) })
	g.Go(func() error { return s.sendMails(ctx) })
	g.Go(func() error { return outbox.Replays(ctx, s.store.db, s.log, s.sendMail) })
	g.Go(func() error { return s.sealer.Run(ctx) })
	g.Go(func() error { s.every(ctx, keyReread, "signing keys", s.keys.read); return nil })
	g.Go(func() error { s.every(ctx, cleanEvery, "clean-up", s.clean); return nil })
	g.Go(func() error { s.resealLater(ctx); return nil })
	return g.Wait()
}

// every calls work at once and then again and again, and only logs its errors:
// the next time may go better.
func (s *Service) every(ctx context.Context, interval time.Duration, what string, work func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, what+": failed, will be tried again", "error", err, "in", interval)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func newResults(m prometheus.Registerer) *prometheus.CounterVec {
	if m == nil {
		m = prometheus.NewRegistry()
	}
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_auth_results_total", Help: "Sign-ups, logins and refreshes by result; limited were refused for coming too fast.",
	}, []string{"operation", "result"})
	if err := m.Register(c); err != nil {
		// A second Service in one process (tests, command line) shares the first's.
		if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
			if same, ok := known.ExistingCollector.(*prometheus.CounterVec); ok {
				return same
			}
		}
	}
	return c
}

func (s *Service) count(operation, result string) {
	s.results.WithLabelValues(operation, result).Inc()
}
