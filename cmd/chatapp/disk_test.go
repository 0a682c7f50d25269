package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A disk that is full at the first start: it says so, waits, and starts when
// there is room, without anybody's help.
func TestStartOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root, to mount a small disk")
	}
	dir := t.TempDir()
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "mount", append(args, "tmpfs", dir)...).CombinedOutput(); err != nil {
			t.Fatalf("mount: %v %s", err, out)
		}
	}
	mount("-t", "tmpfs", "-o", "size=4k")
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil { //nolint:noctx // the test's context has ended
			t.Errorf("umount: %v %s", err, out)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "other"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	p := speak(t, []string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=off", "CHAT_LOG_FORMAT=text"})
	p.await("waiting for room on the disk", "no space left")
	mount("-o", "remount,size=100k")
	p.await("waiting for the database", "is there room on its disk?")
	mount("-o", "remount,size=64m")
	p.await("msg=ready")
}
