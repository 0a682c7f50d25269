package run

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// ensureStreams makes all streams, waiting for JetStream as long as ctx allows:
// a cluster that is just starting has no leader yet.
func ensureStreams(ctx context.Context, b *bus.Bus, cfg config.Config, log *slog.Logger) error {
	for {
		var failed error
		for name, subjects := range events.Streams {
			// Without a leader nobody answers at all: ask again soon.
			try, cancel := context.WithTimeout(ctx, 3*time.Second)
			failed = b.EnsureStream(try, bus.Stream{Name: name, Subjects: subjects, MaxAge: cfg.EventRetention, Replicas: cfg.NATSReplicas})
			cancel()
			if failed != nil {
				break
			}
		}
		if failed == nil {
			return nil
		}
		what := "waiting for JetStream"
		if cfg.Setup == config.SetupWait {
			what = "waiting for JetStream, and for 'chatapp setup-bus' (CHAT_SETUP=wait)"
		}
		log.Warn(what, "error", failed)
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for JetStream: %w", failed)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// SetUpBus makes every stream and every durable consumer, waiting for JetStream
// as long as ctx allows.
func SetUpBus(ctx context.Context, b *bus.Bus, cfg config.Config, log *slog.Logger) error {
	if err := ensureStreams(ctx, b, cfg, log); err != nil {
		return err
	}
	for _, d := range events.Durables {
		if err := b.EnsureConsumer(ctx, bus.Consumer{Stream: d.Stream, Durable: d.Name, Subject: d.Subject}); err != nil {
			return err
		}
	}
	return nil
}

// keySource fetches auth's public keys over the bus.
func keySource(b *bus.Bus) authn.KeySource {
	return func(ctx context.Context) (map[string]ed25519.PublicKey, error) {
		var reply events.JWKSReply
		if err := b.Request(ctx, events.RPCJWKS, struct{}{}, &reply); err != nil {
			return nil, err
		}
		return authn.ParseJWKS(reply.JWKS)
	}
}

// followRevocations tells the verifier about every session that ended early:
// those of the last access-token life from the stream, new ones as fast as
// core NATS brings them, and both again after an interruption.
func (r *process) followRevocations(ctx context.Context) {
	subject := events.Subject(events.ServiceAuth, events.NameSessionRevoked, ">")
	revoke := func(m bus.Message) {
		var e events.SessionRevoked
		session, err := id.Nil, json.Unmarshal(m.Data, &e)
		if err == nil {
			session, err = id.Parse(e.SessionID)
		}
		if err != nil {
			r.Log.Warn("an event session_revoked cannot be read", "id", m.ID, "error", err)
			return
		}
		r.verifier.Revoke(session, time.Now().Add(r.Config.AccessTokenTTL))
	}
	w := r.bus.Watch(revoke)
	defer w.Close()
	if err := w.Add(subject); err != nil {
		r.Log.Warn("revoked sessions are followed through the stream only", "error", err)
	}
	since := time.Now().Add(-r.Config.AccessTokenTTL - authn.Leeway)
	_ = r.bus.Follow(ctx, events.StreamAuth, subject, since, revoke) // nil: it ends with ctx only
}
