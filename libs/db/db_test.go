package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func migrations(extra ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, dialect := range []string{"mysql", "sqlite"} {
		blob, when, text := "BINARY(16)", "DATETIME(6)", "VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		if dialect == "sqlite" {
			blob, when, text = "BLOB", "DATETIME", "TEXT"
		}
		files["migrations/"+dialect+"/0001_things.sql"] = &fstest.MapFile{Data: fmt.Appendf(nil, `-- +goose Up
CREATE TABLE IF NOT EXISTS things (id %s NOT NULL PRIMARY KEY, name %s NOT NULL, n BIGINT NOT NULL, at %s NOT NULL);
CREATE UNIQUE INDEX things_name ON things (name);
-- +goose Down
DROP TABLE things;
`, blob, text, when)}
		for i, sql := range extra {
			files[fmt.Sprintf("migrations/%s/%04d_more.sql", dialect, i+2)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql + "\n")}
		}
	}
	return files
}

type thing struct {
	ID   id.ID
	Name string
	N    int64
	At   time.Time
}

func insert(t testing.TB, d *db.DB, name string, n int64) thing {
	t.Helper()
	v := thing{ID: id.New(), Name: name, N: n, At: time.Now().UTC().Truncate(time.Microsecond)}
	if err := d.W.WithContext(t.Context()).Create(&v).Error; err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		want := insert(t, d, "👩‍👩‍👧 zalgo ҉ \x00? no: \u202e", 1<<60)
		var got thing
		if err := d.R.WithContext(t.Context()).First(&got, "id = ?", want.ID).Error; err != nil {
			t.Fatal(err)
		}
		if got != want || got.At.Location() != time.UTC {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestTimesSortAndCompareByTime(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		zone := time.FixedZone("", 5*3600)
		for i, at := range []time.Time{base.Add(100 * time.Millisecond), base, base.Add(time.Hour).In(zone)} {
			if err := d.W.Create(&thing{ID: id.New(), Name: fmt.Sprint(i), At: at}).Error; err != nil {
				t.Fatal(err)
			}
		}
		var names []string
		if err := d.R.Model(&thing{}).Where("at < ?", base.Add(2*time.Hour).In(zone)).Order("at").Pluck("name", &names).Error; err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(names) != "[1 0 2]" {
			t.Fatalf("order %v", names)
		}
	})
}

func TestDuplicateIsRecognised(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		insert(t, d, "ada", 1)
		err := d.W.Create(&thing{ID: id.New(), Name: "ada", At: time.Now()}).Error
		if !db.IsDuplicate(err) || db.IsUnavailable(err) || db.IsRetryable(err) {
			t.Fatalf("through gorm: %v", err)
		}
		err = d.Tx(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO things (id, name, n, at) VALUES (?,?,?,?)", id.New(), "ada", 1, time.Now()).Error
		})
		if !db.IsDuplicate(err) {
			t.Fatalf("through Exec in Tx: %v", err)
		}
		if strings.Contains(err.Error(), "ada") {
			t.Fatalf("the error holds the value: %v", err)
		}
	})
}

func TestUpdateCountsMatchedRows(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		v := insert(t, d, "same", 7)
		res := d.W.Exec("UPDATE things SET n = 7 WHERE id = ?", v.ID)
		if res.Error != nil || res.RowsAffected != 1 {
			t.Fatalf("%d rows, %v", res.RowsAffected, res.Error)
		}
	})
}

// Ten writers read, add one and write back: without a lock some would be lost.
func TestTxWithForUpdateLosesNothing(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		v := insert(t, d, "counter", 0)
		const writers, each = 10, 20
		var wg sync.WaitGroup
		errsCh := make(chan error, writers*each)
		for range writers {
			wg.Go(func() {
				for range each {
					errsCh <- d.Tx(t.Context(), func(tx *gorm.DB) error {
						var got thing
						if err := d.ForUpdate(tx).First(&got, "id = ?", v.ID).Error; err != nil {
							return err
						}
						return tx.Exec("UPDATE things SET n = ? WHERE id = ?", got.N+1, v.ID).Error
					})
				}
			})
		}
		wg.Wait()
		close(errsCh)
		for err := range errsCh {
			if err != nil {
				t.Fatal(err)
			}
		}
		var got thing
		if err := d.R.First(&got, "id = ?", v.ID).Error; err != nil || got.N != writers*each {
			t.Fatalf("n = %d, want %d (%v)", got.N, writers*each, err)
		}
	})
}

// Locks taken in opposite order: a deadlock that Tx must solve by itself.
func TestTxRetriesDeadlocks(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		a, b := insert(t, d, "a", 0), insert(t, d, "b", 0)
		var wg sync.WaitGroup
		results := make(chan error, 80)
		for i := range 2 {
			first, second := a, b
			if i == 1 {
				first, second = b, a
			}
			wg.Go(func() {
				for range 40 {
					results <- d.Tx(t.Context(), func(tx *gorm.DB) error {
						for _, v := range []thing{first, second} {
							if err := tx.Exec("UPDATE things SET n = n + 1 WHERE id = ?", v.ID).Error; err != nil {
								return err
							}
						}
						return nil
					})
				}
			})
		}
		wg.Wait()
		close(results)
		for err := range results {
			if err != nil {
				t.Fatal(err)
			}
		}
		var sum int64
		if err := d.R.Raw("SELECT SUM(n) FROM things").Scan(&sum).Error; err != nil || sum != 160 {
			t.Fatalf("sum %d, want 160 (%v)", sum, err)
		}
	})
}

func TestTxRollsBackOnErrorAndPanic(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		boom := errors.New("boom")
		err := d.Tx(t.Context(), func(tx *gorm.DB) error {
			tx.Create(&thing{ID: id.New(), Name: "x", At: time.Now()})
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Tx(t.Context(), func(tx *gorm.DB) error {
				tx.Create(&thing{ID: id.New(), Name: "y", At: time.Now()})
				panic("bug")
			})
		}()
		var n int64
		if err := d.R.Model(&thing{}).Count(&n).Error; err != nil || n != 0 {
			t.Fatalf("%d rows left (%v)", n, err)
		}
		insert(t, d, "z", 0) // the connection is usable again
	})
}

func TestStatementsAreCounted(t *testing.T) {
	testkit.EachDB(t, migrations(), func(t *testing.T, d *db.DB) {
		before := d.Statements()
		insert(t, d, "one", 1)
		var n int64
		d.R.Raw("SELECT COUNT(*) FROM things").Scan(&n)
		var v thing
		d.R.First(&v)
		if got := d.Statements() - before; got != 3 {
			t.Fatalf("%d statements, want 3", got)
		}
	})
}

func TestMigrateTwiceAndConcurrently(t *testing.T) {
	testkit.EachDB(t, nil, func(t *testing.T, d *db.DB) {
		pending, err := d.Pending(t.Context(), migrations())
		if err != nil || !pending {
			t.Fatalf("pending %v %v", pending, err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if d.Dialect == db.SQLite {
					return // one process owns the file
				}
				if err := d.Migrate(t.Context(), migrations()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := d.Migrate(t.Context(), migrations()); err != nil {
			t.Fatal(err)
		}
		pending, err = d.Pending(t.Context(), migrations())
		if err != nil || pending {
			t.Fatalf("pending %v %v", pending, err)
		}
		insert(t, d, "works", 1)
	})
}

// Eight replicas that meet an empty schema at the same moment all start.
func TestReplicasMigrateAnEmptySchemaTogether(t *testing.T) {
	for range 5 {
		url := testkit.MariaDB(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				d, err := db.OpenMySQL(db.MySQLOptions{URL: url})
				if err == nil {
					err = errors.Join(d.Migrate(t.Context(), migrations()), d.Close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func TestClosedDatabaseIsUnavailableOrError(t *testing.T) {
	d, err := db.OpenMySQL(db.MySQLOptions{URL: "mysql://nobody@127.0.0.1:1/none"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // never connected
	if err := d.Ping(t.Context()); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("Ping: %v", err)
	}
	var n int64
	if err := d.R.WithContext(t.Context()).Raw("SELECT 1").Scan(&n).Error; !errs.Is(err, errs.Unavailable) {
		t.Fatalf("a read: %v", err)
	}
	if err := d.Tx(t.Context(), func(*gorm.DB) error { return nil }); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("Tx: %v", err)
	}
}

func TestKilledConnectionAndReadOnlyAreUnavailableThenHeal(t *testing.T) {
	s, err := testkit.StartMariaDB() // of its own: read_only is for the whole server
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for _, stmt := range []string{"CREATE DATABASE chat_test", "CREATE USER chat_test@'%' IDENTIFIED BY 'pw'", "GRANT ALL ON chat_test.* TO chat_test@'%'"} {
		if err := testkit.Exec(t.Context(), s.URL, stmt); err != nil {
			t.Fatal(err)
		}
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(s.URL, "mysql://root@"), "/")
	d, err := db.OpenMySQL(db.MySQLOptions{URL: "mysql://chat_{service}@" + addr + "/chat_{service}", Service: "test", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // the server is gone by then or not: either is fine
	if err := d.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	pool, err := d.SQL()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1) // migrating takes two
	write := func() error {
		return d.Tx(t.Context(), func(tx *gorm.DB) error {
			return tx.Create(&thing{ID: id.New(), Name: id.New().String(), At: time.Now()}).Error
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	before := connection(t, d)
	if err := testkit.Exec(t.Context(), s.URL, "SET GLOBAL read_only=1"); err != nil {
		t.Fatal(err)
	}
	if err := write(); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("read-only: %v", err)
	}
	if connection(t, d) == before {
		t.Fatal("still connected to a server that was the primary once")
	}
	var n int64
	if err := d.R.Model(&thing{}).Count(&n).Error; err != nil || n != 1 {
		t.Fatalf("reads must go on: %d %v", n, err)
	}
	if err := testkit.Exec(t.Context(), s.URL, "SET GLOBAL read_only=0"); err != nil {
		t.Fatal(err)
	}
	err = d.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := testkit.Exec(t.Context(), s.URL, "KILL USER chat_test"); err != nil {
			t.Fatal(err)
		}
		return tx.Create(&thing{ID: id.New(), Name: "lost", At: time.Now()}).Error
	})
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("killed connection: %v", err)
	}
	if err := write(); err != nil {
		t.Fatalf("the next one must pass: %v", err)
	}
}

// connection is the number of the only connection of the pool.
func connection(t *testing.T, d *db.DB) (number int64) {
	t.Helper()
	if err := d.R.WithContext(t.Context()).Raw("SELECT CONNECTION_ID()").Scan(&number).Error; err != nil {
		t.Fatal(err)
	}
	return number
}

// A member of a MySQL group that has no majority, or left it, says so with
// numbers of its own. MariaDB sends any number when told to.
func TestAGroupWithoutMajorityIsUnavailable(t *testing.T) {
	d := testkit.OpenMariaDB(t, migrations())
	for _, number := range []int{3032, 3100, 3168, 3169, 3796, 3797, 3798} {
		err := d.W.WithContext(t.Context()).Exec(fmt.Sprintf("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = %d, MESSAGE_TEXT = 'from the group'", number)).Error
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("%d: %v", number, err)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, u := range []string{"", "postgres://a@b/c", "mysql://host/db", "mysql://u@host", "mysql://u@h/db?allowAllFiles=true", "::"} {
		if _, err := db.OpenMySQL(db.MySQLOptions{URL: u}); err == nil {
			t.Errorf("%q accepted", u)
		}
	}
	_, err := db.OpenMySQL(db.MySQLOptions{URL: "mysql://u:secret@/db"})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the password or is missing: %v", err)
	}
}

func TestLogsNeverHoldValues(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := db.OpenMySQL(db.MySQLOptions{URL: testkit.MariaDB(t), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // read-only use
	d.R.WithContext(context.Background()).Exec("SELECT SLEEP(0.3), ?", "s3cret-value")
	d.R.WithContext(context.Background()).Exec("SELECT nonsense FROM nowhere WHERE x = ?", "s3cret-value")
	if s := out.String(); !strings.Contains(s, "slow statement") || !strings.Contains(s, "statement failed") || strings.Contains(s, "s3cret") {
		t.Fatalf("log:\n%s", s)
	}
}
