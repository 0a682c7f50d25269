package messages

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"chatapp/libs/db"
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
	b.ReportAllocs()
	cpu := serverCPU()
	b.ResetTimer()
	for i := 0; i < b.N; i += n {
		batch := make([]*write, n)
		for j := range batch {
			where := pairs[j]
			batch[j] = &write{where: where, sender: where.members[i/n%2], clientID: id.New(), body: "a message of ordinary length, as people write them"}
		}
		row, _, err := s.commit(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.W.Exec("DELETE FROM outbox WHERE id = ?", row.ID).Error; err != nil {
			b.Fatal(err)
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
