package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"chatapp/libs/config"
	"chatapp/libs/testkit"
)

// site is an installation that `chatapp secrets` made the secrets of: a broker
// and a database that speak TLS and give each user only its rights.
type site struct{ dir, nats, db string }

func newSite(t *testing.T) site {
	t.Helper()
	s := site{dir: filepath.Join(t.TempDir(), "secrets")}
	if r := runProgram(t, nil, "", "secrets", "--dir", s.dir); r.code != 0 || !strings.Contains(r.out, "nats/nats-auth.conf") {
		t.Fatalf("%+v", r)
	}
	if r := runProgram(t, nil, "", "secrets", "--dir", s.dir); r.code != 0 || !strings.Contains(r.out, "nothing to do") {
		t.Fatalf("%+v", r)
	}
	s.nats = s.broker(t, s.file("nats", "server.pem"))
	s.db = s.database(t, s.file("mysql", "server.pem"))
	return s
}

// database starts a MariaDB server with the secrets and the given certificate,
// and returns its address.
func (s site) database(t *testing.T, certificate string) string {
	t.Helper()
	db, err := testkit.StartMariaDB("--ssl-cert="+certificate, "--ssl-key="+s.file("mysql", "server.key"), "--ssl-ca="+s.file("mysql", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Stop)
	for statement := range strings.SplitSeq(strings.TrimSpace(s.read(t, "mysql", "init.sql")), ";\n") {
		if err := testkit.Exec(t.Context(), db.URL, strings.TrimSuffix(statement, ";")); err != nil {
			t.Fatalf("%v: %s", err, strings.SplitN(statement, "IDENTIFIED", 2)[0])
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(db.URL, "mysql://root@"), "/")
}

func (s site) file(consumer, name string) string { return filepath.Join(s.dir, consumer, name) }

func (s site) read(t *testing.T, consumer, name string) string {
	t.Helper()
	b, err := os.ReadFile(s.file(consumer, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// broker starts a NATS server with the secrets and the given certificate, and
// returns its URL.
func (s site) broker(t *testing.T, certificate string) string {
	t.Helper()
	config := filepath.Join(s.dir, filepath.Base(t.TempDir())+".conf")
	text := fmt.Sprintf("jetstream { store_dir: %q }\ntls { cert_file: %q, key_file: %q, ca_file: %q }\ninclude \"nats/nats-auth.conf\"\n",
		t.TempDir(), certificate, s.file("nats", "server.key"), s.file("nats", "ca.pem"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(config)
	if err != nil {
		t.Fatal(err)
	}
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	ns, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	return fmt.Sprintf("nats://127.0.0.1:%d", ns.Addr().(*net.TCPAddr).Port)
}

// env is what a consumer gets; later settings replace earlier ones.
func (s site) env(consumer, user string, more ...string) []string {
	if consumer == "auth" {
		more = append([]string{"CHAT_ENCRYPTION_KEY_FILE=" + s.file(consumer, "encryption.key")}, more...)
	}
	return append([]string{
		"CHAT_SETUP=wait", "CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=off", "CHAT_LOG_FORMAT=text",
		"CHAT_NATS_URL=" + s.nats, "CHAT_NATS_CA=" + s.file(consumer, "ca.pem"), "CHAT_NATS_NKEY_FILE=" + s.file(consumer, "nats.nkey"),
		"CHAT_DATABASE_URL=mysql://" + user + "@" + s.db + "/chat_{service}",
		"CHAT_DATABASE_CA=" + s.file(consumer, "ca.pem"), "CHAT_DATABASE_PASSWORD_FILE=" + s.file(consumer, "database.password"),
	}, more...)
}

func without(env []string, key string) (rest []string) {
	for _, kv := range env {
		if !strings.HasPrefix(kv, key+"=") {
			rest = append(rest, kv)
		}
	}
	return rest
}

// spoken is a running program whose lines can be waited for. It ends with the
// test, on SIGTERM and with exit code 0.
type spoken struct {
	t     *testing.T
	lines chan string
}

func speak(t *testing.T, env []string, args ...string) spoken {
	t.Helper()
	c := command(t, env, args...)
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := spoken{t, make(chan string, 10_000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(s.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-read
		if err := c.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	})
	return s
}

// await waits for one line that holds all the words.
func (s spoken) await(words ...string) {
	s.t.Helper()
	var seen []string
	for limit := time.After(30 * time.Second); ; {
		select {
		case line, ok := <-s.lines:
			seen = append(seen, line)
			if hasAll(line, words) {
				return
			}
			if !ok {
				s.t.Fatalf("it ended without a line with %q:\n%s", words, strings.Join(seen, "\n"))
			}
		case <-limit:
			s.t.Fatalf("no line with %q:\n%s", words, strings.Join(seen, "\n"))
		}
	}
}

func hasAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// expired is the certificate of a server ("nats", "mysql"), which ended yesterday.
func (s site) expired(t *testing.T, server string) string {
	t.Helper()
	der := func(consumer, name string) []byte {
		block, _ := pem.Decode([]byte(s.read(t, consumer, name)))
		return block.Bytes
	}
	ca, err1 := x509.ParseCertificate(der("ca", "ca.pem"))
	cert, err2 := x509.ParseCertificate(der(server, "server.pem"))
	key, err3 := x509.ParsePKCS8PrivateKey(der("ca", "ca.key"))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	cert.SerialNumber, cert.NotBefore, cert.NotAfter = big.NewInt(1), time.Now().AddDate(-2, 0, 0), time.Now().AddDate(0, 0, -1)
	old, err := x509.CreateCertificate(rand.Reader, cert, ca, cert.PublicKey, key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "expired.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A service with few rights waits, not ready, for one job after the other, and
// says for which.
func TestServiceWaitsForItsJobs(t *testing.T) {
	s := newSite(t)
	admin := freeAddress(t)
	auth := speak(t, s.env("auth", "auth_app", "CHAT_ADMIN_LISTEN="+admin), "serve", "auth")
	auth.await("waiting for JetStream, and for 'chatapp setup-bus' (CHAT_SETUP=wait)", "stream not found")
	if r, err := http.Get("http://" + admin + "/readyz"); err != nil || r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz while waiting: %v, %v", r, err)
	} else {
		_ = r.Body.Close()
	}
	job := []string{"CHAT_NATS_URL=" + s.nats, "CHAT_NATS_CA=" + s.file("bus", "ca.pem"), "CHAT_NATS_NKEY_FILE=" + s.file("bus", "nats.nkey")}
	for range 2 {
		if r := runProgram(t, job, "", "setup-bus"); r.code != 0 || !strings.Contains(r.out, "streams and consumers are set up") {
			t.Fatalf("%+v", r)
		}
	}
	auth.await("waiting for the database", "service=auth", "run 'auth migrate' (CHAT_SETUP=wait)")
	migrate := without(s.env("migrate-auth", "{service}_migrate"), "CHAT_NATS_NKEY_FILE")
	if r := runProgram(t, without(without(migrate, "CHAT_NATS_URL"), "CHAT_NATS_CA"), "", "migrate", "auth"); r.code != 0 || !strings.Contains(r.out, "auth: up to date") {
		t.Fatalf("%+v", r)
	}
	auth.await("msg=ready", "units=[auth]")
	report := runProgram(t, s.env("auth", "auth_app", "CHAT_ADMIN_LISTEN="+admin), "", "doctor", "--service", "auth").out
	wantLines(t, report, "ok|encryption key|decrypts what is encrypted", "ok|certificate of NATS", "ok|certificate of the database|good until")
	keyless := without(s.env("auth", "auth_app"), "CHAT_ENCRYPTION_KEY_FILE")
	wantError(t, runProgram(t, keyless, "", "serve", "auth"), "CHAT_ENCRYPTION_KEY is missing", "chatapp secrets")
	other := append(keyless, "CHAT_ENCRYPTION_KEY="+config.NewEncryptionKey())
	wantError(t, runProgram(t, other, "", "serve", "auth"), "signing key 1", "another key", "admin forget-signing-keys")
	report = runProgram(t, other, "", "doctor", "--service", "auth").out
	wantLines(t, report, "failed|encryption key|signing key 1", "-> set CHAT_ENCRYPTION_KEY to the key of before")
	wantError(t, runProgram(t, keyless, "", "admin", "forget-signing-keys", "--yes"), "CHAT_ENCRYPTION_KEY is missing")
	if r := runProgram(t, other, "", "admin", "forget-signing-keys", "--yes"); r.code != 0 || !strings.Contains(r.out, "1 signing keys deleted") {
		t.Errorf("%+v", r)
	}
}

// What is wrong with a proof and can come right elsewhere: it waits, and says
// what to look at.
func TestWrongProofsAreNamedWhileItWaits(t *testing.T) {
	s := newSite(t)
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if r := runProgram(t, nil, "", "secrets", "--dir", other); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	foreignCA := filepath.Join(other, "ca", "ca.pem")
	job := []string{"CHAT_NATS_URL=" + s.nats, "CHAT_NATS_CA=" + s.file("bus", "ca.pem"), "CHAT_NATS_NKEY_FILE=" + s.file("bus", "nats.nkey")}
	if r := runProgram(t, job, "", "setup-bus"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	auth := func(more ...string) []string { return s.env("auth", "auth_app", more...) }
	for name, c := range map[string]struct {
		env   []string
		words []string
	}{
		"a key that NATS does not know":    {append(without(auth(), "CHAT_NATS_NKEY_FILE"), "CHAT_NATS_NKEY="+string(stranger)), []string{"waiting for NATS", "refused CHAT_NATS_NKEY"}},
		"the authority of another site":    {auth("CHAT_NATS_CA=" + foreignCA), []string{"waiting for NATS", "certificate", "CHAT_NATS_CA"}},
		"no authority":                     {without(auth(), "CHAT_NATS_CA"), []string{"waiting for NATS", "certificate", "CHAT_NATS_CA"}},
		"a certificate that has expired":   {auth("CHAT_NATS_URL=" + s.broker(t, s.expired(t, "nats"))), []string{"waiting for NATS", "expired", "--renew-certificates"}},
		"an expired one of the database":   {auth("CHAT_DATABASE_URL=mysql://auth_app@" + s.database(t, s.expired(t, "mysql")) + "/chat_auth"), []string{"waiting for the database", "expired", "--renew-certificates"}},
		"no broker":                        {auth("CHAT_NATS_URL=nats://127.0.0.1:1"), []string{"waiting for NATS", "is it running, and is CHAT_NATS_URL right?"}},
		"no database":                      {auth("CHAT_DATABASE_URL=mysql://auth_app@127.0.0.1:1/chat_auth"), []string{"waiting for the database", "is it running, and is CHAT_DATABASE_URL right?"}},
		"a key of another service":         {auth("CHAT_NATS_NKEY_FILE=" + s.file("notify", "nats.nkey")), []string{"NATS refused an operation", "_INBOX_auth"}},
		"a password of another":            {auth("CHAT_DATABASE_PASSWORD_FILE=" + s.file("users", "database.password")), []string{"waiting for the database", "refused the user or the password"}},
		"another site's, for the database": {auth("CHAT_DATABASE_CA=" + foreignCA), []string{"waiting for the database", "certificate", "CHAT_DATABASE_CA"}},
		"a database without TLS":           {without(auth(), "CHAT_DATABASE_CA"), []string{"waiting for the database", "refused the user or the password"}},
	} {
		t.Run(name, func(t *testing.T) { speak(t, c.env, "serve", "auth").await(c.words...) })
	}
}

// What can only come right with another start: one line, exit code 1.
func TestUnusableProofsEndTheProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	if r := runProgram(t, nil, "", "secrets", "--dir", dir); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := site{dir: dir, nats: "nats://127.0.0.1:1", db: "127.0.0.1:1"}
	env := s.env("auth", "auth_app")
	gone := filepath.Join(dir, "gone")
	for key, value := range map[string]string{"CHAT_NATS_NKEY_FILE": gone, "CHAT_NATS_CA": gone, "CHAT_DATABASE_PASSWORD_FILE": gone, "CHAT_ENCRYPTION_KEY_FILE": gone} {
		wantError(t, runProgram(t, append(without(env, key), key+"="+value), "", "serve", "auth"), key, gone, "no such file")
	}
	wantError(t, runProgram(t, append(without(env, "CHAT_NATS_CA"), "CHAT_NATS_CA="+s.file("auth", "nats.nkey")), "", "serve", "auth"), "CHAT_NATS_CA", "holds no certificate")
	r := runProgram(t, append(without(env, "CHAT_NATS_NKEY_FILE"), "CHAT_NATS_NKEY=SUNOSEED"), "", "serve", "auth")
	wantError(t, r, "CHAT_NATS_NKEY is not the seed", "chatapp secrets")
	if strings.Contains(r.errors, "SUNOSEED") {
		t.Error("the secret is in the error")
	}
	r = runProgram(t, append(without(env, "CHAT_ENCRYPTION_KEY_FILE"), "CHAT_ENCRYPTION_KEY=c2hvcnQ="), "", "serve", "auth")
	wantError(t, r, "CHAT_ENCRYPTION_KEY", "32 random bytes", "openssl rand -base64 32")
	if strings.Contains(r.errors, "c2hvcnQ=") {
		t.Error("the key is in the error")
	}
	only := []string{"CHAT_DATABASE_URL=mysql://auth_migrate@127.0.0.1:1/chat_auth"}
	wantError(t, runProgram(t, append(only, "CHAT_DATABASE_CA="+gone), "", "migrate", "auth"), "CHAT_DATABASE_CA", gone, "no such file")
	wantError(t, runProgram(t, nil, "", "setup-bus"), "CHAT_NATS_URL is not set")
}
