package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chatapp/internal/client"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/testkit"
)

// asProgram makes this test binary be chatapp, so that the tests run the real
// program as a process of its own.
const asProgram = "TEST_BINARY_IS_CHATAPP"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	code := m.Run()
	testkit.StopMariaDB()
	os.Exit(code)
}

// result is how a finished program ended.
type result struct {
	code        int
	out, errors string
}

// command prepares the program with only these CHAT_ settings.
func command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Dir = t.TempDir()
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "CHAT_") {
			c.Env = append(c.Env, kv)
		}
	}
	c.Env = append(append(c.Env, asProgram+"=1"), env...)
	return c
}

func runProgram(t testing.TB, env []string, in string, args ...string) result {
	t.Helper()
	c := command(t, env, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr, c.Stdin = &out, &errs, strings.NewReader(in)
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !asExit(err, &exit) {
		t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

func asExit(err error, target **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*target = e
	return ok
}

// wantError checks for exit code 1 and one line that holds all the words.
func wantError(t testing.TB, r result, words ...string) {
	t.Helper()
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(r.errors), "\n") {
		if strings.HasPrefix(line, "chatapp: ") {
			lines = append(lines, line)
		}
	}
	if r.code != 1 || len(lines) != 1 {
		t.Fatalf("exit code %d, %d lines:\n%s%s", r.code, len(lines), r.out, r.errors)
	}
	for _, w := range words {
		if !strings.Contains(lines[0], w) {
			t.Errorf("%q is not in: %s", w, lines[0])
		}
	}
}

// app is a running chatapp.
type app struct {
	cmd   *exec.Cmd
	url   string
	admin string
	dir   string
	out   *lineBuffer
	errs  *bytes.Buffer // the log; complete when the program has ended
}

// lineBuffer collects output while a process runs.
type lineBuffer struct {
	ch  chan string
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.all.Write(p)
	b.mu.Unlock()
	b.ch <- b.text()
	return len(p), nil
}

func (b *lineBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func startApp(t testing.TB, dir string, args ...string) *app {
	t.Helper()
	return startWith(t, dir, []string{"CHAT_RATE_LIMIT=off"}, args...) // tests are faster than people
}

// startLogging starts the program in a new directory with further settings.
func startLogging(t testing.TB, env ...string) *app {
	t.Helper()
	return startWith(t, filepath.Join(t.TempDir(), "data"), env)
}

func startWith(t testing.TB, dir string, env []string, args ...string) *app {
	t.Helper()
	admin := freeAddress(t)
	errs := &bytes.Buffer{}
	a := &app{dir: dir, admin: admin, out: &lineBuffer{ch: make(chan string, 1000)}, errs: errs}
	a.cmd = command(t, append([]string{"CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=" + admin, "CHAT_DATA_DIR=" + dir}, env...), args...)
	a.cmd.Stdout, a.cmd.Stderr = a.out, errs
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if a.cmd.ProcessState == nil {
			_ = a.cmd.Process.Kill()
			_ = a.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("log of chatapp:\n%s", errs.String())
		}
	})
	deadline := time.After(60 * time.Second)
	for a.url == "" {
		select {
		case text := <-a.out.ch:
			if _, rest, ok := strings.Cut(text, "open "); ok {
				a.url, _, _ = strings.Cut(rest, " ")
			}
		case <-deadline:
			t.Fatalf("not started:\n%s", errs.String())
		}
	}
	return a
}

// stop sends SIGTERM and returns the exit code.
func (a *app) stop(t testing.TB) int {
	t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait() // the code says it
	return a.cmd.ProcessState.ExitCode()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	return l.Addr().String()
}

// api calls the program over HTTP and reads the JSON answer.
func api(t testing.TB, method, url, token string, body, out any) int {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil && res.StatusCode < 300 {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%d %s: %v", res.StatusCode, answer, err)
		}
	}
	return res.StatusCode
}

func login(t testing.TB, url, name, password string) (token, id string) {
	t.Helper()
	var s client.Session
	if code := api(t, "POST", url+"/api/v1/auth/login", "", map[string]string{"login": name, "password": password}, &s); code != http.StatusOK {
		t.Fatalf("login of %s: %d", name, code)
	}
	return s.AccessToken, s.User.ID
}

func TestHelpAndVersion(t *testing.T) {
	r := runProgram(t, nil, "", "--help")
	for _, word := range []string{"serve", "migrate", "admin", "demo", "config", "healthcheck", "version"} {
		if r.code != 0 || !strings.Contains(r.out, word) {
			t.Fatalf("%q missing: %d %s", word, r.code, r.out)
		}
	}
	if r := runProgram(t, nil, "", "version"); r.code != 0 || !strings.HasPrefix(r.out, "chatapp ") {
		t.Fatalf("%+v", r)
	}
	wantError(t, runProgram(t, nil, "", "frobnicate"), "frobnicate")
}

func TestConfigHidesSecrets(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(secret, []byte("hunter22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runProgram(t, []string{"CHAT_DATABASE_URL=mysql://u:hunter22@h/chat_{service}", "CHAT_NATS_PASSWORD_FILE=" + secret}, "", "config")
	if r.code != 0 || strings.Contains(r.out+r.errors, "hunter22") || !strings.Contains(r.out, "CHAT_NATS_PASSWORD=(hidden)") ||
		!strings.Contains(r.out, "CHAT_MESSAGES_TO_LOAD=15\n") {
		t.Fatalf("%+v", r)
	}
	if r := runProgram(t, nil, "", "config", "--markdown"); !strings.Contains(r.out, "| `CHAT_LISTEN` | `localhost:8080` |") {
		t.Fatalf("%+v", r)
	}
}

func TestMistakesAreOneLineWithTheCure(t *testing.T) {
	wantError(t, runProgram(t, []string{"CHAT_LITSEN=x"}, ""), "CHAT_LITSEN", "did you mean CHAT_LISTEN?")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // a test
	wantError(t, runProgram(t, []string{"CHAT_LISTEN=" + taken.Addr().String(), "CHAT_ADMIN_LISTEN=off"}, ""),
		taken.Addr().String(), "in use", "CHAT_LISTEN")

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, runProgram(t, []string{"CHAT_DATA_DIR=" + file + "/data"}, ""), "cannot be written", "CHAT_DATA_DIR")
	wantError(t, runProgram(t, nil, "", "serve", "auth"), "CHAT_NATS_URL is not set")
	wantError(t, runProgram(t, []string{"CHAT_ADMIN_LISTEN=" + freeAddress(t)}, "", "healthcheck"), "no ChatApp answers")
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=off"}
	if r := runProgram(t, env, "", "migrate"); r.code != 0 || !strings.Contains(r.out, "messages: up to date") {
		t.Fatalf("%+v", r)
	}
	d, err := embedded.OpenSQLite(t.Context(), filepath.Join(dir, "messages.db"), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)",
		"INSERT INTO goose_contracts (version) VALUES (9999)", // with one that older programs cannot work on
	} {
		if err := d.W.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, runProgram(t, env, ""), "messages", "newer than this program", "9999", "start the newer ChatApp")
	wantError(t, runProgram(t, env, "", "migrate", "messages"), "newer than this program")
}

// mariaSchemas makes an empty schema for each service that owns tables and
// returns CHAT_DATABASE_URL for them.
func mariaSchemas(t *testing.T) string {
	t.Helper()
	prefix := testkit.MariaDB(t)
	base, name := prefix[:strings.LastIndex(prefix, "/")+1], prefix[strings.LastIndex(prefix, "/")+1:]
	for _, s := range []string{"auth", "users", "messages"} {
		if err := testkit.Exec(t.Context(), base, "CREATE DATABASE "+name+"_"+s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = testkit.Exec(context.Background(), base, "DROP DATABASE "+name+"_"+s) })
	}
	return prefix + "_{service}"
}

func TestMigrateOnMariaDB(t *testing.T) {
	env := []string{"CHAT_DATABASE_URL=" + mariaSchemas(t)}
	for range 2 { // the second finds nothing to do
		if r := runProgram(t, env, "", "migrate"); r.code != 0 || strings.Count(r.out, "up to date") != 3 {
			t.Fatalf("%+v", r)
		}
	}
}

func TestRunServesThenKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	a := startApp(t, dir)
	for path, want := range map[string]int{"/": 200, "/api/openapi.json": 200, "/api/docs": 200, "/api/v1/users/me": 401, "/api/nothing": 404} {
		if got := api(t, "GET", a.url+path, "", nil, nil); got != want {
			t.Errorf("GET %s: %d, want %d", path, got, want)
		}
	}
	if r := runProgram(t, []string{"CHAT_ADMIN_LISTEN=" + a.admin}, "", "healthcheck"); r.code != 0 {
		t.Errorf("healthcheck: %+v", r)
	}
	wantError(t, runProgram(t, []string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=off"}, ""), "in use by another ChatApp")
	if code := api(t, "POST", a.url+"/api/v1/auth/register", "", map[string]string{"username": "carol", "password": "a long enough one"}, nil); code != http.StatusCreated {
		t.Fatalf("register: %d", code)
	}
	if code := a.stop(t); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	a = startApp(t, dir)
	login(t, a.url, "carol", "a long enough one")
	if code := a.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

func TestAdminCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	if r := runProgram(t, env, "correct horse battery\n", "admin", "create", "--username", "boss", "--password-stdin"); r.code != 0 || !strings.Contains(r.out, "boss created") {
		t.Fatalf("%+v", r)
	}
	r := runProgram(t, append(env, "CHAT_ADMIN_USERNAME=chief", "CHAT_ADMIN_PASSWORD=correct horse battery"), "", "admin", "create", "--display-name", "The Chief")
	if r.code != 0 || strings.Contains(r.out+r.errors, "correct horse") {
		t.Fatalf("%+v", r)
	}
	wantError(t, runProgram(t, append(env, "CHAT_ADMIN_USERNAME=chief", "CHAT_ADMIN_PASSWORD=correct horse battery"), "", "admin", "create"), "already in use")
	wantError(t, runProgram(t, env, "", "admin", "create", "--username", "x1234"), "no password")
	wantError(t, runProgram(t, env, "pw", "admin", "create", "--password-stdin"), "no username")
	wantError(t, runProgram(t, env, "short\n", "admin", "create", "--username", "x1234", "--password-stdin"))
	wantError(t, runProgram(t, env, "", "admin", "create", "--password", "secret"), "unknown flag")

	a := startApp(t, dir)
	var s struct {
		User struct {
			Role        string `json:"role"`
			DisplayName string `json:"display_name"`
		} `json:"user"`
	}
	if code := api(t, "POST", a.url+"/api/v1/auth/login", "", map[string]string{"login": "chief", "password": "correct horse battery"}, &s); code != 200 || s.User.Role != "admin" || s.User.DisplayName != "The Chief" {
		t.Fatalf("%d %+v", code, s)
	}
	// Beside the running program; its sweep tells the other services.
	if r := runProgram(t, env, "correct horse battery\n", "admin", "create", "--username", "late", "--password-stdin"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	login(t, a.url, "late", "correct horse battery")
}

func TestDemoTwiceIsTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	for range 2 {
		a := startApp(t, dir, "demo")
		if text := a.out.text(); !strings.Contains(text, "ada") || !strings.Contains(text, demoPassword) {
			t.Fatal(text)
		}
		token, ada := login(t, a.url, "ada", demoPassword)
		_, ben := login(t, a.url, "ben", demoPassword)
		var list struct {
			Items []struct {
				Body     string `json:"body"`
				SenderID string `json:"sender_id"`
			} `json:"items"`
		}
		if code := api(t, "GET", a.url+"/api/v1/messages?with="+ben+"&limit=50", token, nil, &list); code != 200 || len(list.Items) != len(demoHistory) {
			t.Fatalf("%d: %d messages, want %d", code, len(list.Items), len(demoHistory))
		}
		for i, m := range list.Items {
			want := map[string]string{"ada": ada, "ben": ben}[demoHistory[i].from]
			if m.Body != demoHistory[i].body || m.SenderID != want {
				t.Errorf("message %d: %+v", i, m)
			}
		}
		if code := a.stop(t); code != 0 {
			t.Fatalf("exit code %d", code)
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
}
