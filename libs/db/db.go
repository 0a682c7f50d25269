// Package db is a service's own schema: two gorm handles, one way to write,
// one way to migrate, and one reading of what an error means.
//
// It speaks MySQL itself; SQLite is opened by libs/platform/embedded, so that
// a service's own program does not link it. Both behave alike here: times are
// UTC and kept to the microsecond, UPDATE counts the rows it matched, a
// duplicate key is gorm.ErrDuplicatedKey, and a database that cannot answer
// gives an *errs.Error with slug unavailable from every gorm statement.
package db

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Dialect says which SQL a DB speaks.
type Dialect string

// The dialects; the values name the folders under migrations/.
const (
	MySQL  Dialect = "mysql"
	SQLite Dialect = "sqlite"
)

// DB is one schema. W writes; R reads. With SQLite W has a single connection
// whose transactions begin IMMEDIATE and R is a pool; with MySQL both are the
// same pool at READ COMMITTED. Use Tx for anything that writes more than one
// statement. Safe for concurrent use.
type DB struct {
	Dialect Dialect
	W, R    *gorm.DB

	config     *mysql.Config // MySQL only
	scripts    *sql.DB       // for Batch, MySQL only: connections that take several statements at once
	statements *atomic.Uint64
	grant      func(context.Context) error // see GrantOnMigrate
	conflicts  atomic.Uint64               // transactions that ran again
}

// New wraps two open handles; both must come from Open of this package or
// embedded, which set the logger and the error translation. w and r may be the
// same handle.
func New(w, r *gorm.DB, d Dialect) *DB {
	n := &atomic.Uint64{}
	watch(w, n)
	if r != w {
		watch(r, n)
	}
	return &DB{Dialect: d, W: w, R: r, statements: n}
}

// GormConfig is the configuration every handle is opened with: no implicit
// transaction, errors translated, UTC microseconds, statements logged without
// their values.
func GormConfig(l *QueryLog) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 l,
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	}
}

// watch makes every statement of g count, and turns errors of a database that
// cannot answer into unavailable.
func watch(g *gorm.DB, n *atomic.Uint64) {
	after := func(tx *gorm.DB) {
		n.Add(1)
		tx.Error = Wrap(tx.Error)
	}
	const name = "chatapp:after"
	cb := g.Callback()
	for _, err := range []error{
		cb.Create().After("*").Register(name, after),
		cb.Query().After("*").Register(name, after),
		cb.Update().After("*").Register(name, after),
		cb.Delete().After("*").Register(name, after),
		cb.Row().After("*").Register(name, after),
		cb.Raw().After("*").Register(name, after),
	} {
		if err != nil {
			panic(err) // a programming error: the callback's name or order
		}
	}
}

// Statements is how many SQL statements went through W and R so far (BEGIN and
// COMMIT not counted). Tests take the difference around a call to prove that
// its number of queries is constant.
func (d *DB) Statements() uint64 { return d.statements.Load() }

// ForUpdate makes the next SELECT on tx lock the rows it reads until the
// transaction ends. On SQLite it does nothing: there the transaction already
// is the only writer.
func (d *DB) ForUpdate(tx *gorm.DB) *gorm.DB {
	if d.Dialect == SQLite {
		return tx
	}
	return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
}

// ClocksDiffer is from when on two machines' clocks do not agree.
const ClocksDiffer = 2 * time.Second

// ClockOffset is how far the server's clock is ahead of now, to about half the
// time that it takes to ask; 0 on SQLite, which has the clock of its process.
func (d *DB) ClockOffset(ctx context.Context, now func() time.Time) (time.Duration, error) {
	if d.Dialect == SQLite {
		return 0, nil
	}
	var there time.Time
	before := now()
	if err := d.R.WithContext(ctx).Raw("SELECT UTC_TIMESTAMP(6)").Row().Scan(&there); err != nil {
		return 0, Wrap(err)
	}
	here := before.Add(now().Sub(before) / 2)
	return there.Sub(here).Round(time.Millisecond), nil
}

// Ping reports whether the database answers; an error is an *errs.Error with
// slug unavailable.
func (d *DB) Ping(ctx context.Context) error {
	for _, g := range d.handles() {
		pool, err := g.DB()
		if err == nil {
			err = pool.PingContext(ctx)
		}
		if err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// Close closes both handles. The DB cannot be used afterwards.
func (d *DB) Close() error {
	var all error
	if d.scripts != nil {
		all = d.scripts.Close()
	}
	for _, g := range d.handles() {
		pool, err := g.DB()
		if err == nil {
			err = pool.Close()
		}
		all = errors.Join(all, err)
	}
	return all
}

// SQL returns the writing connection pool, for statements gorm cannot express.
func (d *DB) SQL() (*sql.DB, error) { return d.W.DB() }

func (d *DB) handles() []*gorm.DB {
	if d.R == d.W {
		return []*gorm.DB{d.W}
	}
	return []*gorm.DB{d.R, d.W} // readers first: the last SQLite connection to close checkpoints
}
