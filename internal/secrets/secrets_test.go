package secrets_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"chatapp/internal/secrets"
	"chatapp/libs/topology"
)

func makeIn(t *testing.T, dir string, renew bool) []string {
	t.Helper()
	made, err := secrets.Make(secrets.Options{Dir: dir, Hosts: append(secrets.DefaultHosts(), "db.example.org", "10.1.2.3"), Renew: renew})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everything is the content of each file below dir.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all[strings.TrimPrefix(path, dir+"/")] = read(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func certificate(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Each consumer's directory holds what it needs, and no file of another's.
func TestEveryConsumerHasItsOwn(t *testing.T) {
	dir := t.TempDir()
	makeIn(t, dir, false)
	want := map[string][]string{
		"notify": {"ca.pem", "nats.nkey"}, "bus": {"ca.pem", "nats.nkey"},
		"nats":  {"ca.pem", "nats-auth.conf", "server.key", "server.pem"},
		"mysql": {"ca.pem", "init.sql", "root.password", "server.key", "server.pem"},
	}
	for _, s := range topology.Schemas() {
		want[s] = []string{"ca.pem", "database.password", "nats.nkey"}
		want[topology.Migrate(s)] = []string{"ca.pem", "database.password"}
	}
	want["auth"] = slices.Sorted(slices.Values(append(want["auth"], "encryption.key")))
	owner := map[string]string{}
	for _, c := range secrets.Consumers() {
		files, err := secrets.Files(dir, c)
		if err != nil || !slices.Equal(files, want[c]) {
			t.Errorf("%s: %v, %v", c, files, err)
		}
		for _, f := range files {
			text := read(t, dir, c, f)
			if other := owner[text]; f != "ca.pem" && other != "" {
				t.Errorf("%s/%s is the same as %s", c, f, other)
			}
			owner[text] = c + "/" + f
		}
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if mode := info.Mode().Perm(); err == nil && mode&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, mode)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, seed := range []string{read(t, dir, "auth", "nats.nkey"), read(t, dir, "bus", "nats.nkey")} {
		if strings.Contains(read(t, dir, "nats", "nats-auth.conf"), seed) {
			t.Error("a seed in the configuration of NATS")
		}
		if pair, err := nkeys.FromSeed([]byte(seed)); err != nil {
			t.Error(err)
		} else if public, _ := pair.PublicKey(); !strings.Contains(read(t, dir, "nats", "nats-auth.conf"), public) {
			t.Error("NATS does not know a key")
		}
	}
}

func TestRunningAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	makeIn(t, dir, false)
	before := everything(t, dir)
	if made := makeIn(t, dir, false); len(made) != 0 {
		t.Errorf("wrote %v", made)
	}
	// Killed in the middle of a write, and one file lost.
	if err := os.WriteFile(filepath.Join(dir, "auth", "nats.nkey.new"), []byte("half"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "auth", "nats.nkey")); err != nil {
		t.Fatal(err)
	}
	made := makeIn(t, dir, false)
	if !slices.Equal(made, []string{"auth/nats.nkey", "nats/nats-auth.conf"}) {
		t.Errorf("wrote %v", made)
	}
	after := everything(t, dir)
	for name, text := range before {
		if same := after[name] == text; same == slices.Contains(made, name) {
			t.Errorf("%s: same %v", name, same)
		}
	}
}

func TestRenewingKeepsKeysAndPasswords(t *testing.T) {
	dir := t.TempDir()
	makeIn(t, dir, false)
	before := everything(t, dir)
	if made := makeIn(t, dir, true); !slices.Equal(made, []string{"nats/server.pem", "mysql/server.pem"}) {
		t.Errorf("wrote %v", made)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate(t, before["ca/ca.pem"]))
	for _, server := range []string{"nats", "mysql"} {
		cert := certificate(t, read(t, dir, server, "server.pem"))
		if read(t, dir, server, "server.pem") == before[server+"/server.pem"] {
			t.Errorf("%s: the old one", server)
		}
		for _, host := range []string{"nats", "nats-2", "nats-0.nats", "mysql", "localhost", "127.0.0.1", "db.example.org", "10.1.2.3"} {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
				t.Errorf("%s for %s: %v", server, host, err)
			}
		}
		if left := time.Until(cert.NotAfter); left < 700*24*time.Hour || left > 731*24*time.Hour {
			t.Errorf("%s is good for %v", server, left)
		}
	}
}

// Bad input: one line that names the file, and nothing is overwritten.
func TestUnusableFilesAreNamed(t *testing.T) {
	for file, content := range map[string]string{
		"auth/nats.nkey": "SUNSET", "users/database.password": "it's", "migrate-auth/database.password": "",
		"ca/ca.key": "junk", "ca/ca.pem": "junk", "mysql/server.key": "junk",
	} {
		dir := t.TempDir()
		makeIn(t, dir, false)
		path := filepath.Join(dir, file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		_, err := secrets.Make(secrets.Options{Dir: dir, Hosts: secrets.DefaultHosts()})
		if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") || read(t, path) != content {
			t.Errorf("%s: %v", file, err)
		}
		if content != "" && err != nil && strings.Contains(err.Error(), content) {
			t.Errorf("%s: the secret in %v", file, err)
		}
	}
}

func TestManifestsHoldTheFiles(t *testing.T) {
	dir := t.TempDir()
	makeIn(t, dir, false)
	text, err := secrets.Manifests(dir, "chat")
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(strings.TrimPrefix(text, "---\n"), "---\n")
	if len(documents) != len(secrets.Consumers()) {
		t.Fatalf("%d documents", len(documents))
	}
	for i, c := range secrets.Consumers() {
		var s struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Data     map[string][]byte
		}
		if err := json.Unmarshal([]byte(documents[i]), &s); err != nil {
			t.Fatal(err)
		}
		if s.Kind != "Secret" || s.Metadata.Name != "chatapp-"+c || s.Metadata.Namespace != "chat" || string(s.Data["ca.pem"]) != read(t, dir, "ca", "ca.pem") {
			t.Errorf("%s: %+v", c, s.Metadata)
		}
	}
	if strings.Contains(text, "ca.key") {
		t.Error("the authority's key")
	}
}

// Run again as root, it changes nothing outside, whatever a container's user
// has put into its own directory meanwhile.
func TestChownFollowsNoLinks(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := secrets.Options{Dir: dir, Hosts: secrets.DefaultHosts(), Chown: true}
	if _, err := secrets.Make(o); os.Geteuid() != 0 {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("only root can give files away: %v", err)
		}
		return
	} else if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "auth", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Make(o); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]uint32{
		outside: 0, filepath.Join(dir, "ca", "ca.key"): 0, filepath.Join(dir, "auth"): 65532,
		filepath.Join(dir, "auth", "nats.nkey"): 65532, filepath.Join(dir, "mysql", "init.sql"): 999,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != want {
			t.Errorf("%s belongs to %d", path, uid)
		}
	}
}
