// Package cluster is the platform of separate services: an external NATS and a
// MySQL server, both reached over the network and both allowed to come later
// than the process, or to go away for a while.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
)

// Platform connects to what the configuration names. Close ends the connection
// to NATS.
type Platform struct {
	cfg  config.Config
	name string
	log  *slog.Logger
	nc   *nats.Conn
}

// New prepares a platform for the process called name (shown by NATS and the
// logs). Errors say which key is missing.
func New(cfg config.Config, name string, log *slog.Logger) (*Platform, error) {
	if cfg.NATSURL == "" {
		return nil, errors.New("CHAT_NATS_URL is not set: a service on its own needs NATS, for example nats://localhost:4222 (only the all-in-one 'chatapp' brings its own)")
	}
	if cfg.DatabaseURL == "" {
		return nil, errors.New("CHAT_DATABASE_URL is not set: a service on its own needs MySQL, for example mysql://chat_{service}@localhost:3306/chat_{service} (only the all-in-one 'chatapp' brings its own database)")
	}
	return &Platform{cfg: cfg, name: name, log: log}, nil
}

// Bus connects to NATS; see ConnectNATS.
func (p *Platform) Bus(ctx context.Context) (*bus.Bus, error) {
	nc, err := ConnectNATS(ctx, p.cfg, p.name, p.log)
	if err != nil {
		return nil, err
	}
	p.nc = nc
	return bus.Connect(nc, p.log)
}

// DB opens the schema of service; see OpenDB.
func (p *Platform) DB(ctx context.Context, service string) (*db.DB, error) {
	return OpenDB(ctx, p.cfg, service, p.log)
}

// Close flushes and closes the connection to NATS.
func (p *Platform) Close() error {
	if p.nc != nil {
		Hangup(p.nc)
	}
	return nil
}

// Hangup sends what is buffered, if the server still listens, and closes nc.
func Hangup(nc *nats.Conn) {
	if nc.IsConnected() {
		_ = nc.FlushTimeout(2 * time.Second) // closing anyway; unacknowledged events stay in the outbox
	}
	nc.Close()
}

// Options are the settings of every connection ChatApp makes to NATS: it
// reconnects for ever, and rather fails a call than buffers it unseen.
func Options(name string) []nats.Option {
	return []nats.Option{
		nats.Name("chatapp/" + name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(3 * time.Second),
		nats.CustomInboxPrefix("_INBOX_" + name),
		nats.IgnoreAuthErrorAbort(),
		nats.PermissionErrOnSubscribe(true),
	}
}

// ConnectNATS connects to CHAT_NATS_URL, trying for ever until ctx ends. Each
// failed try is one log line that says what is wrong.
func ConnectNATS(ctx context.Context, cfg config.Config, name string, log *slog.Logger) (*nats.Conn, error) {
	opts := Options(name)
	if cfg.NATSUser != "" {
		opts = append(opts, nats.UserInfo(cfg.NATSUser, cfg.NATSPassword))
	}
	for try := 0; ; try++ {
		nc, err := nats.Connect(cfg.NATSURL, opts...)
		if err == nil {
			log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
			return nc, nil
		}
		why := "is it running, and is CHAT_NATS_URL right?"
		if errors.Is(err, nats.ErrAuthorization) || strings.Contains(strings.ToLower(err.Error()), "authorization") {
			why = "it refused CHAT_NATS_USER and CHAT_NATS_PASSWORD"
		}
		log.Warn("waiting for NATS: "+why, "error", err)
		if err := wait(ctx, try); err != nil {
			return nil, fmt.Errorf("gave up waiting for NATS: %w", err)
		}
	}
}

// OpenDB opens the MySQL schema of service and waits until it answers. Each
// failed try is one log line that says what is wrong.
func OpenDB(ctx context.Context, cfg config.Config, service string, log *slog.Logger) (*db.DB, error) {
	d, err := db.OpenMySQL(db.MySQLOptions{
		URL: cfg.DatabaseURL, Service: service, Password: cfg.DatabasePassword, Log: log.With("service", service),
	})
	if err != nil {
		return nil, fmt.Errorf("CHAT_DATABASE_URL: %w", err)
	}
	for try := 0; ; try++ {
		err := ping(ctx, d)
		if err == nil {
			return d, nil
		}
		log.Warn("waiting for the database: "+hint(err), "service", service, "error", errors.Unwrap(err))
		if err := wait(ctx, try); err != nil {
			return nil, errors.Join(fmt.Errorf("gave up waiting for the database of %s: %w", service, err), d.Close())
		}
	}
}

func ping(ctx context.Context, d *db.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return d.Ping(ctx)
}

func hint(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "1045") || strings.Contains(text, "1044") || strings.Contains(text, "1698"):
		return "it refused the user or the password of CHAT_DATABASE_URL / CHAT_DATABASE_PASSWORD"
	case strings.Contains(text, "1049"):
		return "it has no such schema; create it, or check CHAT_DATABASE_URL"
	default:
		return "is it running, and is CHAT_DATABASE_URL right?"
	}
}

// wait pauses before the next try: 250 ms, doubling up to 5 s.
func wait(ctx context.Context, try int) error {
	t := time.NewTimer(min(5*time.Second, 250*time.Millisecond<<min(try, 5)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
