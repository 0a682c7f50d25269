package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// schema reads the SQL out of schema.md, so that what is documented is what is
// tested.
func schema(t testing.TB) fs.FS {
	t.Helper()
	doc, err := os.ReadFile("schema.md")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, m := range regexp.MustCompile("(?s)```sql (\\w+)\n(.*?)```").FindAllSubmatch(doc, -1) {
		files["migrations/"+string(m[1])+"/0001_outbox.sql"] = &fstest.MapFile{Data: append([]byte("-- +goose Up\n"), m[2]...)}
	}
	if len(files) != 2 {
		t.Fatalf("%d dialects in schema.md", len(files))
	}
	return files
}

func rowsOf(n int, tag string) []outbox.Row {
	rows := make([]outbox.Row, n)
	for i := range rows {
		rows[i] = outbox.Row{
			Subject: fmt.Sprintf("chat.users.v1.profile_changed.%s-%d", tag, i), MsgID: fmt.Sprintf("%s-%d", tag, i),
			Type: "profile_changed", Payload: fmt.Appendf(nil, `{"n":%d,"emoji":"🎈"}`, i),
		}
	}
	return rows
}

func commit(t testing.TB, d *db.DB, rows []outbox.Row) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *gorm.DB) error { return outbox.Insert(tx, rows) }); err != nil {
		t.Fatal(err)
	}
}

func left(t testing.TB, d *db.DB) int64 {
	t.Helper()
	var n int64
	if err := d.R.Table("outbox").Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// empty is left() == 0 without counting, which would slow down what it watches.
func empty(t testing.TB, d *db.DB) bool {
	t.Helper()
	var ids []id.ID
	if err := d.R.Table("outbox").Limit(1).Pluck("id", &ids).Error; err != nil {
		t.Fatal(err)
	}
	return len(ids) == 0
}

// start runs a relay until the returned function is called.
func start(t testing.TB, d *db.DB, b *bus.Bus) (*outbox.Relay, func()) {
	t.Helper()
	r := outbox.NewRelay(d, b, "users", testkit.Log(t), nil)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return r, stop
}

func TestCommittedRowsArePublishedThenDeleted(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		seen := testkit.Record(t, b)
		r, _ := start(t, d, b)
		rows := rowsOf(3, "a")
		commit(t, d, rows)
		r.Publish(rows)
		got := seen.Expect(t, rows[0].Subject, rows[1].Subject, rows[2].Subject)
		m := got[1]
		if m.ID != "a-1" || m.Type != "profile_changed" || m.Source != "chatapp/users" || string(m.Data) != string(rows[1].Payload) || !m.Time.Equal(rows[1].CreatedAt) {
			t.Fatalf("%+v", m)
		}
		testkit.Eventually(t, 10*time.Second, func() bool { return empty(t, d) })
	})
}

func TestRolledBackRowsAreNeverPublished(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		seen := testkit.Record(t, b)
		_, stop := start(t, d, b)
		err := d.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := outbox.Insert(tx, rowsOf(2, "x")); err != nil {
				return err
			}
			return errors.New("no")
		})
		if err == nil {
			t.Fatal("committed")
		}
		stop()
		seen.Expect(t)
	})
}

// The process died between commit and publish: the next one publishes.
func TestSweepPublishesWhatACrashLeftBehind(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		rows := rowsOf(1200, "crash")
		commit(t, d, rows)
		seen := testkit.Record(t, b)
		start(t, d, b)
		testkit.Eventually(t, 20*time.Second, func() bool { return empty(t, d) })
		if n := len(seen.All()); n != len(rows) {
			t.Fatalf("%d events, want %d", n, len(rows))
		}
	})
}

func TestSweepOfARunningRelayFindsRowsOfOthers(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		start(t, d, b)
		seen := testkit.Record(t, b)
		rows := rowsOf(5, "other")
		rows[4].CreatedAt = time.Now().Add(48 * time.Hour).UTC() // written by a clock that was wrong
		commit(t, d, rows)                                       // and never handed to Publish
		testkit.Eventually(t, 5*time.Minute, func() bool { return empty(t, d) })
		if n := len(seen.All()); n != 5 {
			t.Fatalf("%d events", n)
		}
	})
}

// Two replicas sweep one table: each row comes, the broker stores it once.
func TestTwoRelaysOnOneTable(t *testing.T) {
	d := testkit.OpenMariaDB(t, schema(t))
	s := testkit.NATS(t)
	b1, b2 := testkit.Join(t, s), testkit.Join(t, s)
	rows := rowsOf(3000, "two")
	commit(t, d, rows)
	_, stop1 := start(t, d, b1)
	_, stop2 := start(t, d, b2)
	testkit.Eventually(t, 30*time.Second, func() bool { return empty(t, d) })
	stop1()
	stop2()
	ctx, cancel := context.WithCancel(t.Context())
	count := map[string]int{}
	err := b1.Follow(ctx, "USERS", "chat.users.v1.>", time.Now().Add(-time.Hour), func(m bus.Message) {
		count[m.ID]++
		if len(count) == len(rows) {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for mid, n := range count {
		if n != 1 {
			t.Fatalf("%s stored %d times", mid, n)
		}
	}
}

func TestShutdownPublishesWhatItHolds(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		seen := testkit.Record(t, b)
		r, stop := start(t, d, b)
		rows := rowsOf(2000, "stop")
		commit(t, d, rows)
		r.Publish(rows)
		stop()
		if n := left(t, d); n != 0 {
			t.Fatalf("%d rows left after a graceful stop", n)
		}
		testkit.Eventually(t, 5*time.Second, func() bool { return len(seen.All()) == len(rows) })
	})
}

// I11: the broker is away while 30,000 events are written, then comes back.
func TestBrokerOutageBacklogDrains(t *testing.T) {
	const n = 30_000
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		s := testkit.NewBroker(t)
		b := s.Connect(t)
		testkit.EnsureStreams(t, b)
		r, stop := start(t, d, b)
		s.Stop()
		testkit.Eventually(t, 10*time.Second, func() bool { return !b.Connected() })
		for i := range n / 1000 {
			rows := rowsOf(1000, fmt.Sprint("out", i))
			commit(t, d, rows)
			r.Publish(rows) // must neither block nor fail
		}
		if got := left(t, d); got != n {
			t.Fatalf("%d rows kept, want %d", got, n)
		}
		began := time.Now()
		s.Start(t)
		testkit.Eventually(t, 5*time.Minute, func() bool { return empty(t, d) })
		t.Logf("%s: %d rows drained in %v after the broker's return", d.Dialect, n, time.Since(began).Round(time.Millisecond))
		stop()
	})
}

func TestInsertFillsInIdsAndTimes(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		rows := rowsOf(2500, "fill")
		before := d.Statements()
		commit(t, d, rows)
		if got := d.Statements() - before; got != 3 {
			t.Fatalf("%d statements for 2,500 rows, want 3", got)
		}
		if rows[2499].ID.IsZero() || rows[2499].CreatedAt.IsZero() {
			t.Fatal("not filled in")
		}
		commit(t, d, nil)
	})
}

func TestDeadLetterKeepsTheEvent(t *testing.T) {
	testkit.EachDB(t, schema(t), func(t *testing.T, d *db.DB) {
		m := bus.Message{Stream: "AUTH", Subject: "chat.auth.v1.registered.x", ID: "i", Type: "registered", Data: []byte{0xff, 0}, Tries: 8}
		if err := outbox.DeadLetter(d)(t.Context(), m, errors.New("bad \xff thing")); err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID                                  id.ID
			Stream, Subject, MsgID, Type, Error string
			Payload                             []byte
			Tries                               int
			CreatedAt                           time.Time
		}
		if err := d.R.Table("dead_letters").Take(&got).Error; err != nil {
			t.Fatal(err)
		}
		if got.MsgID != "i" || got.Tries != 8 || got.Error != "bad ? thing" || string(got.Payload) != "\xff\x00" || got.CreatedAt.IsZero() {
			t.Fatalf("%+v", got)
		}
	})
}
