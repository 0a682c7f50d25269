package harness

import (
	"path/filepath"
	"testing"
)

// The foundations alone: they start, work, and come back after a wipe.
func TestFoundations(t *testing.T) {
	tmp, logs := t.TempDir(), artifacts(t)
	db, err := StartMariaDB(t.Context(), filepath.Join(tmp, "db"), filepath.Join(logs, "mariadb.log"), "")
	if err != nil {
		t.Fatal(err)
	}
	names, err := db.Query(t.Context(), "SHOW DATABASES LIKE 'chat\\_%'")
	if err != nil || names != "chat_auth\nchat_messages\nchat_notify\nchat_users" {
		t.Errorf("schemas %q, %v", names, err)
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	nats, err := StartNATS(t.Context(), tmp, logs, "")
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Kill()
	if nats.Wipe() == nil {
		t.Error("wiped a running cluster")
	}
	nats.Kill()
	if err := nats.Wipe(); err != nil {
		t.Error(err)
	}
	if err := nats.Start(t.Context()); err != nil {
		t.Error(err)
	}
}
