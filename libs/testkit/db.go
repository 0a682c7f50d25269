package testkit

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// Statements is how many SQL statements fn needs on d: the least of three calls,
// for what a service does in the background meanwhile counts, too.
func Statements(d *db.DB, fn func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		before := d.Statements()
		fn()
		least = min(least, d.Statements()-before)
	}
	return least
}

// OpenSQLite is a migrated SQLite database of its own.
func OpenSQLite(t testing.TB, migrations fs.FS) *db.DB {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	made := templateOf(migrations)
	made.Lock()
	defer made.Unlock()
	if made.sqlite != nil {
		if err := os.WriteFile(file, made.sqlite, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := embedded.OpenSQLite(t.Context(), file, Log(t))
	if err != nil {
		t.Fatal(err)
	}
	if made.sqlite != nil {
		return ready(t, d)
	}
	migrate(t, ready(t, d), migrations)
	if !made.kept {
		return d
	}
	copied := filepath.Join(t.TempDir(), "template.db")
	if err = d.W.Exec("VACUUM INTO ?", copied).Error; err == nil {
		made.sqlite, err = os.ReadFile(copied) //nolint:gosec // a file of this test
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// OpenMariaDB is a migrated MariaDB schema of its own.
func OpenMariaDB(t testing.TB, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.OpenMySQL(db.MySQLOptions{URL: MariaDB(t), Log: Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	ready(t, d)
	made := templateOf(migrations)
	made.Lock()
	defer made.Unlock()
	if made.statements == nil {
		migrate(t, d, migrations)
		if made.kept {
			made.statements = statements(t, d)
		}
		return d
	}
	for _, one := range made.statements {
		if err := d.W.Exec(one.sql, one.args...).Error; err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// template is a database that was migrated once, for all tests of a program:
// migrating takes longer than most of the tests do.
type template struct {
	sync.Mutex
	kept       bool
	sqlite     []byte      // the file
	statements []statement // of MariaDB, that make it
}

var templates sync.Map // from embed.FS to *template

// templateOf is the template of migrations; a new one where they are no constant
// of the program.
func templateOf(migrations fs.FS) *template {
	constant, ok := migrations.(embed.FS)
	if !ok {
		return &template{}
	}
	made, _ := templates.LoadOrStore(constant, &template{kept: true})
	return made.(*template)
}

// statement is one with its values.
type statement struct {
	sql  string
	args []any
}

// statements are those that make the tables of d anew, with what migrations wrote
// into them and how far they are.
func statements(t testing.TB, d *db.DB) (list []statement) {
	t.Helper()
	var tables []string
	if err := d.R.Raw("SHOW TABLES").Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var name, create string
		if err := d.R.Raw("SHOW CREATE TABLE "+table).Row().Scan(&name, &create); err != nil {
			t.Fatal(err)
		}
		list = append(append(list, statement{sql: create}), inserts(t, d, table)...)
	}
	return list
}

// inserts are the statements that write the rows of a table anew.
func inserts(t testing.TB, d *db.DB, table string) (list []statement) {
	t.Helper()
	var rows []map[string]any
	if err := d.R.Table(table).Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		columns := slices.Sorted(maps.Keys(row))
		args := make([]any, len(columns))
		for i, column := range columns {
			args[i] = row[column]
		}
		marks := strings.Repeat(", ?", len(columns))[2:]
		list = append(list, statement{fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), marks), args})
	}
	return list
}

// ready waits for d, which is closed with the test.
func ready(t testing.TB, d *db.DB) *db.DB {
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
	return d
}

func migrate(t testing.TB, d *db.DB, migrations fs.FS) {
	t.Helper()
	if migrations == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.Migrate(ctx, migrations); err != nil {
		t.Fatal(err)
	}
}
