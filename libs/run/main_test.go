package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/obs"
	"chatapp/libs/platform/cluster"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var migrations = fstest.MapFS{
	"migrations/mysql/0001_a.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE IF NOT EXISTS a (n BIGINT NOT NULL);\n")},
	"migrations/sqlite/0001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE IF NOT EXISTS a (n BIGINT NOT NULL);\n")},
}

// probe is a small service.
type probe struct {
	deps    run.Deps
	handler http.Handler
	work    func(ctx context.Context) error
	ended   atomic.Bool
}

func (p *probe) Name() string                    { return "probe" }
func (p *probe) Routes() []string                { return []string{"/api/v1/probe", "/api/v1/probe/"} }
func (p *probe) Handler() http.Handler           { return p.handler }
func (p *probe) Ready(ctx context.Context) error { return p.deps.DB.Ping(ctx) }
func (p *probe) Run(ctx context.Context) error {
	defer p.ended.Store(true)
	if p.work != nil {
		return p.work(ctx)
	}
	<-ctx.Done()
	return nil
}

func (p *probe) factory() run.Factory {
	return run.Factory{Name: "probe", Migrations: migrations, New: func(d run.Deps) (run.Unit, error) {
		p.deps = d
		if p.handler == nil {
			p.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		}
		return p, nil
	}}
}

// started is a running Main.
type started struct {
	public, admin string
	stop          func() error // signals and waits; Main's error
}

func settings(t testing.TB, over ...string) config.Config {
	t.Helper()
	cfg, err := config.Load(append([]string{
		"CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=127.0.0.1:0", "CHAT_DATA_DIR=" + t.TempDir(), "CHAT_SHUTDOWN_GRACE=5s",
	}, over...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func start(t testing.TB, cfg config.Config, p run.Platform, f ...run.Factory) started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	up, done := make(chan [2]string, 1), make(chan error, 1)
	go func() {
		done <- run.Main(ctx, run.Process{
			Config: cfg, Log: testkit.Log(t), Platform: p, Metrics: obs.NewRegistry(),
			Started: func(l, a net.Addr) { up <- [2]string{"http://" + l.String(), "http://" + a.String()} },
		}, f)
	}()
	s := started{stop: func() error { cancel(); return <-done }}
	select {
	case urls := <-up:
		s.public, s.admin = urls[0], urls[1]
	case err := <-done:
		cancel()
		t.Fatalf("Main ended: %v", err)
	case <-time.After(30 * time.Second):
		cancel()
		t.Fatalf("not started: %v", <-done)
	}
	return s
}

func platform(t testing.TB, cfg config.Config) run.Platform {
	t.Helper()
	p, err := embedded.New(cfg, testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get(url) //nolint:noctx // a test
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

// A process that is still starting refuses connections: a gateway then asks
// another replica, where it would have handed on an answer.
func TestStartingRefusesConnections(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	cfg := settings(t, "CHAT_LISTEN="+address)
	p := &probe{}
	dial := func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	factory := p.factory()
	build, early := factory.New, error(nil)
	factory.New = func(d run.Deps) (run.Unit, error) {
		early = dial()
		return build(d)
	}
	s := start(t, cfg, platform(t, cfg), factory)
	if early == nil {
		t.Error("a process without units accepted a connection")
	}
	if err := dial(); err != nil {
		t.Errorf("a process that is ready: %v", err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestMainServesUnitsAndHealth(t *testing.T) {
	cfg := settings(t)
	p := &probe{}
	s := start(t, cfg, platform(t, cfg), p.factory())
	for url, want := range map[string]string{
		s.public + "/api/v1/probe":     "200 hello",
		s.public + "/api/v1/probe/sub": "200 hello",
		s.public + "/api/v1/nothing":   "404 /problems/not-found",
		s.public + "/":                 "404 /problems/not-found",
		s.public + "/metrics":          "404 /problems/not-found",
		s.admin + "/healthz":           "200 ok",
		s.admin + "/readyz":            "200 ready",
		s.admin + "/metrics":           "200 chat_build_info",
		s.admin + "/debug/pprof/":      "404 ",
	} {
		status, body := get(t, url)
		code, text, _ := strings.Cut(want, " ")
		if fmt.Sprint(status) != code || !strings.Contains(body, text) {
			t.Errorf("%s: %d %.200s, want %s", url, status, body, want)
		}
	}
	if _, body := get(t, s.admin+"/metrics"); !strings.Contains(body, "\nchat_bus_connected 1\n") {
		t.Error("the metrics do not tell that the bus is connected")
	}
	if err := s.stop(); err != nil || !p.ended.Load() {
		t.Fatalf("stop: %v, Run ended: %v", err, p.ended.Load())
	}
	if err := p.deps.DB.Ping(t.Context()); err == nil {
		t.Error("the database is still open")
	}
}

// A request in flight at SIGTERM is answered; new ones are not accepted;
// /readyz says so at once.
func TestShutdownLetsRequestsFinish(t *testing.T) {
	cfg := settings(t)
	entered, release := make(chan struct{}), make(chan struct{})
	p := &probe{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() != nil {
			t.Error("the request was cancelled")
		}
		_, _ = io.WriteString(w, "done")
	})}
	s := start(t, cfg, platform(t, cfg), p.factory())
	answer := make(chan string, 1)
	go func() {
		status, body := get(t, s.public+"/api/v1/probe")
		answer <- fmt.Sprint(status, " ", body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	testkit.Eventually(t, 5*time.Second, func() bool {
		status, body := get(t, s.admin+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "stopping")
	})
	testkit.Eventually(t, 5*time.Second, func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.public, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil && p.ended.Load()
	})
	close(release)
	if got := <-answer; got != "200 done" {
		t.Fatal(got)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func TestFailingUnitEndsTheProcessWithItsError(t *testing.T) {
	cfg := settings(t)
	fail := make(chan struct{})
	p := &probe{work: func(context.Context) error { <-fail; return errors.New("broken for good") }}
	done := make(chan error, 1)
	s := start(t, cfg, platform(t, cfg), p.factory())
	close(fail)
	testkit.Eventually(t, 5*time.Second, func() bool { return p.ended.Load() })
	go func() { done <- s.stop() }()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "probe stopped working: broken for good") {
		t.Fatalf("%v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	for _, key := range []string{"CHAT_LISTEN", "CHAT_ADMIN_LISTEN"} {
		cfg := settings(t, key+"="+l.Addr().String())
		err := run.Main(t.Context(), run.Process{Config: cfg, Log: testkit.Log(t), Platform: platform(t, cfg), Metrics: obs.NewRegistry()}, nil)
		if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// Every process fetches keys over the bus and hears of ended sessions, those
// from before its start as well.
func TestVerifierFollowsKeysAndRevocations(t *testing.T) {
	cfg := settings(t)
	tokens := testkit.NewTokens(t)
	old, live := id.New(), id.New()
	revoked := func(session id.ID) bus.Message {
		data, _ := json.Marshal(events.SessionRevoked{SessionID: session.String(), At: time.Now()})
		return bus.Message{Subject: events.Subject("auth", events.NameSessionRevoked, id.New().String()), ID: session.String(), Data: data}
	}
	p := &probe{}
	p.work = func(ctx context.Context) error {
		return p.deps.Bus.Serve(ctx, events.RPCJWKS, "auth", func(context.Context, []byte) (any, error) {
			return events.JWKSReply{JWKS: tokens.JWKS()}, nil
		})
	}
	s := start(t, cfg, platform(t, cfg), p.factory())
	verify := func(session id.ID) error {
		_, err := p.deps.Verifier.Verify(t.Context(), tokens.Sign(authn.Identity{
			UserID: id.New(), SessionID: session, Username: "ada", Role: "user", Expires: time.Now().Add(time.Minute),
		}))
		return err
	}
	testkit.Eventually(t, 10*time.Second, func() bool { return verify(live) == nil && verify(old) == nil })
	if err := p.deps.Bus.Publish(t.Context(), revoked(old)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 5*time.Second, func() bool { return errs.Is(verify(old), errs.Unauthenticated) })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg, platform(t, cfg), p.factory()) // same data directory: the stream remembers
	testkit.Eventually(t, 10*time.Second, func() bool { return verify(live) == nil })
	testkit.Eventually(t, 5*time.Second, func() bool { return errs.Is(verify(old), errs.Unauthenticated) })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// Services start in any order: here the schema, then NATS, come last.
func TestServiceWaitsForDatabaseAndNATS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	url := testkit.MariaDB(t) + "_{service}"
	cfg := settings(t, fmt.Sprintf("CHAT_NATS_URL=nats://127.0.0.1:%d", port), "CHAT_DATABASE_URL="+url)
	pf, err := cluster.New(cfg, "probe", testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &probe{}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- run.Main(ctx, run.Process{
			Config: cfg, Log: testkit.Log(t), Platform: pf, Metrics: obs.NewRegistry(),
			Started: func(l, _ net.Addr) { up <- "http://" + l.String() },
		}, []run.Factory{p.factory()})
	}()
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	defer func() { ns.Shutdown(); ns.WaitForShutdown() }()
	base, name, _ := strings.Cut(strings.TrimPrefix(url, "mysql://"), "/")
	name = strings.ReplaceAll(name, "{service}", "probe")
	if err := testkit.Exec(t.Context(), "mysql://"+base+"/", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = testkit.Exec(context.Background(), "mysql://"+base+"/", "DROP DATABASE "+name) }()
	select {
	case public := <-up:
		if status, body := get(t, public+"/api/v1/probe"); status != 200 || body != "hello" {
			t.Errorf("%d %s", status, body)
		}
	case err := <-done:
		t.Fatalf("Main ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("did not start")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSignalWhileWaitingIsAGracefulEnd(t *testing.T) {
	cfg := settings(t, "CHAT_NATS_URL=nats://127.0.0.1:1", "CHAT_DATABASE_URL=mysql://a@127.0.0.1:1/b")
	pf, err := cluster.New(cfg, "probe", testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = run.Main(ctx, run.Process{Config: cfg, Log: testkit.Log(t), Platform: pf, Metrics: obs.NewRegistry()}, []run.Factory{(&probe{}).factory()})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHealthcheck(t *testing.T) {
	cfg := settings(t)
	s := start(t, cfg, platform(t, cfg), (&probe{}).factory())
	asked := cfg
	asked.AdminListen = strings.TrimPrefix(s.admin, "http://")
	if err := run.Healthcheck(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := run.Healthcheck(t.Context(), asked); err == nil {
		t.Fatal("healthy although stopped")
	}
	http.DefaultClient.CloseIdleConnections()
}
