package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// ErrNewer says that the schema was made by a newer ChatApp, and that a
// migration in between took away what this one needs. Running on would fail, or
// write data the newer one cannot read.
var ErrNewer = errors.New("the database is newer than this program")

// contractMark is the line of a migration that takes something away: programs
// that do not know this migration cannot work once it has begun. All others
// only add, and older programs run on.
var contractMark = regexp.MustCompile(`(?m)^-- chatapp: contract\b`)

// Migrate brings the schema to the newest version in fsys, which holds
// migrations/mysql/*.sql and migrations/sqlite/*.sql in goose's format. Several
// processes may call it at once, and one that died on the way, at whichever
// statement, is followed up by the next. On MySQL one of them works at a time,
// and no statement waits for a lock for more than a second while others queue
// behind it: it is tried again. When that does not help for a while the error is
// an *errs.Error with slug unavailable, and nothing speaks against another call.
//
// A schema that is up to date is only read. One that is newer than fsys is left
// as it is, unless a migration that fsys does not know is marked as a contract:
// then the error is ErrNewer.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS) error {
	steps, err := d.steps(fsys)
	if err != nil {
		return err
	}
	return d.retry(ctx, func() error {
		s, err := d.schema(ctx)
		if err == nil {
			err = steps.fit(s)
		}
		if err == nil && s.version < steps.newest {
			err = d.migrate(ctx, steps, s)
		}
		if err == nil && d.grant != nil {
			err = d.grant(ctx) // other rights in this program, without a new version
		}
		return err
	})
}

// Pending reports whether Migrate has something to do; ErrNewer as Migrate. It
// only reads.
func (d *DB) Pending(ctx context.Context, fsys fs.FS) (bool, error) {
	steps, err := d.steps(fsys)
	if err != nil {
		return false, err
	}
	s, err := d.schema(ctx)
	if err != nil {
		return false, Wrap(err)
	}
	return s.version < steps.newest, steps.fit(s)
}

// migrate does what is missing.
func (d *DB) migrate(ctx context.Context, steps steps, s schema) error {
	pool, err := d.W.DB()
	if err != nil {
		return err
	}
	dialect, opts := database.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Dialect == MySQL {
		if pool, err = openMigrator(d.config); err != nil {
			return err
		}
		defer pool.Close()
		dialect, opts = database.DialectMySQL, append(opts, goose.WithSessionLocker(migratorLock{}))
	}
	store, err := database.NewStore(dialect, goose.DefaultTablename)
	if err != nil {
		return err
	}
	opts = append(opts, goose.WithStore(&versions{Store: store, dialect: d.Dialect, before: d.grant}))
	p, err := goose.NewProvider(goose.DialectCustom, pool, steps.files, opts...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := d.prepare(ctx, pool, store, steps.contracts, s); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// prepare makes the tables of the migrations themselves, and notes the contracts
// that are about to begin, so that no older program starts on a schema that is
// halfway through one. goose would make its own table before it has the lock,
// and would take one without a first row, which a process that died leaves
// behind, for broken.
func (d *DB) prepare(ctx context.Context, pool *sql.DB, goosed database.Store, contracts []int64, s schema) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if d.Dialect == MySQL {
		if err := (migratorLock{}).SessionLock(ctx, conn); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, migratorLock{}.SessionUnlock(ctx, conn)) }()
	}
	made, err := tableExists(ctx, conn, d.Dialect, goose.DefaultTablename)
	if err == nil && !made {
		err = goosed.CreateVersionTable(ctx, conn)
	}
	if err != nil {
		return err
	}
	var rows int
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+goose.DefaultTablename).Scan(&rows); err != nil {
		return err
	}
	if rows == 0 {
		if err := goosed.Insert(ctx, conn, database.InsertRequest{}); err != nil {
			return err
		}
	}
	return announce(ctx, conn, contracts, s)
}

// announce writes down the contracts that s does not have.
func announce(ctx context.Context, conn *sql.Conn, contracts []int64, s schema) error {
	if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+contractsTable+" (version BIGINT NOT NULL PRIMARY KEY)"); err != nil {
		return err
	}
	for _, v := range contracts {
		if v <= s.version {
			continue
		}
		_, err := conn.ExecContext(ctx, "INSERT INTO "+contractsTable+" (version) VALUES (?)", v)
		if err != nil && !IsDuplicate(err) {
			return err
		}
	}
	return nil
}

// steps is what a program knows of a schema: its migrations.
type steps struct {
	files     fs.FS
	newest    int64
	contracts []int64 // versions
}

func (d *DB) steps(fsys fs.FS) (steps, error) {
	files, err := fs.Sub(fsys, "migrations/"+string(d.Dialect))
	if err != nil {
		return steps{}, fmt.Errorf("migrations: %w", err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return steps{}, errors.Join(err, fmt.Errorf("migrations: none for %s", d.Dialect))
	}
	s := steps{files: files}
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return steps{}, fmt.Errorf("migrations: %s: %w", name, err)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return steps{}, fmt.Errorf("migrations: %w", err)
		}
		s.newest = max(s.newest, v)
		if contractMark.Match(text) {
			s.contracts = append(s.contracts, v)
		}
	}
	return s, nil
}

// fit is ErrNewer when a program that knows these steps cannot work on s.
func (k steps) fit(s schema) error {
	if s.floor <= k.newest {
		return nil
	}
	return fmt.Errorf("%w: schema version %d, this program knows up to %d and version %d broke with that", ErrNewer, s.version, k.newest, s.floor)
}

// contractsTable holds the versions of the contracts that have begun. Rights on
// tables called goose_* are those of migrations, see libs/topology.
const contractsTable = "goose_contracts"

// schema is how far a schema is: its version, and the oldest version of a
// program that can work with it.
type schema struct{ version, floor int64 }

func (d *DB) schema(ctx context.Context) (s schema, err error) {
	pool, err := d.R.DB()
	if err != nil {
		return s, err
	}
	if s.version, err = d.highest(ctx, pool, goose.DefaultTablename, "version_id"); err == nil {
		s.floor, err = d.highest(ctx, pool, contractsTable, "version")
	}
	if err != nil {
		err = fmt.Errorf("migrate: reading the schema's version: %w", err)
	}
	return s, err
}

// highest is the largest value of a column, 0 where there is no row or no table.
func (d *DB) highest(ctx context.Context, q querier, table, column string) (n int64, err error) {
	if made, err := tableExists(ctx, q, d.Dialect, table); err != nil || !made {
		return 0, err
	}
	err = q.QueryRowContext(ctx, "SELECT COALESCE(MAX("+column+"), 0) FROM "+table).Scan(&n)
	return n, err
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func tableExists(ctx context.Context, q querier, d Dialect, name string) (bool, error) {
	ask := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '" + name + "'"
	if d == MySQL {
		ask = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '" + name + "'"
	}
	var n int
	err := q.QueryRowContext(ctx, ask).Scan(&n)
	return n > 0, err
}

// versions is goose's own table of applied migrations, plus a direct look
// whether it exists: goose otherwise reads a row of it, whose time is written
// by the database in a format that our SQLite connections do not use.
type versions struct {
	database.Store
	dialect Dialect
	before  func(context.Context) error // recording a version; may be nil
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

// TableExists implements database.StoreExtender.
func (v *versions) TableExists(ctx context.Context, conn database.DBTxConn) (bool, error) {
	return tableExists(ctx, conn, v.dialect, goose.DefaultTablename)
}
