package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ErrNewer says that the schema was made by a newer ChatApp than this one.
// Running on would risk writing data the newer one cannot read.
var ErrNewer = errors.New("the database is newer than this program")

// Migrate brings the schema to the newest version in fsys, which holds
// migrations/mysql/*.sql and migrations/sqlite/*.sql in goose's format. Several
// processes may call it at once: on MySQL a table lock lets one do the work,
// SQLite has one process. A schema newer than fsys is ErrNewer.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS) error {
	p, err := d.provider(fsys, true)
	if err != nil {
		return err
	}
	if err := newer(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", Wrap(err))
	}
	return nil
}

// Pending reports whether Migrate has something to do; ErrNewer as Migrate.
func (d *DB) Pending(ctx context.Context, fsys fs.FS) (bool, error) {
	p, err := d.provider(fsys, false)
	if err != nil {
		return false, err
	}
	if err := newer(ctx, p); err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	return pending, Wrap(err)
}

func (d *DB) provider(fsys fs.FS, locked bool) (*goose.Provider, error) {
	sub, err := fs.Sub(fsys, "migrations/"+string(d.Dialect))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	pool, err := d.W.DB()
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if d.Dialect == MySQL {
		dialect = goose.DialectMySQL
		if locked {
			l, err := lock.NewMySQLTableLocker(lock.WithTableLockTimeout(500*time.Millisecond, 600))
			if err != nil {
				return nil, err
			}
			opts = append(opts, goose.WithLocker(l))
		}
	}
	p, err := goose.NewProvider(dialect, pool, sub, opts...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}

func newer(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrate: reading the schema's version: %w", Wrap(err))
	}
	if have > want {
		return fmt.Errorf("%w: schema version %d, this program knows up to %d", ErrNewer, have, want)
	}
	return nil
}
