package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const goodPassword = "correct horse battery"

// clock is real time plus what a test adds to it.
type clock struct{ skew atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.skew.Load())).UTC().Truncate(time.Microsecond)
}

func (c *clock) add(d time.Duration) { c.skew.Add(int64(d)) }

// syncBuffer collects a log written by many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// rig is one replica of the service, running, and what it stands on.
type rig struct {
	t      *testing.T
	svc    *Service
	db     *db.DB
	events *testkit.Recorder
	clock  *clock
	log    *syncBuffer
}

type option func(*config.Config)

// testKey is what all replicas encrypt with, unless a test says otherwise.
var testKey = config.NewEncryptionKey()

func https(c *config.Config) { c.PublicURL = "https://chat.example.org" }

func perIP(n int) option { return func(c *config.Config) { c.LoginRatePerIP = n } }

// newRig runs a replica on d and b. Its verifier asks for the keys over the
// bus, as every other service does.
func newRig(t *testing.T, d *db.DB, b *bus.Bus, options ...option) *rig {
	t.Helper()
	return newRigWith(t, d, b, func(*Service) {}, options...)
}

// newRigWith is newRig with a service that prepare changes before it runs.
func newRigWith(t *testing.T, d *db.DB, b *bus.Bus, prepare func(*Service), options ...option) *rig {
	t.Helper()
	cfg := config.Default()
	cfg.LoginRatePerIP, cfg.RateLimit, cfg.EncryptionKey = 1000, "off", testKey
	for _, o := range options {
		o(&cfg)
	}
	log := &syncBuffer{}
	svc, err := New(run.Deps{
		Config: cfg, DB: d, Bus: b, Metrics: prometheus.NewRegistry(),
		Log:      slog.New(slog.NewTextHandler(io.MultiWriter(log, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Verifier: authn.NewVerifier(keysOver(b)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, svc: svc, db: d, clock: &clock{}, log: log}
	svc.now = r.clock.now
	svc.hasher = testHasher()
	prepare(svc)
	testkit.Run(t, svc)
	r.events = testkit.Record(t, b)
	testkit.Eventually(t, 20*time.Second, func() bool {
		_, err := keysOver(b)(t.Context())
		return err == nil
	})
	return r
}

func keysOver(b *bus.Bus) authn.KeySource {
	return func(ctx context.Context) (map[string]ed25519.PublicKey, error) {
		var reply events.JWKSReply
		if err := b.Request(ctx, events.RPCJWKS, struct{}{}, &reply); err != nil {
			return nil, err
		}
		return authn.ParseJWKS(reply.JWKS)
	}
}

// header is one request header, for post.
type header struct{ name, value string }

func cookie(name, secret string) header { return header{"Cookie", name + "=" + secret} }

func bearer(token string) header { return header{"Authorization", "Bearer " + token} }

func (r *rig) call(method, path string, body any, headers ...header) *testkit.Response {
	r.t.Helper()
	req := testkit.NewRequest(r.t, method, path, "", body)
	for _, h := range headers {
		req.Header.Add(h.name, h.value)
	}
	return testkit.Do(r.t, r.svc.Handler(), req)
}

func (r *rig) post(path string, body any, headers ...header) *testkit.Response {
	r.t.Helper()
	return r.call(http.MethodPost, "/api/v1/auth/"+path, body, headers...)
}

// signedIn is what a client holds after signing up, in or refreshing.
type signedIn struct {
	SessionBody
	cookie *http.Cookie
}

func (r *rig) signedIn(res *testkit.Response, status int) signedIn {
	r.t.Helper()
	res.Want(status)
	var s signedIn
	res.JSON(&s.SessionBody)
	s.cookie = setCookie(r.t, res)
	if s.cookie == nil {
		r.t.Fatal("no refresh cookie")
	}
	return s
}

// setCookie is the one cookie an answer sets, nil when it sets none.
func setCookie(t *testing.T, res *testkit.Response) *http.Cookie {
	t.Helper()
	all := (&http.Response{Header: res.Header}).Cookies()
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	t.Fatalf("%d cookies: %v", len(all), all)
	return nil
}

// signUp registers a person and expects the event.
func (r *rig) signUp(username string) signedIn {
	r.t.Helper()
	s := r.signedIn(r.post("register", map[string]string{"username": username, "password": goodPassword}), http.StatusCreated)
	r.events.Expect(r.t, "chat.auth.v1.registered."+s.User.ID.String())
	return s
}

func (s signedIn) revokedSubject() string {
	return "chat.auth.v1.session_revoked." + s.User.ID.String()
}

func (s signedIn) refresh() header { return cookie(s.cookie.Name, s.cookie.Value) }

// audited are the events in the audit log, oldest first.
func (r *rig) audited() []string {
	r.t.Helper()
	var names []string
	if err := r.db.R.Table("audit_log").Order("at, id").Pluck("event", &names).Error; err != nil {
		r.t.Fatal(err)
	}
	return names
}

func (r *rig) rows(table string) int64 {
	r.t.Helper()
	var n int64
	if err := r.db.R.Table(table).Count(&n).Error; err != nil {
		r.t.Fatal(err)
	}
	return n
}

// eachRig runs fn against a replica on SQLite and on MariaDB.
func eachRig(t *testing.T, fn func(t *testing.T, r *rig), options ...option) {
	t.Helper()
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		fn(t, newRig(t, d, testkit.Bus(t), options...))
	})
}
