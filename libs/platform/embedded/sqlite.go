package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"

	"chatapp/libs/db"
)

func init() { db.RegisterClassifier(classify) }

// OpenSQLite opens (and makes, with mode 0600) the database file at path: WAL,
// a sync at each commit, one writing connection whose transactions begin
// IMMEDIATE, and a pool of readers. Times are kept as whole microseconds.
func OpenSQLite(ctx context.Context, path string, log *slog.Logger) (*db.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator chose the directory
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	w, err := openPool(ctx, path, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r, err := openPool(ctx, path, true)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), w.Close())
	}
	q := db.NewQueryLog(log)
	gw, err := gorm.Open(gormlite.OpenDB(w), db.GormConfig(q))
	if err != nil {
		return nil, errors.Join(err, w.Close(), r.Close())
	}
	gr, err := gorm.Open(gormlite.OpenDB(r), db.GormConfig(q))
	if err != nil {
		return nil, errors.Join(err, w.Close(), r.Close())
	}
	return db.New(gw, gr, db.SQLite), nil
}

func openPool(ctx context.Context, path string, readOnly bool) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"_timefmt": {string(sqlite3.TimeFormatUnixMicro)}, "vfs": {walVFSName}}
	for _, p := range []string{
		"busy_timeout(10000)", "foreign_keys(1)", "synchronous(FULL)", "cache_size(-16384)", "temp_store(MEMORY)",
	} {
		q.Add("_pragma", p)
	}
	conns := 1
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		conns = max(4, 2*runtime.NumCPU())
	} else {
		q.Set("_txlock", "immediate")
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "wal_autocheckpoint("+strconv.Itoa(4000)+")")
		q.Add("_pragma", "journal_size_limit("+strconv.Itoa(64<<20)+")")
	}
	pool, err := driver.Open("file:" + (&url.URL{Path: abs}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

// classify reads SQLite's result codes for libs/db.
func classify(err error) db.Kind {
	var ext sqlite3.ExtendedErrorCode
	if errors.As(err, &ext) && (ext == sqlite3.CONSTRAINT_UNIQUE || ext == sqlite3.CONSTRAINT_PRIMARYKEY) {
		return db.Duplicate
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return db.Other
	}
	switch code {
	case sqlite3.BUSY, sqlite3.LOCKED:
		return db.Retryable
	case sqlite3.FULL, sqlite3.IOERR, sqlite3.READONLY, sqlite3.CANTOPEN, sqlite3.NOMEM:
		return db.Unavailable
	default:
		return db.Other
	}
}
