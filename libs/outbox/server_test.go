package outbox_test

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"chatapp/libs/bus"
	"chatapp/libs/events"
	"chatapp/libs/platform/cluster"
	"chatapp/libs/testkit"
)

// tcpServer is a NATS server on a port, so that it can go and come back.
type tcpServer struct {
	opts server.Options
	s    *server.Server
}

func newTCPServer(t testing.TB) *tcpServer {
	t.Helper()
	s := &tcpServer{opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
	}}
	s.start(t)
	s.opts.Port = s.s.Addr().(*net.TCPAddr).Port
	t.Cleanup(s.stop)
	return s
}

func (s *tcpServer) start(t testing.TB) {
	t.Helper()
	opts := s.opts
	var err error
	if s.s, err = server.NewServer(&opts); err != nil {
		t.Fatal(err)
	}
	s.s.Start()
	if !s.s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS did not start")
	}
}

func (s *tcpServer) stop() {
	s.s.Shutdown()
	s.s.WaitForShutdown()
}

func (s *tcpServer) connect(t testing.TB) *bus.Bus {
	t.Helper()
	nc, err := nats.Connect(s.s.ClientURL(), cluster.Options("test")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Connect(nc, testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, subjects := range events.Streams {
		if err := b.EnsureStream(t.Context(), bus.Stream{Name: name, Subjects: subjects, MaxAge: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}
