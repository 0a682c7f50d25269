package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/internal/client"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/testkit"
)

// two people with a conversation on a running app.
func twoPeople(t *testing.T, a *app) (ada, ben *client.Client, conversation string) {
	t.Helper()
	ada, ben = client.New(client.At(a.url)), client.New(client.At(a.url))
	for name, c := range map[string]*client.Client{"ada": ada, "ben": ben} {
		if err := c.Register(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	v, err := ada.Open(t.Context(), ben.ID())
	if err != nil {
		t.Fatal(err)
	}
	return ada, ben, v.ID
}

// A backup that is made under load holds everything accepted before it began,
// and after a restore nobody goes on from what was forgotten.
func TestBackupAndRestore(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "one.backup")
	env := []string{"CHAT_DATA_DIR=" + dir}
	wantError(t, runProgram(t, env, "", "backup", file), "nothing to back up", dir)
	a := startApp(t, dir)
	ada, ben, conversation := twoPeople(t, a)
	before := map[string]string{}
	for i := range 50 {
		m, _, err := ada.Post(t.Context(), ben.ID(), id.New().String(), fmt.Sprint("before ", i))
		if err != nil {
			t.Fatal(err)
		}
		before[m.ID] = m.Body
	}
	writing := keepWriting(t, ben, ada.ID())
	r := runProgram(t, env, "", "backup", file)
	writing()
	if r.code != 0 || !strings.Contains(r.out, "holds all that was accepted before") {
		t.Fatalf("%+v", r)
	}
	wantError(t, runProgram(t, env, "", "backup", file), "exists already")
	lost, _, err := ada.Post(t.Context(), ben.ID(), id.New().String(), "after the backup")
	if err != nil {
		t.Fatal(err)
	}
	_, cursor, err := ada.Events(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, runProgram(t, env, "", "restore", file, "--replace"), "in use by another ChatApp")
	a.stop(t)
	key := keyOf(t, dir)

	wantError(t, runProgram(t, env, "", "restore", file), "--replace")
	r = runProgram(t, env, "", "restore", file, "--replace")
	if r.code != 0 || !strings.Contains(r.out, "every client will load anew") {
		t.Fatalf("%+v", r)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "before-restore-*", "messages.db")); err != nil || len(old) != 1 {
		t.Errorf("the old databases were not kept: %v, %v", old, err)
	}
	// With the key, or what it encrypted would be lost elsewhere.
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if r := runProgram(t, []string{"CHAT_DATA_DIR=" + elsewhere}, "", "restore", file); r.code != 0 || keyOf(t, elsewhere) != key || keyOf(t, dir) != key {
		t.Errorf("%+v", r)
	}
	startApp(t, elsewhere).stop(t)
	a = startApp(t, dir)
	ada = client.New(client.At(a.url))
	if err := ada.Login(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	history, err := ada.History(t.Context(), conversation, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range history {
		delete(before, m.ID)
		if m.ID == lost.ID || m.Seq != uint64(len(history)-i) && m.Seq != uint64(i+1) {
			t.Errorf("%d: %+v", i, m)
		}
	}
	if len(before) > 0 {
		t.Errorf("%d messages accepted before the backup are missing", len(before))
	}
	// As many new events as were forgotten and more: the number in the old cursor
	// is then within the log again, and only the epoch tells that it is of another.
	for range lost.Seq + 5 - uint64(len(history)) {
		if _, _, err := ada.Post(t.Context(), ben.ID(), id.New().String(), "after the restore"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := ada.Events(t.Context(), cursor); err == nil || !strings.Contains(err.Error(), "cursor-ahead") {
		t.Errorf("a client goes on from what was forgotten: %v", err)
	}
}

// keyOf is the encryption key of a data directory, which is for its owner alone.
func keyOf(t *testing.T, dir string) string {
	t.Helper()
	info, err := os.Stat(embedded.KeyFile(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	key, err := os.ReadFile(embedded.KeyFile(dir))
	if err != nil || len(key) < config.EncryptionKeySize {
		t.Fatalf("%q, %v", key, err)
	}
	return string(key)
}

// keepWriting posts until the returned function is called, which waits.
func keepWriting(t *testing.T, c *client.Client, to string) (stop func()) {
	t.Helper()
	var done atomic.Bool
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for !done.Load() {
				if _, status, err := c.Post(t.Context(), to, id.New().String(), "meanwhile"); err != nil || status != http.StatusCreated {
					t.Errorf("post: %d, %v", status, err)
					return
				}
			}
		})
	}
	return func() { done.Store(true); writers.Wait() }
}

func TestDamagedBackupsAreRefused(t *testing.T) {
	dir, tmp := filepath.Join(t.TempDir(), "data"), t.TempDir()
	a := startApp(t, dir)
	twoPeople(t, a)
	a.stop(t)
	file := filepath.Join(tmp, "good")
	if r := runProgram(t, []string{"CHAT_DATA_DIR=" + dir}, "", "backup", file); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	turned := append([]byte(nil), good...)
	turned[len(turned)/2] ^= 1
	for name, content := range map[string][]byte{"cut": good[:len(good)-100], "turned": turned, "other": []byte("hello"), "empty": nil, "repacked": repacked(t, good)} {
		bad := filepath.Join(tmp, name)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(tmp, "into-"+name)
		wantError(t, runProgram(t, []string{"CHAT_DATA_DIR=" + target}, "", "restore", bad), name, "backup")
		if left, _ := filepath.Glob(filepath.Join(target, "*.db")); len(left) > 0 {
			t.Errorf("%s: %v was left behind", name, left)
		}
	}
	empty := filepath.Join(tmp, "new")
	if r := runProgram(t, []string{"CHAT_DATA_DIR=" + empty}, "", "restore", file); r.code != 0 {
		t.Errorf("%+v", r)
	}
	wantError(t, runProgram(t, []string{"CHAT_DATA_DIR=" + filepath.Join(tmp, "again")}, "", "restore", filepath.Join(tmp, "repacked")), "checksum")
	wantError(t, runProgram(t, []string{"CHAT_DATABASE_URL=mysql://u@h/chat_{service}"}, "", "backup", file+"2"), "MySQL")
}

// repacked is a backup with a bit of a database turned, which its compression
// does not notice: it was compressed afterwards.
func repacked(t *testing.T, good []byte) []byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	tape, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	// The last page of the last database: no header of the tape.
	last := bytes.LastIndexFunc(tape, func(r rune) bool { return r != 0 })
	tape[last] ^= 1
	var bad bytes.Buffer
	again := gzip.NewWriter(&bad)
	if _, err := again.Write(tape); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	return bad.Bytes()
}

func TestDeadLetters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	a := startApp(t, dir)
	ada, _, _ := twoPeople(t, a)
	if r := runProgram(t, env, "", "dead-letters"); r.code != 0 || !strings.Contains(r.out, "no dead letters") {
		t.Fatalf("%+v", r)
	}
	good := fmt.Sprintf(`{"user_id":%q,"username":"ada","display_name":"Countess","version":99}`, ada.ID())
	bury(t, dir, good)
	bad := bury(t, dir, `{"user_id":"nobody"}`)
	r := runProgram(t, env, "", "dead-letters", "list")
	if strings.Count(r.out, "\n") != 2 || !strings.Contains(r.out, bad) || !strings.Contains(r.out, "it was raining") {
		t.Fatalf("%+v", r)
	}
	if r := runProgram(t, env, "", "dead-letters", "show", bad); !strings.Contains(r.out, `{"user_id":"nobody"}`) {
		t.Errorf("%+v", r)
	}
	wantError(t, runProgram(t, env, "", "dead-letters", "replay"), "--all")
	wantError(t, runProgram(t, env, "", "dead-letters", "show", id.New().String()), "no dead letter")
	if r := runProgram(t, env, "", "dead-letters", "replay", "--all"); r.code != 0 || !strings.Contains(r.out, "2 to be handled again") {
		t.Fatalf("%+v", r)
	}
	// The one that can be handled is, the other is back with its own error.
	eventually(t, func() bool {
		out := runProgram(t, env, "", "dead-letters").out
		return strings.Count(out, "\n") == 1 && strings.Contains(out, bad) && strings.Contains(out, "not a user id")
	})
	if r := runProgram(t, env, "", "dead-letters", "discard", bad); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := runProgram(t, env, "", "dead-letters"); !strings.Contains(r.out, "no dead letters") {
		t.Errorf("%+v", r)
	}
}

// bury puts a profile event among the dead letters of messages and returns its id.
func bury(t *testing.T, dir, payload string) string {
	t.Helper()
	d, err := embedded.OpenSQLite(t.Context(), embedded.Database(dir, "messages"), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	dead := outbox.DeadLetter(d)
	before, err := outbox.DeadLetters(t.Context(), d, 100)
	if err != nil {
		t.Fatal(err)
	}
	m := bus.Message{Stream: events.StreamUsers, Subject: events.Subject(events.ServiceUsers, events.NameProfileChanged, "x"), ID: "m", Type: events.NameProfileChanged, Data: []byte(payload)}
	if err := dead(t.Context(), m, errors.New("it was raining")); err != nil {
		t.Fatal(err)
	}
	after, err := outbox.DeadLetters(t.Context(), d, 100)
	if err != nil || len(after) != len(before)+1 {
		t.Fatalf("%d, %v", len(after), err)
	}
	return after[len(after)-1].ID.String()
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	testkit.Eventually(t, 20*time.Second, ok)
}

// After a restore the new epoch needs no more rights than messages has.
func TestNewEpochWithFewRights(t *testing.T) {
	s := newSite(t)
	var database []string // neither a broker nor its key: nobody but the database is asked
	for _, kv := range s.env("messages", "messages_app") {
		if strings.HasPrefix(kv, "CHAT_DATABASE_") {
			database = append(database, kv)
		}
	}
	wait := append(database, "CHAT_SETUP=wait", "CHAT_DATA_DIR="+filepath.Join(t.TempDir(), "none"))
	if r := runProgram(t, without(without(s.env("migrate-messages", "messages_migrate", "CHAT_NATS_URL="), "CHAT_NATS_NKEY_FILE"), "CHAT_NATS_CA"), "", "migrate", "messages"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	seen := map[string]bool{}
	for range 2 {
		r := runProgram(t, wait, "", "new-epoch")
		if r.code != 0 || !strings.Contains(r.out+r.errors, "new epoch") {
			t.Fatalf("%+v", r)
		}
		seen[r.out+r.errors] = true
	}
	if len(seen) != 2 {
		t.Errorf("the second epoch is the first: %v", seen)
	}
}
