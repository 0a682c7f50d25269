package main

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatapp/libs/testkit"
)

// examine runs the doctor and returns its report, which must be of that verdict.
func examine(t *testing.T, code int, env ...string) string {
	t.Helper()
	r := runProgram(t, env, "", "doctor")
	if r.code != code || r.errors != "" {
		t.Fatalf("exit code %d, want %d:\n%s%s", r.code, code, r.out, r.errors)
	}
	return r.out
}

// wantLines checks that the report has a line with all words of each entry.
func wantLines(t *testing.T, report string, want ...string) {
	t.Helper()
	for _, w := range want {
		found := false
		for line := range strings.Lines(report) {
			all := true
			for word := range strings.SplitSeq(w, "|") {
				all = all && strings.Contains(line, word)
			}
			found = found || all
		}
		if !found {
			t.Errorf("no line with %q in:\n%s", w, report)
		}
	}
}

func TestDoctorFindsAHealthyInstallation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	listen, admin := freeAddress(t), freeAddress(t)
	env := []string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=" + listen, "CHAT_ADMIN_LISTEN=" + admin, "CHAT_PUBLIC_URL=http://" + listen}
	wantLines(t, examine(t, 0, env...), "ok|does not exist yet", "ok|is free")
	a := startApp(t, dir)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	running := []string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=127.0.0.1:" + port, "CHAT_ADMIN_LISTEN=" + a.admin, "CHAT_PUBLIC_URL=" + a.url}
	report := examine(t, 0, running...)
	wantLines(t, report, "ok|running ChatApp|ready", "ok|database of messages", "ok|public URL answers", "ok|WebSocket")
	if strings.Contains(report, "failed") || strings.Contains(report, "warning") {
		t.Errorf("something is wrong with a healthy one:\n%s", report)
	}
	bury(t, dir, "{}")
	wantLines(t, examine(t, 0, running...), "warning|dead letters of messages|1 events", "chatapp dead-letters")
	if r := runProgram(t, running, "", "doctor", "--json"); !strings.Contains(r.out, `"state":"ok"`) {
		t.Errorf("%+v", r)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	wantLines(t, examine(t, 1, "CHAT_LITSEN=x"), "failed|configuration|did you mean CHAT_LISTEN?")
	wantLines(t, examine(t, 1, "CHAT_DATA_DIR="+dir, "CHAT_PUBLIC_URL=http://chat.invalid", "CHAT_TRUSTED_PROXIES=0.0.0.0/0"),
		"warning|public URL|not https", "failed|trusted proxies|everybody", "failed|public URL answers|chat.invalid", "-> does the name lead to your proxy")
	wantLines(t, examine(t, 1, "CHAT_DATA_DIR="+dir, "CHAT_PUBLIC_URL=https://chat.invalid"), "warning|trusted proxies|share its limits")

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantLines(t, examine(t, 1, "CHAT_DATA_DIR="+file), "failed|data directory|cannot be used")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wantLines(t, examine(t, 0, "CHAT_DATA_DIR="+dir, "CHAT_LISTEN="+freeAddress(t), "CHAT_ADMIN_LISTEN="+freeAddress(t)), "warning|data directory|can be read by others", "-> chmod 700")

	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	wantLines(t, examine(t, 1, "CHAT_LISTEN="+other.Addr().String(), "CHAT_ADMIN_LISTEN="+freeAddress(t)), "failed|CHAT_LISTEN|cannot be listened on")
	if err := os.WriteFile(filepath.Join(dir, "auth.db"), []byte("no database at all, but some text that is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantLines(t, examine(t, 1, "CHAT_DATA_DIR="+dir), "failed|database of auth")
}

// A proxy that is in the way.
func TestDoctorLooksThroughTheProxy(t *testing.T) {
	a := startApp(t, filepath.Join(t.TempDir(), "data"))
	through := func(change func(http.Header)) string {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req := r.Clone(r.Context())
			req.RequestURI, req.URL.Scheme, req.URL.Host = "", "http", strings.TrimPrefix(a.url, "http://")
			change(req.Header)
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			defer res.Body.Close()
			w.WriteHeader(res.StatusCode)
			if _, err := w.Write([]byte(`{"keys":[]}`)); err != nil {
				t.Log(err)
			}
		}))
		defer proxy.Close()
		return runProgram(t, []string{"CHAT_PUBLIC_URL=" + proxy.URL, "CHAT_LISTEN=" + freeAddress(t), "CHAT_ADMIN_LISTEN=" + a.admin, "CHAT_DATA_DIR=" + t.TempDir()}, "", "doctor").out
	}
	wantLines(t, through(func(h http.Header) { h.Del("Upgrade"); h.Del("Connection") }), "failed|WebSocket|does not reach notify", "-> let the proxy pass Upgrade")
	wantLines(t, through(func(h http.Header) { h.Set("Origin", "http://else.invalid") }), "failed|WebSocket|origin|refused")
}

func TestDoctorOnMySQLAndNATS(t *testing.T) {
	broker := testkit.NewBroker(t)
	url := mariaSchemas(t)
	base := []string{"CHAT_DATABASE_URL=" + url, "CHAT_NATS_URL=" + broker.URL(), "CHAT_LISTEN=" + freeAddress(t), "CHAT_ADMIN_LISTEN=" + freeAddress(t)}
	report := examine(t, 1, base...)
	wantLines(t, report, "ok|database server", "ok|durability", "ok|clocks", "ok|NATS", "failed|stream MESSAGES|there is none", "-> run 'chatapp setup-bus'")
	if r := runProgram(t, base, "", "setup-bus"); r.code != 0 || !strings.Contains(r.out, "set up") {
		t.Fatalf("%+v", r)
	}
	wantLines(t, examine(t, 0, base...), "ok|stream MESSAGES", "warning|copies of streams")
	wantLines(t, examine(t, 1, append(base, "CHAT_SETUP=wait")...), "failed|database of auth|not up to date", "-> run 'auth migrate'")
	broker.Stop()
	wantLines(t, examine(t, 1, base...), "failed|NATS|is it running")
	wantLines(t, examine(t, 1, "CHAT_DATABASE_URL=mysql://nobody@"+strings.SplitN(url, "@", 2)[1]), "failed|database of auth|refused the user")
}

// The proxy's certificate has ended.
func TestDoctorNamesAnExpiredCertificate(t *testing.T) {
	s := site{dir: filepath.Join(t.TempDir(), "secrets")}
	if r := runProgram(t, nil, "", "secrets", "--dir", s.dir); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	cert, err := tls.LoadX509KeyPair(s.expired(t, "nats"), s.file("nats", "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(http.NotFoundHandler())
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	proxy.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshake that has to fail
	proxy.StartTLS()
	defer proxy.Close()
	report := examine(t, 1, "SSL_CERT_FILE="+s.file("ca", "ca.pem"), "CHAT_PUBLIC_URL="+proxy.URL, "CHAT_DATA_DIR="+t.TempDir())
	wantLines(t, report, "failed|public URL answers|expired", "-> renew the certificate of "+proxy.URL)
}
