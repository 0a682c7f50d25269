package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// A migration that adds: the program of before runs on. One that takes away,
// also a few versions later: it does not.
func TestOlderProgramOnNewerSchema(t *testing.T) {
	const add, contract = "ALTER TABLE things ADD COLUMN extra BIGINT NULL;", "-- chatapp: contract\nALTER TABLE things DROP COLUMN extra;"
	testkit.EachDB(t, migrations(add), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := d.Migrate(ctx, migrations()); err != nil {
			t.Fatalf("expanded: %v", err)
		}
		if pending, err := d.Pending(ctx, migrations()); pending || err != nil {
			t.Fatalf("expanded: pending %v %v", pending, err)
		}
		insert(t, d, "by the old one", 1)
		later := migrations(add, contract, "CREATE TABLE later (n BIGINT NOT NULL);")
		if err := d.Migrate(ctx, later); err != nil {
			t.Fatal(err)
		}
		_, pending := d.Pending(ctx, migrations(add))
		for _, err := range []error{d.Migrate(ctx, migrations(add)), pending} {
			if !errors.Is(err, db.ErrNewer) || !strings.Contains(err.Error(), "schema version 4, this program knows up to 2 and version 3 broke with that") {
				t.Errorf("contracted: %v", err)
			}
		}
		if err := d.Migrate(ctx, migrations(add, contract)); err != nil {
			t.Errorf("a program that knows the contract: %v", err)
		}
	})
}

// A contract that fails halfway keeps older programs out already.
func TestContractCountsFromItsBeginning(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context(), migrations("-- chatapp: contract\nDROP TABLE nothing_of_the_kind;")); err == nil {
			t.Fatal("a wrong statement passed")
		}
		if err := d.Migrate(t.Context(), migrations()); !errors.Is(err, db.ErrNewer) {
			t.Fatalf("%v", err)
		}
	})
}

// A schema that is up to date is only read: the user of a running service may
// have no right to more.
func TestMigratedSchemaIsOnlyRead(t *testing.T) {
	d := testkit.OpenMariaDB(t, migrations())
	pool, err := d.SQL()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1) // one connection, which may not write
	if _, err := pool.ExecContext(t.Context(), "SET SESSION TRANSACTION READ ONLY"); err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
}

// The two halves of killedMigrator: what a process was told to migrate.
const (
	victimURL = "TEST_VICTIM_DATABASE"
	dawdle    = "DO SLEEP(3);"
)

func slowMigration() string {
	return "ALTER TABLE things ADD COLUMN a BIGINT NULL;\nCREATE INDEX things_n ON things (n);\n" + dawdle + "\nALTER TABLE things ADD COLUMN b BIGINT NULL;"
}

// TestVictim is not a test of its own: it is the process that dies in
// TestKilledMigratorIsFollowedUp.
func TestVictim(t *testing.T) {
	url := os.Getenv(victimURL)
	if url == "" {
		return
	}
	d, err := db.OpenMySQL(db.MySQLOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal("it was not killed: ", d.Migrate(context.Background(), migrations(slowMigration())))
}

// A process is killed -9 in the middle of a migration. The next one goes on as
// soon as the server has ended the statement of the dead one.
func TestKilledMigratorIsFollowedUp(t *testing.T) {
	url := testkit.MariaDB(t)
	d, err := db.OpenMySQL(db.MySQLOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // the test is about something else
	if err := d.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimURL+"="+url)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, func() bool {
		var n int
		err := d.R.Raw("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%' AND db = DATABASE()").Scan(&n).Error
		return err == nil && n == 1
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	began := time.Now()
	if err := d.Migrate(t.Context(), migrations(slowMigration())); err != nil {
		t.Fatal(err)
	}
	t.Logf("followed up within %v, with 3 s + 3 s of statements that sleep", time.Since(began))
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the dead one was in the way for %v", took)
	}
	if err := d.W.Exec("SELECT a, b FROM things").Error; err != nil {
		t.Error(err)
	}
}

// While somebody keeps a table in a transaction, a migration of it must not make
// all writers queue behind it: they wait a second at most, and when the
// transaction ends the migration passes.
func TestMigrationDoesNotHoldUpWriters(t *testing.T) {
	d := testkit.OpenMariaDB(t, migrations())
	fill(t, d, 100_000)
	pool, err := d.SQL()
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM things").Scan(&n); err != nil || n != 100_000 {
		t.Fatal(n, err)
	}
	const kept = 4 * time.Second
	time.AfterFunc(kept, func() { _ = tx.Rollback() })
	longest, stop := writeOn(t, pool)
	began := time.Now()
	// One ALTER that only notes a column, one that builds an index beside the writers.
	err = d.Migrate(t.Context(), migrations("ALTER TABLE things ADD COLUMN extra BIGINT NULL, ALGORITHM=INSTANT;\nALTER TABLE things ADD INDEX things_n (n), ALGORITHM=INPLACE, LOCK=NONE;"))
	took := time.Since(began)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("migration of 100,000 rows with a transaction open for %v: %v; longest stall of a writer %v", kept, took, longest())
	if took < kept-time.Second || longest() > kept-time.Second {
		t.Errorf("took %v, a writer waited %v", took, longest())
	}
}

// fill inserts n things.
func fill(t *testing.T, d *db.DB, n int) {
	t.Helper()
	const each = 1000
	for from := 0; from < n; from += each {
		rows := make([]thing, each)
		for i := range rows {
			rows[i] = thing{ID: id.New(), Name: fmt.Sprint("n", from+i), N: int64(i), At: time.Now()}
		}
		if err := d.W.Create(&rows).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// writeOn inserts rows, four at a time, until stop; longest is the longest that
// one took.
func writeOn(t *testing.T, pool *sql.DB) (longest func() time.Duration, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var most time.Duration
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				_, err := pool.ExecContext(context.WithoutCancel(ctx), "INSERT INTO things (id, name, n, at) VALUES (?,?,1,?)", id.New(), id.New().String(), time.Now())
				mu.Lock()
				most = max(most, time.Since(began))
				mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() time.Duration { mu.Lock(); defer mu.Unlock(); return most }, func() { cancel(); wg.Wait() }
}

// Every migration of every service that is interrupted after any of its
// statements, and before goose's own table is complete, leads to the same schema
// as one that is not.
func TestMigrationResumesAfterEveryStatement(t *testing.T) {
	for _, service := range []string{"auth", "users", "messages"} {
		t.Run(service, func(t *testing.T) {
			dir := os.DirFS("../../services/" + service)
			files, err := fs.Glob(dir, "migrations/mysql/*.sql")
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			whole := describe(t, testkit.OpenMariaDB(t, dir))
			n := 0
			for i, file := range files {
				before := fstest.MapFS{}
				for _, f := range files[:i] {
					before[f] = &fstest.MapFile{Data: read(t, dir, f)}
				}
				statements := statementsOf(string(read(t, dir, file)))
				for k := 1; k <= len(statements); k++ {
					interrupted(t, dir, before, statements[:k], whole)
					n++
				}
			}
			interrupted(t, dir, nil, []string{
				"CREATE TABLE goose_db_version (id bigint unsigned NOT NULL AUTO_INCREMENT, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp datetime NULL default CURRENT_TIMESTAMP, PRIMARY KEY(id))",
			}, whole)
			t.Logf("%d migrations, interrupted at %d places", len(files), n+1)
		})
	}
}

// interrupted migrates a schema on which a process died after the given
// statements of the migration that comes after those of before.
func interrupted(t *testing.T, all fs.FS, before fstest.MapFS, statements []string, want string) {
	t.Helper()
	url := testkit.MariaDB(t)
	d, err := db.OpenMySQL(db.MySQLOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // what matters was read by then
	if len(before) > 0 {
		if err := d.Migrate(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range statements {
		if err := d.W.Exec(s).Error; err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
	last := statements[len(statements)-1]
	if err := d.Migrate(t.Context(), all); err != nil {
		t.Errorf("after %d statements, the last one\n%s\n%v", len(statements), last, err)
	} else if got := describe(t, d); got != want {
		t.Errorf("after %d statements, the last one\n%s\ngot\n%s\nwant\n%s", len(statements), last, got, want)
	}
}

// describe writes down every table, column and index of a schema.
func describe(t *testing.T, d *db.DB) string {
	t.Helper()
	var all strings.Builder
	for _, ask := range []string{
		"SELECT CONCAT_WS(' ', table_name, engine, table_collation) FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
		"SELECT CONCAT_WS(' ', table_name, ordinal_position, column_name, column_type, is_nullable, column_default, collation_name, extra) FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1",
		"SELECT CONCAT_WS(' ', table_name, index_name, seq_in_index, column_name, non_unique) FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1",
		"SELECT CONCAT('version ', MAX(version_id)) FROM goose_db_version",
	} {
		var lines []string
		if err := d.R.Raw(ask).Scan(&lines).Error; err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return all.String()
}

// statementsOf splits the part of a migration that goes up, which holds no
// semicolon inside a statement, as internal/archtest sees to.
func statementsOf(text string) (statements []string) {
	text, _, _ = strings.Cut(text, "-- +goose Down")
	var plain strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			plain.WriteString(line)
		}
	}
	for s := range strings.SplitSeq(plain.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			statements = append(statements, s)
		}
	}
	return statements
}

func read(t *testing.T, from fs.FS, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(from, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
