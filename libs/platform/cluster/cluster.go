// Package cluster is the platform of separate services: an external NATS and a
// MySQL server, both reached over the network and both allowed to come later
// than the process, or to go away for a while.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/tlsx"
	"chatapp/libs/topology"
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
	opts, err := credentials(cfg, name)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		nc, err := nats.Connect(cfg.NATSURL, opts...)
		if err == nil {
			log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
			return nc, nil
		}
		log.Warn("waiting for NATS: "+natsHint(err), "error", err)
		if err := wait(ctx, try); err != nil {
			return nil, fmt.Errorf("gave up waiting for NATS: %w", err)
		}
	}
}

// credentials are Options with what proves who we are, and who NATS is.
func credentials(cfg config.Config, name string) ([]nats.Option, error) {
	opts := Options(name)
	if cfg.NATSUser != "" {
		opts = append(opts, nats.UserInfo(cfg.NATSUser, cfg.NATSPassword))
	}
	if cfg.NATSNKey != "" {
		pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(cfg.NATSNKey)))
		if err != nil {
			return nil, errors.New("CHAT_NATS_NKEY is not the seed of a user's nkey (SU...): 'chatapp secrets' makes one")
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("CHAT_NATS_NKEY: %w", err)
		}
		opts = append(opts, nats.Nkey(public, pair.Sign))
	}
	if cfg.NATSCA != "" {
		tls, err := tlsx.Client(cfg.NATSCA, "")
		if err != nil {
			return nil, fmt.Errorf("CHAT_NATS_CA: %w", err)
		}
		opts = append(opts, nats.Secure(tls))
	}
	return opts, nil
}

// natsHint is what to look at when NATS cannot be reached.
func natsHint(err error) string {
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "authorization"):
		return "it refused CHAT_NATS_NKEY, or CHAT_NATS_USER and CHAT_NATS_PASSWORD"
	case strings.Contains(text, "certificate"):
		return "its certificate is not valid for this address and CHAT_NATS_CA (expired? 'chatapp secrets --renew-certificates' makes new ones)"
	case errors.Is(err, nats.ErrSecureConnRequired):
		return "it wants TLS: set CHAT_NATS_CA"
	case errors.Is(err, nats.ErrSecureConnWanted):
		return "it does not offer TLS, which CHAT_NATS_CA asks for"
	default:
		return "is it running, and is CHAT_NATS_URL right?"
	}
}

// OpenDB opens the MySQL schema of service and waits until it answers. Each
// failed try is one log line that says what is wrong. Opened as the user of its
// migrations it gives the running service its rights when it migrates, see
// libs/topology; any other user is the only one, so there is nothing to give.
func OpenDB(ctx context.Context, cfg config.Config, service string, log *slog.Logger) (*db.DB, error) {
	if cfg.DatabaseCA != "" {
		if _, err := tlsx.Client(cfg.DatabaseCA, ""); err != nil {
			return nil, fmt.Errorf("CHAT_DATABASE_CA: %w", err)
		}
	}
	d, err := db.OpenMySQL(db.MySQLOptions{
		URL: cfg.DatabaseURL, Service: service, Password: cfg.DatabasePassword, CA: cfg.DatabaseCA, Log: log.With("service", service),
	})
	if err != nil {
		return nil, fmt.Errorf("CHAT_DATABASE_URL: %w", err)
	}
	if user(cfg.DatabaseURL, service) == topology.MigrateUser(service) {
		d.GrantOnMigrate(topology.AppUser(service), func(table string) []string { return topology.Verbs(service, table) })
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

// user is the one in a database URL.
func user(databaseURL, service string) string {
	u, err := url.Parse(strings.ReplaceAll(databaseURL, "{service}", service))
	if err != nil {
		return ""
	}
	return u.User.Username()
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
	case strings.Contains(text, "certificate"):
		return "its certificate is not valid for this address and CHAT_DATABASE_CA (expired? 'chatapp secrets --renew-certificates' makes new ones)"
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
