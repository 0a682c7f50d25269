package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
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
	if d.grant != nil {
		return d.grant(ctx) // other rights in this program, without a new version
	}
	return nil
}

// Pending reports whether Migrate has something to do; ErrNewer as Migrate. It
// only reads.
func (d *DB) Pending(ctx context.Context, fsys fs.FS) (bool, error) {
	store, err := newVersions(d.Dialect)
	if err != nil {
		return false, err
	}
	pool, err := d.R.DB()
	if err != nil {
		return false, err
	}
	if made, err := store.tableExists(ctx, pool); err != nil || !made {
		return !made, Wrap(err)
	}
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
	store, err := newVersions(d.Dialect)
	if err != nil {
		return nil, err
	}
	store.before = d.grant
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithStore(store)}
	if locked && d.Dialect == MySQL {
		l, err := lock.NewMySQLTableLocker(lock.WithTableLockTimeout(500*time.Millisecond, 600))
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithLocker(l))
	}
	p, err := goose.NewProvider(goose.DialectCustom, pool, sub, opts...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}

// noVersionYet is what goose says about its table while it is still empty; the
// error has no exported name.
const noVersionYet = "missing zero version migration"

func newer(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	if err != nil && strings.Contains(err.Error(), noVersionYet) {
		return nil // another replica made the table a moment ago and is at work: Up waits for it
	}
	if err != nil {
		return fmt.Errorf("migrate: reading the schema's version: %w", Wrap(err))
	}
	if have > want {
		return fmt.Errorf("%w: schema version %d, this program knows up to %d", ErrNewer, have, want)
	}
	return nil
}

// versions is goose's own table of applied migrations, plus a direct look
// whether it exists: goose otherwise reads a row of it, whose time is written
// by the database in a format that our SQLite connections do not use.
type versions struct {
	database.Store
	exists string
	before func(context.Context) error // recording a version; may be nil
}

// Insert implements database.Store.
func (v *versions) Insert(ctx context.Context, conn database.DBTxConn, r database.InsertRequest) error {
	if v.before != nil {
		if err := v.before(ctx); err != nil {
			return err
		}
	}
	return v.Store.Insert(ctx, conn, r)
}

func newVersions(d Dialect) (*versions, error) {
	dialect, exists := database.DialectSQLite3, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '"+goose.DefaultTablename+"'"
	if d == MySQL {
		dialect, exists = database.DialectMySQL, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '"+goose.DefaultTablename+"'"
	}
	s, err := database.NewStore(dialect, goose.DefaultTablename)
	return &versions{Store: s, exists: exists}, err
}

// TableExists implements database.StoreExtender.
func (v *versions) TableExists(ctx context.Context, conn database.DBTxConn) (bool, error) {
	return v.tableExists(ctx, conn)
}

func (v *versions) tableExists(ctx context.Context, conn interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
},
) (bool, error) {
	var n int
	err := conn.QueryRowContext(ctx, v.exists).Scan(&n)
	return n > 0, err
}
