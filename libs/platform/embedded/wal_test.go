package embedded

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A reader that uses the system's own file layer, as another process would,
// sees every transaction as soon as it is committed, also one that is larger
// than the buffer and the page cache.
func TestCommittedPagesAreInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d, err := OpenSQLite(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	closing(t, d)
	if err := d.W.Exec("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)").Error; err != nil {
		t.Fatal(err)
	}
	other, err := sqlite3.OpenFlags("file:"+path+"?vfs=os", sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, other)
	body := strings.Repeat("x", 3000)
	for n := 1; n <= 12; n++ {
		rows := 1
		if n%4 == 0 {
			rows = 8000 // 24 MB: more than the cache holds, so that pages spill into the log before the commit
		}
		err := d.W.Exec("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < ?) INSERT INTO t (body) SELECT ? FROM c", rows, body).Error
		if err != nil {
			t.Fatal(err)
		}
		var want int64
		if err := d.R.Raw("SELECT COUNT(*) FROM t").Scan(&want).Error; err != nil {
			t.Fatal(err)
		}
		if got := count(t, other); got != want || got == 0 {
			t.Fatalf("after transaction %d another reader sees %d rows of %d", n, got, want)
		}
	}
	check, _, err := other.Prepare("PRAGMA integrity_check")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, check)
	if !check.Step() || check.ColumnText(0) != "ok" {
		t.Errorf("integrity: %s", check.ColumnText(0))
	}
}

func closing(t *testing.T, c io.Closer) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func count(t *testing.T, c *sqlite3.Conn) int64 {
	s, _, err := c.Prepare("SELECT COUNT(*) FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { // at once: an open statement keeps its view of the file
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !s.Step() {
		t.Fatal(s.Err())
	}
	return s.ColumnInt64(0)
}

// memoryFile is a file whose writes can fail.
type memoryFile struct {
	vfs.File
	data   []byte
	writes int
	full   bool
}

func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	if f.full {
		return 0, errors.New("disk full")
	}
	f.writes++
	if need := int(off) + len(p); need > len(f.data) {
		f.data = append(f.data, make([]byte, need-len(f.data))...)
	}
	return copy(f.data[off:], p), nil
}
func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) { return copy(p, f.data[off:]), nil }
func (f *memoryFile) Sync(vfs.SyncFlag) error                 { return nil }
func (f *memoryFile) Size() (int64, error)                    { return int64(len(f.data)), nil }
func (f *memoryFile) Truncate(n int64) error                  { f.data = f.data[:n]; return nil }

// Whatever is asked of the file sees all that was written to it, and a write
// that failed is not forgotten: the sync after it fails too.
func TestGatheredWrites(t *testing.T) {
	m := &memoryFile{}
	f := &walFile{File: m}
	write := func(text string, at int64) {
		t.Helper()
		if n, err := f.WriteAt([]byte(text), at); err != nil || n != len(text) {
			t.Fatal(n, err)
		}
	}
	write("abc", 0)
	write("def", 3)
	if m.writes != 0 {
		t.Error("consecutive writes were not gathered")
	}
	p := make([]byte, 4)
	if _, err := f.ReadAt(p, 1); err != nil || string(p) != "bcde" || m.writes != 1 {
		t.Errorf("%q %v after %d writes", p, err, m.writes)
	}
	write("X", 0) // back, as when the log is begun anew
	write("Y", 5)
	if size, err := f.Size(); err != nil || size != 6 || string(m.data) != "XbcdeY" {
		t.Errorf("%q %d %v", m.data, size, err)
	}
	write(strings.Repeat("z", walBuffer+1), 6)
	write("!", 6+walBuffer+1)
	if err := f.Sync(0); err != nil || len(m.data) != 6+walBuffer+2 || !bytes.HasSuffix(m.data, []byte("z!")) {
		t.Error("not all is there after a sync")
	}
	m.full = true
	write("lost?", 0)
	for range 2 {
		if f.Sync(0) == nil || f.Truncate(0) == nil {
			t.Error("a log that is not whole was synced")
		}
	}
	m.full = false
	if err := f.Sync(0); err != nil || string(m.data[:5]) != "lost?" {
		t.Errorf("%.5q %v", m.data, err)
	}
}
