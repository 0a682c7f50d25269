package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3/driver"

	"chatapp/libs/config"
)

// CopySQLite writes the database file at from, as it is at one moment, to a new
// file. Others may go on reading and writing from meanwhile; whatever was
// committed before the call is in the copy.
func CopySQLite(ctx context.Context, from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	pool, err := openPool(ctx, from, true)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		sqlite, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("%s: not a connection to SQLite", from)
		}
		return sqlite.Raw().Backup("main", "file:"+(&url.URL{Path: to}).EscapedPath())
	})
}

// CheckSQLite reads all of the database file at path and reports what is
// damaged in it.
func CheckSQLite(ctx context.Context, path string) error {
	pool, err := openPool(ctx, path, true)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer pool.Close()
	var verdict sql.NullString
	if err := pool.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if verdict.String != "ok" {
		return fmt.Errorf("%s is damaged: %s", path, verdict.String)
	}
	return nil
}

// Claim holds the data directory of cfg, made when missing, so that no ChatApp
// can run on it until release is called.
func Claim(cfg config.Config) (release func() error, err error) {
	lock, err := openDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	p := &Platform{cfg: cfg, lock: lock}
	if err := p.claim(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock.Close, nil
}

// Database is the file of a service in the data directory dir.
func Database(dir, service string) string { return filepath.Join(dir, service+".db") }
