// Package testkit is what the tests of every service stand on: real databases,
// a real NATS server, real tokens. Nothing of ours is ever mocked.
//
//	func TestMain(m *testing.M) { testkit.Main(m) } // also finds leaked goroutines
//
//	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
//		deps, tokens := testkit.Deps(t, d)
//		svc, err := New(deps)
//		testkit.Run(t, svc)
//		events := testkit.Record(t, deps.Bus)
//		res := testkit.Call(t, svc.Handler(), "POST", "/api/v1/...", tokens.For(ada, "ada"), body)
//		events.Expect(t, "chat.users.v1.profile_changed."+ada.String())
//	})
package testkit

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/run"
)

// Main runs the tests of a package and fails when goroutines are left over.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		StopMariaDB()
		os.Exit(code)
	}))
}

// Log writes to the test's output, at debug level; -v or a failure shows it.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Deps makes what a service needs around d (nil for a service without tables):
// a bus of its own, default configuration, tokens that its Verifier accepts.
func Deps(t testing.TB, d *db.DB) (run.Deps, *Tokens) {
	t.Helper()
	tokens := NewTokens(t)
	return run.Deps{
		Config: settings(), Log: Log(t), DB: d, Bus: Bus(t),
		Verifier: tokens.Verifier, Metrics: prometheus.NewRegistry(),
	}, tokens
}

// Run runs u in the background until the test ends; an error fails the test.
func Run(t testing.TB, u run.Unit) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: Run: %v", u.Name(), err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: Run did not return within 20 s", u.Name())
		}
	})
}

// Eventually polls cond until it is true and fails the test after within.
func Eventually(t testing.TB, within time.Duration, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for pause := time.Millisecond; !cond(); pause = min(2*pause, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %v", within)
		}
		time.Sleep(pause)
	}
}

// settings are the defaults, without the limits on people (tests are faster), and
// with a key, which has no default.
func settings() config.Config {
	c := config.Default()
	c.RateLimit, c.EncryptionKey = "off", config.NewEncryptionKey()
	return c
}
