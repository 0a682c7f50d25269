package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"chatapp/libs/errs"
)

// openMigrator makes the pool that migrations of a MySQL schema run on. It
// differs from the others in how long it waits: a statement that changes a table
// waits a second at most for whoever uses that table, because everybody who
// comes later queues behind it; but once it works it may work for hours.
func openMigrator(cfg *mysql.Config) (*sql.DB, error) {
	cfg = cfg.Clone()
	cfg.ReadTimeout = 0
	cfg.Params["lock_wait_timeout"] = "1"
	cfg.Params["innodb_lock_wait_timeout"] = "1"
	// A machine that vanished without a word does not hold migratorLock for long.
	cfg.Params["wait_timeout"] = "30"
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pool := sql.OpenDB(repeatable{readCommitted{inner}})
	pool.SetMaxIdleConns(1)
	return pool, nil
}

// migratorLock lets one process at a time migrate a schema. It is the
// connection's own, so it ends with the process, and not before the statement
// that the server still executes for a process that died.
type migratorLock struct{}

const (
	migratorName = "CONCAT('chatapp.migrate.', DATABASE())"
	migratorWait = 20 // seconds
)

// SessionLock implements lock.SessionLocker.
func (migratorLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+migratorName+", ?)", migratorWait).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errs.New(errs.Unavailable, "another process is migrating this schema: waiting for it")
	}
	return err
}

// SessionUnlock implements lock.SessionLocker.
func (migratorLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+migratorName+")"); err != nil {
		return conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it, which releases it too
	}
	return nil
}

// repeatable makes connections on which DDL may run twice. MySQL commits each
// statement on its own, and has no IF NOT EXISTS for columns and indexes as
// MariaDB has: a migration that is run again after its process died finds the
// first part done, and that is not an error.
type repeatable struct{ driver.Connector }

// Connect implements driver.Connector.
func (r repeatable) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	session, ok := conn.(session)
	executor, can := conn.(executor)
	if !ok || !can {
		return nil, errors.Join(errors.New("db: the driver lacks what migrations need"), conn.Close())
	}
	return repeatableConn{session, executor}, nil
}

// session and executor are what database/sql uses of the driver's connection.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type executor interface {
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
}

type repeatableConn struct {
	session
	executor
}

// ExecContext implements driver.ExecerContext.
func (c repeatableConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.executor.ExecContext(ctx, query, args)
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok && doneBefore[my.Number] {
		return driver.RowsAffected(0), nil
	}
	return res, err
}

// doneBefore are the errors of ADD COLUMN, ADD INDEX and DROP COLUMN or INDEX
// that find their work done.
var doneBefore = map[uint16]bool{1060: true, 1061: true, 1091: true}
