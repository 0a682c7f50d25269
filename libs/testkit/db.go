package testkit

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/platform/embedded"
)

// EachDB runs fn as two sub-tests, "sqlite" and "mariadb", each with an empty
// database brought up to date with migrations (nil: left empty). The databases
// end with the sub-test.
func EachDB(t *testing.T, migrations fs.FS, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, OpenSQLite(t, migrations)) })
	t.Run("mariadb", func(t *testing.T) { fn(t, OpenMariaDB(t, migrations)) })
}

// OpenSQLite is a migrated SQLite database of its own.
func OpenSQLite(t testing.TB, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := embedded.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "test.db"), Log(t))
	if err != nil {
		t.Fatal(err)
	}
	return migrate(t, d, migrations)
}

// OpenMariaDB is a migrated MariaDB schema of its own.
func OpenMariaDB(t testing.TB, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.OpenMySQL(db.MySQLOptions{URL: MariaDB(t), Log: Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	return migrate(t, d, migrations)
}

func migrate(t testing.TB, d *db.DB, migrations fs.FS) *db.DB {
	t.Helper()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if migrations != nil {
		if err := d.Migrate(ctx, migrations); err != nil {
			t.Fatal(err)
		}
	}
	return d
}
