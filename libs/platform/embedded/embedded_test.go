package embedded_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func open(t testing.TB, dir string) *embedded.Platform {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = dir
	p, err := embedded.New(cfg, testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Everything written is there at the next start, and nothing is readable by
// other users.
func TestDataDirectoryIsPrivateAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	for n := range 2 {
		p := open(t, dir)
		b, err := p.Bus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.EnsureStream(t.Context(), bus.Stream{Name: "X", Subjects: []string{"x.>"}}); err != nil {
			t.Fatal(err)
		}
		d, err := p.DB(t.Context(), "svc")
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if err := d.W.Exec("CREATE TABLE a (n BIGINT)").Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := d.W.Exec("INSERT INTO a VALUES (1)").Error; err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := d.R.Raw("SELECT COUNT(*) FROM a").Scan(&rows).Error; err != nil || rows != n+1 {
			t.Fatalf("start %d: %d rows, %v", n+1, rows, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
}

func TestSecondProcessOnOneDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir), open(t, dir)
	if _, err := first.Bus(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := second.Bus(t.Context())
	if err == nil || !strings.Contains(err.Error(), "in use by another ChatApp") || !strings.Contains(err.Error(), "CHAT_DATA_DIR") {
		t.Fatalf("%v", err)
	}
	for _, p := range []*embedded.Platform{second, first} {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnusableDirectoryIsOneLineWithCure(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.DataDir = filepath.Join(file, "data")
	_, err := embedded.New(cfg, testkit.Log(t))
	if err == nil || !strings.Contains(err.Error(), "cannot be written") || !strings.Contains(err.Error(), "CHAT_DATA_DIR") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("%v", err)
	}
}

func TestSQLitePragmas(t *testing.T) {
	d := testkit.OpenSQLite(t, nil)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := d.W.Raw("PRAGMA " + pragma).Scan(&got).Error; err != nil || got != want {
			t.Errorf("%s = %s (%v), want %s", pragma, got, err, want)
		}
	}
	if err := d.R.Exec("CREATE TABLE x (n BIGINT)").Error; err == nil {
		t.Error("the readers can write")
	}
}

// I17: with the disk full a write is unavailable and reads go on; when there is
// room again writes work without anybody's help.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "2m")
	d, err := embedded.OpenSQLite(t.Context(), filepath.Join(dir, "a.db"), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.W.Exec("CREATE TABLE a (n BIGINT, b BLOB)").Error; err != nil {
		t.Fatal(err)
	}
	insert := func() error { return d.W.Exec("INSERT INTO a VALUES (1, ?)", make([]byte, 100<<10)).Error }
	rows := 0
	for err = insert(); err == nil && rows < 100; err = insert() {
		rows++
	}
	if !errs.Is(err, errs.Unavailable) || !db.IsUnavailable(err) {
		t.Fatalf("after %d rows: %v", rows, err)
	}
	var kept int
	if err := d.R.WithContext(context.Background()).Raw("SELECT COUNT(*) FROM a").Scan(&kept).Error; err != nil || kept != rows {
		t.Fatalf("%d rows readable of %d: %v", kept, rows, err)
	}
	resize(t, dir, "8m")
	if err := insert(); err != nil {
		t.Fatalf("with room again: %v", err)
	}
}

// The embedded NATS switches its store off when the disk is full; it must come
// back by itself when there is room.
func TestFullDiskUnderNATS(t *testing.T) {
	dir := smallDisk(t, "6m")
	p := open(t, filepath.Join(dir, "data"))
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := p.Bus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureStream(t.Context(), bus.Stream{Name: "X", Subjects: []string{"x.>"}}); err != nil {
		t.Fatal(err)
	}
	n := 0
	publish := func() error {
		n++
		return b.Publish(t.Context(), bus.Message{Subject: "x.1", ID: strconv.Itoa(n), Data: make([]byte, 200<<10)})
	}
	for err == nil && n < 100 {
		err = publish()
	}
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("after %d messages: %v", n, err)
	}
	resize(t, dir, "64m")
	testkit.Eventually(t, 30*time.Second, func() bool { return publish() == nil })
}

// smallDisk is a directory on a disk of that size.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("needs root, to mount a small disk")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

func resize(t testing.TB, dir, size string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,size="+size, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v %s", err, out)
	}
}

// The key of the data directory is made once, also by several at once, and
// CHAT_ENCRYPTION_KEY goes before it.
func TestEncryptionKey(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			p, err := embedded.New(cfg, testkit.Log(t))
			if err == nil {
				keys[i], err = p.EncryptionKey(t.Context())
				err = errors.Join(err, p.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		c := cfg
		c.EncryptionKey = key
		if list, err := c.EncryptionKeys(); len(list) != 1 || err != nil || key != keys[0] {
			t.Errorf("%q: %d keys, %v", key, len(list), err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(cfg.DataDir, ".encryption-*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	set := cfg
	set.EncryptionKey = "mine"
	outside := cfg
	outside.DatabaseURL, outside.NATSURL = "mysql://db/x", "nats://n:4222"
	for want, c := range map[string]config.Config{keys[0]: cfg, "mine": set, "": outside} {
		if key, err := embedded.ReadKey(c); key != want || err != nil {
			t.Errorf("%q, %v; want %q", key, err, want)
		}
	}
}
