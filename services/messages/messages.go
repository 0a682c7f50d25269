// Package messages is the service that keeps what people write.
//
// OWNS: conversations, members, messages, user_clocks and user_events (each
// user's dense log), people, blocks and receipts (projections of users),
// contact_policies, reports, data_exports, data_export_parts, audit_log,
// audit_seals, audit_seal_rows, retention and retention_marks (how long texts are
// kept), message_days and writers (figures), meta (the log's epoch, how far was
// counted), outbox, dead_letters.
//
// SERVES: /api/v1/conversations, /api/v1/messages (activity is what the caller
// did), /api/v1/events, /api/v1/contact-policy, /api/v1/reports,
// /api/v1/data-exports, /api/v1/moderation/; and by request over the bus the log,
// the heads of logs, and the members of a conversation (events.RPCLog, RPCHeads,
// RPCMembers).
//
// ASKS: users for the profile of somebody unknown (RPCProfile); auth and users for
// what they keep of a person who downloads it (RPCAccountData, RPCProfileData).
//
// EMITS: chat.messages.v1.logged.<user>, one per entry of a user's log, its
// body exactly what clients receive, and chat.messages.v1.person_changed.some,
// for those who see a person, to who listens (core NATS); and
// chat.messages.v1.committed.log, stored, one per transaction.
//
// CONSUMES: chat.users.v1.profile_changed.*, chat.users.v1.block_changed.*,
// chat.users.v1.privacy_changed.*, chat.auth.v1.deleted.*.
//
// A message is answered 201 only after the transaction that numbered it,
// wrote it, logged it for every member and put the events into the outbox has
// committed. Everything after that can be repeated.
package messages

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"chatapp/libs/audit"
	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/limit"
	"chatapp/libs/obs"
	"chatapp/libs/outbox"
	"chatapp/libs/run"
)

// Migrations holds the schema for both databases.
//
//go:embed migrations
var Migrations embed.FS

// Service is the messages service; make one with New.
type Service struct {
	deps    run.Deps
	log     *slog.Logger
	store   *store
	bus     *bus.Bus
	relay   *outbox.Relay
	sealer  *audit.Sealer
	commit  *committer
	people  *people
	direct  *directory
	tally   *tally
	exports *exporter
	http    *httpx.Server

	started time.Time // what was written before is not in any tally of this process
}

// New builds the service; it starts nothing and asks nothing.
func New(d run.Deps) (*Service, error) {
	st := &store{db: d.DB}
	s := &Service{
		deps: d, log: d.Log, store: st, bus: d.Bus, tally: newTally(), started: now(),
	}
	s.relay = outbox.NewRelay(d.DB, d.Bus, events.ServiceMessages, d.Log, s.unpack)
	obs.Register(d.Metrics, append(s.relay.Collectors(), outbox.DeadLetterDepth(d.DB, events.ServiceMessages))...)
	s.sealer = &audit.Sealer{Service: events.ServiceMessages, DB: d.DB, Log: d.Log, Now: now}
	s.people = newPeople(st, d.Bus)
	s.exports = newExporter(st, d.Bus, d.Log)
	limits := limit.New(events.ServiceMessages, limit.FromConfig(d.Config), d.Metrics)
	s.direct = newDirectory(st)
	s.direct.admit = func(user id.ID) error { return limits.Check(limit.Contact, limit.Account(user)) }
	s.commit = newCommitter(st, s.publish, committersFor(d.DB), d.Log, newMetrics(d.Metrics))
	s.commit.tracer = d.Tracer
	s.http = s.newServer(httpx.Options{
		Service: events.ServiceMessages, Title: "ChatApp messages", Log: d.Log, Verifier: d.Verifier,
		TrustedProxies: d.Config.TrustedProxies, Metrics: d.Metrics, Tracer: d.Tracer, Limits: limits,
	})
	return s, nil
}

// OpenAPI is the service's OpenAPI 3.1 document; nothing is started for it.
func OpenAPI() ([]byte, error) {
	return (&Service{}).newServer(httpx.Options{Service: events.ServiceMessages, Title: "ChatApp messages"}).OpenAPI()
}

// publish counts what a transaction wrote, and hands it over.
func (s *Service) publish(u *unit) {
	s.tally.add(u.messages)
	size := len(u.row.Payload)
	for _, m := range u.messages {
		size += len(m.Body)
	}
	s.relay.PublishParcel(u.row, size, func() (outbox.Parcel, error) { return parcel(u.epoch, u.row, u.entries) })
}

// Name implements run.Unit.
func (s *Service) Name() string { return events.ServiceMessages }

// Routes implements run.Unit.
func (s *Service) Routes() []string {
	return []string{
		"/api/v1/conversations", "/api/v1/conversations/",
		"/api/v1/messages", "/api/v1/messages/",
		"/api/v1/events",
		"/api/v1/contact-policy",
		"/api/v1/reports",
		"/api/v1/data-exports", "/api/v1/data-exports/",
		"/api/v1/moderation/",
	}
}

// Handler implements run.Unit.
func (s *Service) Handler() http.Handler { return s.http.Handler() }

// Ready implements run.Unit: the database answers. The bus may be down: posts
// are accepted all the same and leave through the outbox when it is back.
func (s *Service) Ready(ctx context.Context) error { return s.deps.DB.Ping(ctx) }

// Run implements run.Unit. Requests that are still open when ctx ends are
// answered: the committer stops only when its callers are gone.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, work := range []func(context.Context) error{
		s.relay.Run, s.sealer.Run, s.consume, s.replayUsers, s.serveLog, s.serveHeads, s.serveMembers,
		s.trimLoop, s.retainLoop, s.tallyLoop, s.countLoop, s.exports.run, s.exports.sweep,
	} {
		g.Go(func() error { return work(ctx) })
	}
	return g.Wait()
}

// committersFor says how many transactions run side by side: two beat one by
// 15-40 % on MySQL, SQLite has one writer anyway.
func committersFor(d *db.DB) int {
	if d != nil && d.Dialect == db.MySQL {
		return 2
	}
	return 1
}

// metrics are what an operator asks of the write path.
type metrics struct {
	batch   prometheus.Histogram
	seconds prometheus.Histogram
	queued  prometheus.Gauge
	refused prometheus.Counter
	failed  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_messages_commit_batch", Help: "Writes per transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_messages_commit_seconds", Help: "Time of one transaction.", Buckets: prometheus.ExponentialBuckets(.0005, 2, 14),
		}),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "chat_messages_commit_queued", Help: "Writes that wait for a transaction.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chat_messages_commit_refused_total", Help: "Writes answered 503 because too many were waiting.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chat_messages_commit_failed_total", Help: "Writes whose transaction failed.",
		}),
	}
	if r != nil {
		r.MustRegister(m.batch, m.seconds, m.queued, m.refused, m.failed)
	}
	return m
}
