package messages

import (
	"archive/zip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	metricsruntime "runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// BenchmarkCommit is one transaction of n posts of as many pairs, the outbox
// rows deleted again as the relay does: the time and allocations per post.
// Besides, on MariaDB, the server's CPU per post.
func BenchmarkCommit(b *testing.B) {
	for _, open := range []func(testing.TB) *db.DB{
		func(t testing.TB) *db.DB { return testkit.OpenSQLite(t, Migrations) },
		func(t testing.TB) *db.DB { return testkit.OpenMariaDB(t, Migrations) },
	} {
		for _, n := range []int{1, 16, 64, 256} {
			d := open(b)
			b.Run(fmt.Sprintf("%s/batch=%d", d.Dialect, n), func(b *testing.B) { benchCommit(b, d, n) })
		}
	}
}

func benchCommit(b *testing.B, d *db.DB, n int) {
	s := &store{db: d}
	direct := newDirectory(s)
	pairs := make([]membership, n)
	for i := range pairs {
		var err error
		if pairs[i], err = direct.open(b.Context(), id.New(), id.New()); err != nil {
			b.Fatal(err)
		}
	}
	var done []id.ID
	b.ReportAllocs()
	cpu := serverCPU()
	b.ResetTimer()
	for i := 0; i < b.N; i += n {
		batch := make([]*write, n)
		for j := range batch {
			where := pairs[j]
			batch[j] = &write{where: where, sender: where.members[i/n%2], clientID: id.New(), body: "a message of ordinary length, as people write them"}
		}
		u, err := s.commit(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		if done = append(done, u.row.ID); len(done) == 50 {
			if err := d.W.Exec("DELETE FROM outbox WHERE id IN ?", done).Error; err != nil {
				b.Fatal(err)
			}
			done = nil
		}
	}
	b.StopTimer()
	if d.Dialect == db.MySQL {
		b.ReportMetric(float64(serverCPU()-cpu)*1e4/float64(b.N), "db-µs/op")
	}
}

// serverCPU is the CPU that the database server used so far, in ticks of 10 ms.
func serverCPU() int {
	matches, _ := os.ReadDir("/proc")
	total := 0
	for _, m := range matches {
		text, err := os.ReadFile("/proc/" + m.Name() + "/stat")
		if err != nil || !strings.Contains(string(text), "(mariadbd)") {
			continue
		}
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
		u, _ := strconv.Atoi(f[11])
		sys, _ := strconv.Atoi(f[12])
		total += u + sys
	}
	return total
}

// BenchmarkPost is POST /api/v1/messages through the whole handler, by many
// writers at once, on SQLite: what a message costs this service, its database
// and the broker together.
func BenchmarkPost(b *testing.B) {
	d := testkit.OpenSQLite(b, Migrations)
	deps, tokens := testkit.Deps(b, d)
	svc, err := New(deps)
	if err != nil {
		b.Fatal(err)
	}
	testkit.Run(b, svc)
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		from, to := id.New(), id.New()
		for _, user := range []id.ID{from, to} {
			if _, err := svc.store.savePerson(b.Context(), user, events.ProfileChanged{Username: "u" + strconv.FormatInt(next.Add(1), 10), Version: 1}); err != nil {
				b.Error(err)
			}
		}
		token := "Bearer " + tokens.For(from, "bench")
		for pb.Next() {
			body := fmt.Sprintf(`{"to":%q,"client_id":%q,"body":"a message of ordinary length, as people write them"}`, to, id.New())
			r := httptest.NewRequest(http.MethodPost, "/api/v1/messages", strings.NewReader(body))
			r.Header.Set("Authorization", token)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			if svc.Handler().ServeHTTP(w, r); w.Code != http.StatusCreated {
				b.Errorf("%d %s", w.Code, w.Body)
				return
			}
		}
	})
}

// BenchmarkDataExport is one file of so many messages in conversations of 1,000,
// on SQLite: time per message, and how much more memory it took than there was,
// at most. The second number must not grow with the first.
func BenchmarkDataExport(b *testing.B) {
	for _, n := range []int{1_000, 20_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { benchExport(b, n) })
	}
}

func benchExport(b *testing.B, n int) {
	deps, _ := testkit.Deps(b, testkit.OpenSQLite(b, Migrations))
	svc, err := New(deps)
	if err != nil {
		b.Fatal(err)
	}
	me := id.New()
	fillHistory(b, deps.DB, svc.direct, me, n)
	if _, err := svc.store.askExport(b.Context(), me, auditor{Account: me}); err != nil {
		b.Fatal(err)
	}
	e, _, err := svc.store.claimExport(b.Context(), time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	before, stop := heap(), make(chan struct{})
	most := make(chan uint64)
	go func() {
		top := uint64(0)
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				most <- top
				return
			case <-tick.C:
				top = max(top, heap())
			}
		}
	}()
	b.ResetTimer()
	for b.Loop() {
		if err := svc.store.removeParts(b.Context(), e.ID); err != nil {
			b.Fatal(err)
		}
		out := &parts{ctx: b.Context(), store: svc.store, export: e, lease: time.Hour}
		a := &archive{exporter: svc.exports, ctx: b.Context(), of: e, at: now(), zip: zip.NewWriter(out), progress: &progress{}}
		for _, step := range []func() error{a.readme, a.index, a.conversations, a.zip.Close, out.flush} {
			if err := step(); err != nil {
				b.Fatal(err)
			}
		}
		if a.progress.done.Load() != uint64(n) {
			b.Fatalf("%d messages", a.progress.done.Load())
		}
	}
	b.StopTimer()
	close(stop)
	b.ReportMetric(float64(max(<-most, before)-before)/(1<<20), "MiB-more")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/message")
}

func heap() uint64 {
	sample := []metricsruntime.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metricsruntime.Read(sample)
	return sample[0].Value.Uint64()
}

// fillHistory writes n messages of me into conversations of 1,000.
func fillHistory(b *testing.B, d *db.DB, direct *directory, me id.ID, n int) {
	b.Helper()
	for left := n; left > 0; left -= 1000 {
		other := id.New()
		where, err := direct.open(b.Context(), me, other)
		if err != nil {
			b.Fatal(err)
		}
		rows := make([]any, 0, 7*1000)
		for i := range min(left, 1000) {
			rows = append(rows, where.id, uint64(i+1), id.New(), where.members[i%2], id.New(), "a message of ordinary length, as people write them "+noise(30), now())
		}
		columns := []string{"conversation_id", "seq", "id", "sender_id", "client_id", "body", "created_at"}
		err = d.Batch(b.Context(), func() []db.Read { return nil }, func() ([]db.Insert, error) {
			return []db.Insert{{Table: "messages", Columns: columns, Rows: rows}}, nil
		})
		if err == nil {
			err = d.W.Exec("UPDATE members SET last_seq = ?, activity = 1 WHERE conversation_id = ?", min(left, 1000), where.id).Error
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
