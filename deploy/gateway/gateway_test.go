// Package gateway tests the shipped Caddyfile on a real Caddy: where requests
// go, what is taken away from them, what happens when replicas die.
package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// caddy is the program that scripts/setup-test builds.
func caddy(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHATAPP_TOOLS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "chatapp", "bin")
	}
	path := filepath.Join(dir, "caddy")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("caddy is missing: run scripts/setup-test (%v)", err)
	}
	return path
}

// gateway starts Caddy with the shipped file and these settings, and returns
// its address.
func gateway(t *testing.T, env map[string]string) string {
	t.Helper()
	return gatewayOf(t, "Caddyfile", env)
}

// gatewayOf is gateway with another file.
func gatewayOf(t *testing.T, file string, env map[string]string) string {
	t.Helper()
	address := "http://" + freeAddress(t)
	web := t.TempDir()
	for name, body := range map[string]string{
		"index.html": "<!doctype html>index", "assets/app-1.js": "script()", "assets/app-1.js.br": "br", "theme.js": "theme()", ".gitkeep": "",
	} {
		path := filepath.Join(web, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, caddy(t), "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "CHAT_GATEWAY_ADDRESS="+address+env["addresses"], "CHAT_GATEWAY_WEB_ROOT="+web, "XDG_DATA_HOME="+web, "XDG_CONFIG_HOME="+web)
	for _, service := range []string{"AUTH", "USERS", "MESSAGES", "NOTIFY"} {
		cmd.Env = append(cmd.Env, "CHAT_GATEWAY_"+service+"=127.0.0.1:1")
	}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed: an error is expected
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for start := time.Now(); ; <-time.After(20 * time.Millisecond) {
		if res, err := http.Get(address + "/"); err == nil {
			res.Body.Close()
			return address
		} else if time.Since(start) > 20*time.Second {
			t.Fatalf("caddy does not answer: %v\n%s", err, log.String())
		}
	}
}

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// replica answers with its name, the path and the headers that reached it.
func replica(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(seen{name, r.Method, r.URL.RequestURI(), r.Header}) // the gateway may have gone
	}))
	t.Cleanup(s.Close)
	return s
}

type seen struct {
	Name, Method, URI string
	Header            http.Header
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// ask sends one request and returns the answer with its body read.
func ask(t *testing.T, method, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// reached is ask for a request that a replica answers.
func reached(t *testing.T, method, url string, header http.Header) seen {
	t.Helper()
	res, body := ask(t, method, url, header)
	var s seen
	if err := json.Unmarshal([]byte(body), &s); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, res.StatusCode, body)
	}
	return s
}

func TestEachPathReachesItsService(t *testing.T) {
	env := map[string]string{}
	for _, service := range []string{"auth", "users", "messages", "notify"} {
		env["CHAT_GATEWAY_"+strings.ToUpper(service)] = host(replica(t, service))
	}
	url := gateway(t, env)
	for path, service := range map[string]string{
		"/api/v1/auth/login": "auth", "/api/v1/admin/people": "auth", "/.well-known/jwks.json": "auth",
		"/api/v1/users": "users", "/api/v1/users/me": "users", "/api/v1/users?query=a%20b": "users",
		"/api/v1/conversations": "messages", "/api/v1/conversations/1/messages?before=3": "messages",
		"/api/v1/messages": "messages", "/api/v1/messages/1": "messages", "/api/v1/events?after=1-2": "messages",
		"/api/v1/contact-policy": "messages", "/api/v1/reports": "messages", "/api/v1/data-exports": "messages", "/api/v1/data-exports/1/file": "messages", "/api/v1/moderation/reports/1/close": "messages",
		"/api/v1/ws": "notify", "/api/v1/events/stream": "notify",
	} {
		if s := reached(t, "GET", url+path, nil); s.Name != service || s.URI != path {
			t.Errorf("%s reached %s as %s, want %s", path, s.Name, s.URI, service)
		}
	}
	for path, status := range map[string]int{"/api/v1/": 404, "/api/v1/wsx": 404, "/api/v1/eventsource": 404, "/api": 404, "/.well-known/other": 404} {
		if res, body := ask(t, "GET", url+path, nil); res.StatusCode != status || !strings.Contains(body, "/problems/not-found") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestNobodyNamesThemselves(t *testing.T) {
	url := gateway(t, map[string]string{"CHAT_GATEWAY_USERS": host(replica(t, "users"))})
	s := reached(t, "GET", url+"/api/v1/users/me", http.Header{
		"X-User-Id": {"someone"}, "X-User-Role": {"admin"}, "X-Internal-Secret": {"x"}, "X-Real-Ip": {"1.2.3.4"},
		"Forwarded": {"for=1.2.3.4"}, "X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Host": {"evil.example"}, "Authorization": {"Bearer t"},
	})
	for _, name := range []string{"X-User-Id", "X-User-Role", "X-Internal-Secret", "X-Real-Ip", "Forwarded"} {
		if got := s.Header.Get(name); got != "" {
			t.Errorf("%s: %q got through", name, got)
		}
	}
	if got := s.Header.Get("X-Forwarded-For"); got != "127.0.0.1" {
		t.Errorf("X-Forwarded-For: %q", got)
	}
	if got := s.Header.Get("X-Forwarded-Host"); !strings.HasPrefix(got, "127.0.0.1") {
		t.Errorf("X-Forwarded-Host: %q", got)
	}
	if got := s.Header.Get("Authorization"); got != "Bearer t" {
		t.Errorf("Authorization: %q", got)
	}
	res, _ := ask(t, "GET", url+"/api/v1/users/me", http.Header{"X-Long": {strings.Repeat("a", 40<<10)}})
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("40 KiB of headers: %d", res.StatusCode)
	}
}

// A write that a stopping replica left unanswered is repeated with its whole
// body on another one, where that is harmless; a sign-in is not.
func TestBrokenOffWritesAreRepeatedWhereHarmless(t *testing.T) {
	const text = `{"body":"hello"}`
	pair := func() string {
		cut := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}))
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body) // the gateway may have gone
		}))
		t.Cleanup(cut.Close)
		t.Cleanup(echo.Close)
		return host(cut) + " " + host(echo)
	}
	// Pairs of their own: a replica that broke off rests for every route.
	url := gateway(t, map[string]string{"CHAT_GATEWAY_MESSAGES": pair(), "CHAT_GATEWAY_USERS": pair(), "CHAT_GATEWAY_AUTH": pair()})
	post := func(path string) (int, string) {
		res, err := http.Post(url+path, "application/json", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for range 2 {
		for _, path := range []string{"/api/v1/messages", "/api/v1/conversations", "/api/v1/users/x"} {
			if status, body := post(path); status != http.StatusOK || body != text {
				t.Errorf("%s: %d %q", path, status, body)
			}
		}
	}
	refused := 0
	for range 2 {
		if status, _ := post("/api/v1/auth/login"); status != http.StatusOK {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d of 2 sign-ins were refused: one met the replica that breaks off", refused)
	}
}

func TestReplicasShareTheWorkAndCoverForEachOther(t *testing.T) {
	a, b := replica(t, "a"), replica(t, "b")
	url := gateway(t, map[string]string{"CHAT_GATEWAY_MESSAGES": host(a) + " " + host(b)})
	count := map[string]int{}
	for range 20 {
		count[reached(t, "POST", url+"/api/v1/messages", nil).Name]++
	}
	if count["a"] != 10 || count["b"] != 10 {
		t.Errorf("round robin: %v", count)
	}
	a.Close()
	for range 20 {
		if s := reached(t, "POST", url+"/api/v1/messages", nil); s.Name != "b" {
			t.Fatalf("a is dead, answer from %s", s.Name)
		}
	}
	b.Close()
	res, body := ask(t, "POST", url+"/api/v1/messages", nil)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || res.Header.Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(body, "/problems/unavailable") {
		t.Errorf("nobody left: %d %v %s", res.StatusCode, res.Header, body)
	}
}

// Where replicas come and go, as in Compose, the gateway asks for their
// addresses: no reload when they change.
func TestReplicasAreFoundByName(t *testing.T) {
	a := replica(t, "a")
	_, port, err := net.SplitHostPort(host(a))
	if err != nil {
		t.Fatal(err)
	}
	url := gateway(t, map[string]string{"CHAT_GATEWAY_DISCOVERY": "dns", "CHAT_GATEWAY_MESSAGES": "localhost " + port, "CHAT_GATEWAY_AUTH": "nobody.invalid 1"})
	for range 5 {
		if s := reached(t, "POST", url+"/api/v1/messages", nil); s.Name != "a" {
			t.Fatalf("answer from %q", s.Name)
		}
	}
	if res, body := ask(t, "GET", url+"/api/v1/auth/x", nil); res.StatusCode != 503 || !strings.Contains(body, "/problems/unavailable") {
		t.Errorf("a name without addresses: %d %s", res.StatusCode, body)
	}
}

func TestActiveChecksAvoidReplicasThatAreNotReady(t *testing.T) {
	// The admin port is one number for all replicas, as in containers: here
	// the two replicas have an address of loopback each.
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"CHAT_GATEWAY_HEALTH": "active", "CHAT_GATEWAY_ADMIN_PORT": port}
	for ip, status := range map[string]int{"127.0.0.2": 200, "127.0.0.3": 503} {
		serve(t, net.JoinHostPort(ip, port), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				status = 404
			}
			w.WriteHeader(status)
		})
		env["CHAT_GATEWAY_AUTH"] += serve(t, ip+":0", func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(seen{Name: ip}) // the gateway may have gone
		}) + " "
	}
	url := gateway(t, env)
	for ok, start := 0, time.Now(); ok < 10; {
		if reached(t, "GET", url+"/api/v1/auth/x", nil).Name == "127.0.0.2" {
			ok++
		} else if ok = 0; time.Since(start) > 20*time.Second {
			t.Fatal("the replica that is not ready still gets requests")
		}
	}
}

// serve runs a handler on an address and returns it.
func serve(t *testing.T, address string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String()
}

func TestEventsArriveOneByOne(t *testing.T) {
	next := make(chan string)
	defer close(next)
	stream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // a failure shows as a missing event
		for id := range next {
			fmt.Fprintf(w, "id: %s\n\n", id)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	t.Cleanup(stream.CloseClientConnections)
	url := gateway(t, map[string]string{"CHAT_GATEWAY_NOTIFY": host(stream)})
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v1/events/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for _, id := range []string{"1", "2", "3"} {
		next <- id
		if !lines.Scan() || lines.Text() != "id: "+id || !lines.Scan() {
			t.Fatalf("after event %s: %q %v", id, lines.Text(), lines.Err())
		}
	}
}

func TestTheUIIsServedAsTheBinaryDoes(t *testing.T) {
	url := gateway(t, nil)
	const page, script, forever = "<!doctype html>index", "script()", "public, max-age=31536000, immutable"
	for _, c := range []struct {
		method, path string
		status       int
		body, cache  string
	}{
		{"GET", "/", 200, page, "no-cache"},
		{"GET", "/c/0192f0c1-0000-7000-8000-000000000000", 200, page, "no-cache"},
		{"GET", "/signup", 200, page, "no-cache"},
		{"GET", "/theme.js", 200, "theme()", "no-cache"},
		{"GET", "/assets/app-1.js", 200, script, forever},
		{"GET", "/assets/app-0.js", 404, "", ""},
		{"GET", "/assets/", 404, "", ""},
		{"GET", "/assets/app-1.js.br", 404, "", ""},
		{"GET", "/nothing.png", 404, "", ""},
		{"GET", "/.gitkeep", 404, "", ""},
		{"GET", "/..%2f..%2fetc/passwd", 200, page, "no-cache"},
		{"POST", "/", 405, "", ""},
	} {
		res, body := ask(t, c.method, url+c.path, http.Header{"Accept-Encoding": {"identity"}})
		if res.StatusCode != c.status {
			t.Errorf("%s %s: %d %q, want %d", c.method, c.path, res.StatusCode, body, c.status)
			continue
		}
		if c.status == 200 && (body != c.body || res.Header.Get("Cache-Control") != c.cache) {
			t.Errorf("%s %s: %q, cache %q", c.method, c.path, body, res.Header.Get("Cache-Control"))
		}
		if c.status != 200 && (res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s %s: %v is no problem", c.method, c.path, res.Header)
		}
		if !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'self'") || res.Header.Get("Server") != "" {
			t.Errorf("%s %s: headers %v", c.method, c.path, res.Header)
		}
	}
	res, body := ask(t, "GET", url+"/assets/app-1.js", http.Header{"Accept-Encoding": {"br"}})
	if res.Header.Get("Content-Encoding") != "br" || body != "br" {
		t.Errorf("compressed: %v %q", res.Header, body)
	}
}
