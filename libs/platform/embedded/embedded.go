// Package embedded is the platform of the all-in-one: what the configuration
// does not name it brings itself, in one data directory. Without CHAT_NATS_URL
// it runs a NATS server inside the process, without any TCP port; without
// CHAT_DATABASE_URL it keeps one SQLite file per service. The two are
// independent of each other.
//
// It is the only package that links nats-server and SQLite.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nats-io/nats.go"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/platform/cluster"
)

// Platform holds the data directory and what runs in it.
type Platform struct {
	cfg  config.Config
	log  *slog.Logger
	lock *os.File
	nats *host
	nc   *nats.Conn
}

// New makes the data directory (mode 0700) when it is missing and checks that
// it can be written. When both NATS and the database are external it touches no
// file. Errors are one line with cause and cure.
func New(cfg config.Config, log *slog.Logger) (*Platform, error) {
	p := &Platform{cfg: cfg, log: log}
	if cfg.NATSURL != "" && cfg.DatabaseURL != "" {
		return p, nil
	}
	lock, err := openDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	p.lock = lock
	return p, nil
}

func openDir(dir string) (*os.File, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	bad := func(err error) error {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return fmt.Errorf("data directory %s cannot be written (%w): give this user the right to, or choose another with CHAT_DATA_DIR", abs, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, bad(err)
	}
	f, err := os.OpenFile(filepath.Join(abs, "lock"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator chose the directory
	if err != nil {
		return nil, bad(err)
	}
	return f, nil
}

// claim locks the data directory against a second running ChatApp; commands
// beside it, such as admin create, use the database without that.
func (p *Platform) claim() error {
	if p.lock == nil {
		return nil
	}
	if err := syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("data directory %s is in use by another ChatApp: stop that one, or choose another with CHAT_DATA_DIR", filepath.Dir(p.lock.Name()))
	}
	return nil
}

// Bus claims the data directory for this process, then starts the NATS server
// inside it or connects to CHAT_NATS_URL.
func (p *Platform) Bus(ctx context.Context) (*bus.Bus, error) {
	err := p.claim()
	if err != nil {
		return nil, err
	}
	if p.cfg.NATSURL != "" {
		p.nc, err = cluster.ConnectNATS(ctx, p.cfg, "chatapp", p.log)
	} else {
		err = p.startNATS()
	}
	if err != nil {
		return nil, err
	}
	return bus.Connect(p.nc, p.log)
}

func (p *Platform) startNATS() error {
	dir := filepath.Join(p.cfg.DataDir, "nats")
	h, err := newHost(dir, p.log)
	if err != nil {
		return err
	}
	p.nats = h
	p.nc, err = nats.Connect("", append(cluster.Options("chatapp"), nats.InProcessServer(h))...)
	if err != nil {
		return fmt.Errorf("embedded NATS: %w", err)
	}
	return nil
}

// DB opens <data>/<service>.db, or the MySQL schema of CHAT_DATABASE_URL.
func (p *Platform) DB(ctx context.Context, service string) (*db.DB, error) {
	if p.cfg.DatabaseURL != "" {
		return cluster.OpenDB(ctx, p.cfg, service, p.log)
	}
	d, err := OpenSQLite(ctx, Database(p.cfg.DataDir, service), p.log.With("service", service))
	if err != nil {
		return nil, fmt.Errorf("database of %s in data directory %s: %w", service, p.cfg.DataDir, err)
	}
	return d, nil
}

// Close ends the connection, the server and the hold on the directory.
func (p *Platform) Close() error {
	if p.nc != nil {
		cluster.Hangup(p.nc)
	}
	if p.nats != nil {
		p.nats.close()
	}
	if p.lock != nil {
		return p.lock.Close()
	}
	return nil
}
