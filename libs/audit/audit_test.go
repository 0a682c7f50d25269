package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
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
		files["migrations/"+string(m[1])+"/0001_audit.sql"] = &fstest.MapFile{Data: append([]byte("-- +goose Up\n"), m[2]...)}
	}
	if len(files) != 2 {
		t.Fatalf("%d dialects in schema.md", len(files))
	}
	return files
}

// book is an audit log with a clock and a sealer.
type book struct {
	t      *testing.T
	db     *db.DB
	at     time.Time
	sealer *Sealer
	rows   []Row
	detail bool // the log has details
}

func each(t *testing.T, fn func(b *book)) { eachOf(t, false, schema(t), fn) }

func eachOf(t *testing.T, detail bool, tables fs.FS, fn func(b *book)) {
	testkit.EachDB(t, tables, func(t *testing.T, d *db.DB) {
		b := &book{t: t, db: d, detail: detail, at: time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)}
		b.sealer = b.replica()
		fn(b)
	})
}

func (b *book) replica() *Sealer {
	return &Sealer{Service: "auth", DB: b.db, Log: testkit.Log(b.t), Now: func() time.Time { return b.at }}
}

// write adds n rows, a second apart.
func (b *book) write(n int) {
	b.t.Helper()
	for range n {
		b.at = b.at.Add(time.Second)
		account, session := id.New(), id.New()
		r := Row{ID: id.New(), At: b.at, Event: "login", AccountID: &account, SessionID: &session, IP: "192.0.2.1", UserAgent: "Firefox; 🦊"}
		if b.detail {
			text := Detail(map[string]string{"user": id.New().String()})
			r.Detail = &text
		}
		b.insert(r)
	}
}

func (b *book) insert(r Row) {
	b.t.Helper()
	if err := Insert(b.db.W.WithContext(b.t.Context()), r); err != nil {
		b.t.Fatal(err)
	}
	b.rows = append(b.rows, r)
}

func (b *book) seal() {
	b.t.Helper()
	if err := b.sealer.Seal(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) verify(kept ...Tip) Report {
	b.t.Helper()
	r, err := Verify(b.t.Context(), b.db, "auth", kept...)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *book) exec(sql string, args ...any) {
	b.t.Helper()
	r := b.db.W.WithContext(b.t.Context()).Exec(sql, args...)
	if r.Error != nil {
		b.t.Fatal(r.Error)
	}
	if r.RowsAffected == 0 {
		b.t.Fatalf("nothing was changed: %s", sql)
	}
}

// sound is a log of nine rows under three seals.
func (b *book) sound() {
	b.t.Helper()
	for range 3 {
		b.write(3)
		b.seal()
	}
	r := b.verify()
	if !r.OK() || r.Seals != 3 || r.Rows != 9 || r.Waiting != 0 || r.Tip.Seq != 3 {
		b.t.Fatalf("before anything was touched: %+v", r)
	}
}

// finds fails unless the log is found broken, and says so with want.
func (b *book) finds(want string, kept ...Tip) {
	b.t.Helper()
	r := b.verify(kept...)
	if r.OK() {
		b.t.Errorf("not noticed; wanted %q", want)
	} else if !strings.Contains(r.Problems[0], want) {
		b.t.Errorf("noticed as %q, want %q first", r.Problems, want)
	}
}

// Whatever is done to a sealed log is noticed, and the first row that it was
// done to is named.
func TestTampering(t *testing.T) {
	const row = 4 // in seal 2
	cases := map[string]struct {
		do   func(b *book)
		want string // %s: the row's id
	}{
		"id":              {func(b *book) { b.exec("UPDATE audit_log SET id = ? WHERE id = ?", id.New(), b.rows[row].ID) }, "row %s of seal 2"},
		"at":              {func(b *book) { b.exec("UPDATE audit_log SET at = ? WHERE id = ?", b.at, b.rows[row].ID) }, "row %s of seal 2"},
		"event":           {func(b *book) { b.exec("UPDATE audit_log SET event = 'logout' WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"account":         {func(b *book) { b.exec("UPDATE audit_log SET account_id = ? WHERE id = ?", id.New(), b.rows[row].ID) }, "row %s of seal 2"},
		"no account":      {func(b *book) { b.exec("UPDATE audit_log SET account_id = NULL WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"session":         {func(b *book) { b.exec("UPDATE audit_log SET session_id = ? WHERE id = ?", id.New(), b.rows[row].ID) }, "row %s of seal 2"},
		"ip":              {func(b *book) { b.exec("UPDATE audit_log SET ip = '192.0.2.2' WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"user agent":      {func(b *book) { b.exec("UPDATE audit_log SET user_agent = '' WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"swapped columns": {func(b *book) { b.exec("UPDATE audit_log SET event = '', ip = 'login' WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"deleted row":     {func(b *book) { b.exec("DELETE FROM audit_log WHERE id = ?", b.rows[row].ID) }, "row %s of seal 2"},
		"row and its member deleted": {func(b *book) {
			b.exec("DELETE FROM audit_log WHERE id = ?", b.rows[row].ID)
			b.exec("DELETE FROM audit_seal_rows WHERE row_id = ?", b.rows[row].ID)
		}, "seal 2 of"},
		"changed with its hash": {func(b *book) {
			r := b.rows[row]
			r.Event = "logout"
			h := r.hash()
			b.exec("UPDATE audit_log SET event = 'logout' WHERE id = ?", r.ID)
			b.exec("UPDATE audit_seal_rows SET row_hash = ? WHERE row_id = ?", h[:], r.ID)
		}, "seal 2 of"},
		"moved to another seal": {func(b *book) { b.exec("UPDATE audit_seal_rows SET seal_seq = 3 WHERE row_id = ?", b.rows[row].ID) }, "seal 2 of"},
		"inserted": {func(b *book) {
			r := b.rows[0]
			r.ID, r.At = id.New(), r.At.Add(-72*time.Hour)
			b.insert(r)
		}, "is not sealed, younger ones are"},
		"inserted and sealed": {func(b *book) {
			r := b.rows[0]
			r.ID, r.At = id.New(), r.At.Add(-72*time.Hour)
			b.insert(r)
			b.sealer = b.replica() // looks at everything
			b.seal()
		}, "was sealed only in seal 4"},
		"inserted into a seal": {func(b *book) {
			r := b.rows[row]
			r.ID = id.New()
			h := r.hash()
			b.insert(r)
			b.exec("INSERT INTO audit_seal_rows (row_id, seal_seq, row_hash) VALUES (?, 2, ?)", r.ID, h[:])
		}, "seal 2 of"},
		"seal deleted":             {func(b *book) { b.exec("DELETE FROM audit_seals WHERE seq = 2") }, "seal 2 is missing"},
		"first seal deleted":       {func(b *book) { b.exec("DELETE FROM audit_seals WHERE seq = 1") }, "seal 1 is missing"},
		"last seal deleted":        {func(b *book) { b.exec("DELETE FROM audit_seals WHERE seq = 3") }, "belongs to seal 3, which is missing"},
		"seal's time":              {func(b *book) { b.exec("UPDATE audit_seals SET at = ? WHERE seq = 2", b.at.Add(time.Hour)) }, "seal 2 of"},
		"seal's number of rows":    {func(b *book) { b.exec("UPDATE audit_seals SET row_count = 2 WHERE seq = 2") }, "seal 2 of"},
		"seal's hash":              {func(b *book) { b.exec("UPDATE audit_seals SET hash = ? WHERE seq = 2", make([]byte, 32)) }, "seal 2 of"},
		"seal's predecessor":       {func(b *book) { b.exec("UPDATE audit_seals SET previous = ? WHERE seq = 2", make([]byte, 32)) }, "seal 2 of"},
		"seal's end":               {func(b *book) { b.exec("UPDATE audit_seals SET through = ? WHERE seq = 2", b.at.Add(time.Hour)) }, "seal 2 of"},
		"all of another service's": {func(b *book) { b.sealer.Service = "users"; b.write(1); b.seal() }, "seal 4 of"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(b *book) {
				b.sound()
				c.do(b)
				want := c.want
				if strings.Contains(want, "%s") {
					want = fmt.Sprintf(want, b.rows[row].ID)
				}
				b.finds(want)
			})
		})
	}
}

// reorder exchanges the times of two rows: each alone is still a row.
func TestReordering(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		b.exec("UPDATE audit_log SET at = ? WHERE id = ?", b.rows[5].At, b.rows[3].ID)
		b.exec("UPDATE audit_log SET at = ? WHERE id = ?", b.rows[3].At, b.rows[5].ID)
		b.finds("of seal 2")
	})
	each(t, func(b *book) { // two seals change places, with all that is theirs
		b.sound()
		for _, table := range []string{"audit_seals SET seq", "audit_seal_rows SET seal_seq"} {
			column := table[strings.LastIndexByte(table, ' ')+1:]
			for _, step := range [][2]int{{2, 99}, {3, 2}, {99, 3}} {
				b.exec("UPDATE "+table+" = ? WHERE "+column+" = ?", step[1], step[0])
			}
		}
		b.finds("seal 2 of")
	})
}

// A log whose end was cut off, or that was made anew, is sound in itself: the
// tip that was kept elsewhere shows it.
func TestKeptTip(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		kept := b.verify().Tip
		if r := b.verify(kept); !r.OK() {
			b.t.Fatalf("the tip itself: %v", r.Problems)
		}
		if again, err := ParseTip(kept.String()); err != nil || again != kept {
			b.t.Fatalf("%v %v", again, err)
		}
		b.write(1)
		b.seal()
		if r := b.verify(kept); !r.OK() {
			b.t.Fatalf("a tip of before: %v", r.Problems)
		}
		for _, r := range b.rows[6:] {
			b.exec("DELETE FROM audit_log WHERE id = ?", r.ID)
		}
		b.exec("DELETE FROM audit_seal_rows WHERE seal_seq >= 3")
		b.exec("DELETE FROM audit_seals WHERE seq >= 3")
		if r := b.verify(); !r.OK() {
			b.t.Errorf("nobody can see that without a tip, but: %v", r.Problems)
		}
		b.finds("the end of the log was cut off", kept)
		b.write(1)
		b.seal() // another seal 3
		b.finds("the log was made anew", kept)
	})
	for _, bad := range []string{"", "1", "0:" + strings.Repeat("0", 64), "1:00", "x:" + strings.Repeat("0", 64), "1:" + strings.Repeat("g", 64)} {
		if _, err := ParseTip(bad); err == nil {
			t.Errorf("%q is taken for a tip", bad)
		}
	}
}

// What was there before the first seal, and more than one seal holds, is sealed
// in the order of its times; nothing of it is late.
func TestBacklog(t *testing.T) {
	each(t, func(b *book) {
		rows := make([]Row, 0, 3*sealBatch)
		for range sealBatch*2 + 7 {
			b.at = b.at.Add(time.Hour)
			rows = append(rows, Row{ID: id.New(), At: b.at, Event: "login"})
		}
		if err := b.db.Tx(b.t.Context(), func(tx *gorm.DB) error { return Insert(tx, rows...) }); err != nil {
			b.t.Fatal(err)
		}
		b.seal()
		if r := b.verify(); !r.OK() || r.Seals != 3 || r.Rows != len(rows) {
			b.t.Errorf("%+v", r)
		}
	})
}

// A row that was committed after younger ones were sealed gets its seal as well,
// at once or, when it is far behind, within the hour.
func TestLateCommits(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		early := Row{ID: id.New(), At: b.at.Add(-30 * time.Second), Event: "logout"}
		b.insert(early)
		b.seal()
		if r := b.verify(); !r.OK() || r.Rows != 10 || r.Waiting != 0 {
			b.t.Fatalf("30 s late: %+v", r)
		}
		b.insert(Row{ID: id.New(), At: b.at.Add(-50 * time.Minute), Event: "logout"})
		b.at = b.at.Add(fullLook)
		b.seal()
		if r := b.verify(); !r.OK() || r.Rows != 11 || r.Waiting != 0 {
			b.t.Fatalf("50 min late: %+v", r)
		}
	})
}

// A row from a clock that is ahead does not make those of the others late.
func TestClockAhead(t *testing.T) {
	each(t, func(b *book) {
		b.insert(Row{ID: id.New(), At: b.at.Add(72 * time.Hour), Event: "login"})
		b.seal()
		b.write(4)
		b.seal()
		if r := b.verify(); !r.OK() || r.Rows != 5 || r.Waiting != 0 {
			b.t.Errorf("%+v", r)
		}
	})
}

// Rows that are not sealed yet are no problem.
func TestWaiting(t *testing.T) {
	each(t, func(b *book) {
		if r := b.verify(); !r.OK() || r.Seals != 0 {
			b.t.Errorf("an empty log: %+v", r)
		}
		b.write(2)
		b.seal()
		b.write(2)
		if r := b.verify(); !r.OK() || r.Waiting != 2 {
			b.t.Errorf("%+v", r)
		}
	})
}

// A row that is sealed while Verify reads the chain is not forgotten: as seen
// from the last seal it waits.
func TestSealedMeanwhile(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		v := verifier{db: b.db.R.WithContext(b.t.Context()), service: "auth", kept: map[int64]Tip{}}
		last, err := newest(v.db)
		if err != nil {
			b.t.Fatal(err)
		}
		b.write(2)
		b.seal()
		if err := v.loose(last); err != nil || !v.OK() || v.Waiting != 2 {
			b.t.Errorf("%+v %v", v.Report, err)
		}
	})
}

// Several replicas seal at once while rows come in and Verify looks: there is
// one chain, and every row is in it once.
func TestReplicasSealAtOnce(t *testing.T) {
	sealAtOnce := func(b *book) {
		const replicas, rounds = 4, 15
		for range rounds {
			b.write(3)
			var wait sync.WaitGroup
			for range replicas {
				one := b.replica()
				wait.Go(func() {
					if err := one.Seal(b.t.Context()); err != nil {
						b.t.Error(err)
					}
				})
			}
			wait.Go(func() {
				if r, err := Verify(b.t.Context(), b.db, "auth"); err != nil || !r.OK() {
					b.t.Errorf("meanwhile: %v %v", r.Problems, err)
				}
			})
			wait.Wait()
		}
		b.seal()
		if r := b.verify(); !r.OK() || r.Rows != 3*rounds || r.Waiting != 0 {
			b.t.Errorf("%+v", r)
		}
	}
	each(t, sealAtOnce)
	t.Run("detail", func(t *testing.T) { eachWithDetail(t, sealAtOnce) })
}

// A process that dies between a seal and its rows leaves neither: the next one
// makes the same seal.
func TestCrashBetween(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		b.write(2)
		died := errors.New("died")
		const hook = "audit:die"
		dying := b.db.W.Callback().Create().Before("gorm:create")
		err := dying.Register(hook, func(tx *gorm.DB) {
			if tx.Statement.Table == "audit_seal_rows" {
				_ = tx.AddError(died)
			}
		})
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.sealer.Seal(b.t.Context()); !errors.Is(err, died) {
			b.t.Fatalf("got %v", err)
		}
		if err := b.db.W.Callback().Create().Remove(hook); err != nil {
			b.t.Fatal(err)
		}
		if r := b.verify(); !r.OK() || r.Seals != 3 || r.Waiting != 2 {
			b.t.Errorf("after the crash: %+v", r)
		}
		b.sealer = b.replica()
		b.seal()
		if r := b.verify(); !r.OK() || r.Seals != 4 || r.Rows != 11 || r.Waiting != 0 {
			b.t.Errorf("%+v", r)
		}
	})
}

// What is exported can be compared with the log by whoever has the tip.
func TestExport(t *testing.T) {
	each(t, func(b *book) {
		b.sound()
		b.write(1) // not sealed
		all := b.export(Span{})
		if len(all) != 10 {
			b.t.Fatalf("%d entries, want 10", len(all))
		}
		for i, e := range all {
			r := b.rows[i]
			back := Row{ID: e.ID, At: e.At, Event: e.Event, AccountID: e.AccountID, SessionID: e.SessionID, IP: e.IP, UserAgent: e.UserAgent}
			if e.Service != "auth" || e.ID != r.ID || e.Hash != r.hash().String() || back.hash() != r.hash() {
				b.t.Errorf("entry %d: %+v", i, e)
			}
			if want := int64(i/3 + 1); i < 9 && (e.Seal != want || len(e.SealHash) != 64) || i == 9 && (e.Seal != 0 || e.SealHash != "") {
				b.t.Errorf("entry %d is of seal %d", i, e.Seal)
			}
		}
		if all[8].SealHash != b.verify().Tip.Hash.String() {
			b.t.Error("the last seal is not the tip")
		}
		part := b.export(Span{Since: b.rows[2].At, Until: b.rows[5].At})
		if len(part) != 3 || part[0].ID != b.rows[2].ID {
			b.t.Errorf("a part: %+v", part)
		}
	})
}

// export goes through JSON, as the command does.
func (b *book) export(span Span) (list []Entry) {
	b.t.Helper()
	err := Export(b.t.Context(), b.db, "auth", span, func(e Entry) error {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		var back Entry
		err = json.Unmarshal(line, &back)
		list = append(list, back)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// The tip is told at the start and then each hour.
func TestTipIsTold(t *testing.T) {
	each(t, func(b *book) {
		var log strings.Builder
		b.sealer.Log = slog.New(slog.NewTextHandler(&log, nil))
		tell := func() int {
			if err := b.sealer.tell(b.t.Context()); err != nil {
				b.t.Fatal(err)
			}
			return strings.Count(log.String(), "tip=auth:")
		}
		if n := tell(); n != 0 {
			b.t.Errorf("told %d times of an empty log", n)
		}
		b.sound()
		if n := tell(); n != 1 || !strings.Contains(log.String(), b.verify().Tip.String()) {
			b.t.Errorf("%s", log.String())
		}
		b.at = b.at.Add(tellEvery - time.Second)
		if n := tell(); n != 1 {
			b.t.Errorf("told %d times within an hour", n)
		}
		b.at = b.at.Add(time.Second)
		if n := tell(); n != 2 {
			b.t.Errorf("told %d times after an hour", n)
		}
	})
}
