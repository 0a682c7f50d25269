package testkit

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/platform/cluster"
)

// Broker is a NATS server with JetStream on a port of loopback, for tests in
// which it goes away and comes back.
type Broker struct {
	opts server.Options
	s    *server.Server
}

// NewBroker starts a Broker; with users it asks for their passwords. It ends
// with the test.
func NewBroker(t testing.TB, users ...*server.User) *Broker {
	t.Helper()
	b := &Broker{opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), Users: users,
	}}
	b.Start(t)
	b.opts.Port = b.s.Addr().(*net.TCPAddr).Port
	t.Cleanup(b.Stop)
	return b
}

// Start starts a stopped Broker again, on the same port and store.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	opts := b.opts
	var err error
	if b.s, err = server.NewServer(&opts); err != nil {
		t.Fatal(err)
	}
	b.s.Start()
	if !b.s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS did not start")
	}
}

// URL is where the server listens.
func (b *Broker) URL() string { return b.s.ClientURL() }

// Stop ends the server; its store stays.
func (b *Broker) Stop() {
	b.s.Shutdown()
	b.s.WaitForShutdown()
}

// Wipe makes a stopped Broker start without anything it ever stored.
func (b *Broker) Wipe(t testing.TB) { b.opts.StoreDir = t.TempDir() }

// DeleteStream removes a stream behind everybody's back.
func (b *Broker) DeleteStream(t testing.TB, name string) {
	t.Helper()
	nc, err := nats.Connect(b.s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		err = js.DeleteStream(t.Context(), name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Connect makes a connection, as one process has; it makes no streams.
func (b *Broker) Connect(t testing.TB, opts ...nats.Option) *bus.Bus {
	t.Helper()
	return connect(t, b.s.ClientURL(), Log(t), opts...)
}

// ConnectLogging is Connect with a log of the caller's.
func (b *Broker) ConnectLogging(t testing.TB, log *slog.Logger, opts ...nats.Option) *bus.Bus {
	t.Helper()
	return connect(t, b.s.ClientURL(), log, opts...)
}

func connect(t testing.TB, url string, log *slog.Logger, opts ...nats.Option) *bus.Bus {
	t.Helper()
	nc, err := nats.Connect(url, append(cluster.Options("test"), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Connect(nc, log)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// EnsureStreams makes every stream of the product.
func EnsureStreams(t testing.TB, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for name, subjects := range events.Streams {
		if err := b.EnsureStream(ctx, bus.Stream{Name: name, Subjects: subjects, MaxAge: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
}
