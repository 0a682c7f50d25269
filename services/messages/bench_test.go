package messages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

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
