package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/events"
)

// Probe is what one connection to NATS found.
type Probe struct {
	Version string
	RTT     time.Duration
	TLS     *tls.ConnectionState // nil without TLS
	Streams map[string]StreamProbe
}

// StreamProbe is one of our streams as NATS keeps it.
type StreamProbe struct {
	Replicas int
	Messages uint64
}

// ProbeNATS connects once as name, without waiting for anything, and looks
// around. The error is one line that says what is wrong.
func ProbeNATS(ctx context.Context, cfg config.Config, name string) (Probe, error) {
	p := Probe{Streams: map[string]StreamProbe{}}
	opts, err := credentials(cfg, name)
	if err != nil {
		return p, err
	}
	nc, err := nats.Connect(cfg.NATSURL, append(opts, nats.NoReconnect())...)
	if err != nil {
		return p, fmt.Errorf("%s (%w)", natsHint(err), err)
	}
	defer nc.Close()
	p.Version = nc.ConnectedServerVersion()
	if p.RTT, err = nc.RTT(); err != nil {
		return p, err
	}
	if state, err := nc.TLSConnectionState(); err == nil {
		p.TLS = &state
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return p, err
	}
	for name := range events.Streams {
		s, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return p, fmt.Errorf("JetStream does not answer about stream %s: is it switched on, and may this user ask? (%w)", name, err)
		}
		info := s.CachedInfo()
		p.Streams[name] = StreamProbe{Replicas: info.Config.Replicas, Messages: info.State.Msgs}
	}
	return p, nil
}

// ProbeDB opens the schema of service and asks it once. The error is one line
// that says what is wrong.
func ProbeDB(ctx context.Context, cfg config.Config, service string) (*db.DB, error) {
	d, err := db.OpenMySQL(db.MySQLOptions{URL: cfg.DatabaseURL, Service: service, Password: cfg.DatabasePassword, CA: cfg.DatabaseCA, MaxConns: 2})
	if err != nil {
		return nil, fmt.Errorf("CHAT_DATABASE_URL: %w", err)
	}
	if err := ping(ctx, d); err != nil {
		return nil, errors.Join(fmt.Errorf("%s (%w)", hint(err), err), d.Close())
	}
	return d, nil
}
