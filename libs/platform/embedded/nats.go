package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsReady is how long the embedded server may take to recover its store;
// natsWatch is how often its health is looked at, natsRest the pause after it
// had to be started again: each start interrupts everybody for half a second.
// A complaint counts only when it lasts natsLasting: the server also calls
// itself unhealthy when a busy machine let a millisecond pass.
const (
	natsReady   = 60 * time.Second
	natsWatch   = 2 * time.Second
	natsRest    = 10 * time.Second
	natsLasting = time.Second
)

// StartNATS runs a NATS server with JetStream inside the process. It listens on
// no port: connect with nats.InProcessServer. The caller shuts it down.
func StartNATS(dir string, log *slog.Logger) (*server.Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "chatapp", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: dir, MaxPayload: 1 << 20,
		// Enough for the events of a busy installation; the database is the truth.
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 16 << 30,
		// Room for a burst between the server and a busy process.
		MaxPending: 64 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	l := natsLog{log.With("part", "nats"), make(chan string, 1)}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	if err := awaitNATS(s, l.fatal); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	return s, nil
}

func awaitNATS(s *server.Server, fatal <-chan string) error {
	const cure = "if its store is damaged, remove the directory nats inside the data directory: no message is lost by that"
	for deadline := time.Now().Add(natsReady); time.Now().Before(deadline); {
		if s.ReadyForConnections(50*time.Millisecond) && s.JetStreamEnabled() {
			return nil
		}
		select {
		case why := <-fatal:
			return fmt.Errorf("embedded NATS did not start (%s); %s", why, cure)
		default:
		}
	}
	return errors.New("embedded NATS did not start within a minute; " + cure)
}

// host keeps a NATS server running inside the process. When a full disk made
// the server switch off its store, which it does for good, host starts another
// on the same directory, and the connection moves over by itself.
type host struct {
	dir  string
	log  *slog.Logger
	end  context.CancelFunc
	gone sync.WaitGroup

	mu sync.Mutex
	s  *server.Server
}

func newHost(dir string, log *slog.Logger) (*host, error) {
	s, err := StartNATS(dir, log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &host{dir: dir, log: log, end: cancel, s: s}
	h.gone.Go(func() { h.watch(ctx) })
	return h, nil
}

// InProcessConn implements nats.InProcessConnProvider.
func (h *host) InProcessConn() (net.Conn, error) { return h.server().InProcessConn() }

func (h *host) server() *server.Server {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.s
}

func (h *host) watch(ctx context.Context) {
	tick := time.NewTicker(natsWatch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		why := lasting(ctx, natsLasting, func() string { return unhealthy(h.server()) })
		if why == "" {
			tick.Reset(natsWatch)
			continue
		}
		tick.Reset(natsRest)
		h.log.Warn("the embedded NATS no longer stores (is the disk full?); starting it again", "reason", why)
		h.shutdown()
		s, err := StartNATS(h.dir, h.log)
		if err != nil {
			h.log.Warn("the embedded NATS cannot start yet", "error", err)
			continue
		}
		h.mu.Lock()
		h.s = s
		h.mu.Unlock()
		h.log.Info("the embedded NATS is back")
	}
}

// lasting returns the last complaint of look when it complained without a pause
// for as long as d; "" as soon as it did not, or when ctx ends.
func lasting(ctx context.Context, d time.Duration, look func() string) string {
	again := time.NewTicker(d / 10)
	defer again.Stop()
	for range 10 {
		if look() == "" {
			return ""
		}
		select {
		case <-ctx.Done():
			return ""
		case <-again.C:
		}
	}
	return look()
}

// unhealthy says why s cannot store; "" when it can. A write error stays with a
// stream until the server is started again.
func unhealthy(s *server.Server) string {
	if !s.JetStreamEnabled() {
		return "JetStream is off"
	}
	if st := s.Healthz(&server.HealthzOptions{}); st.StatusCode != http.StatusOK {
		return st.Error
	}
	return ""
}

func (h *host) shutdown() {
	s := h.server()
	s.Shutdown()
	s.WaitForShutdown()
}

func (h *host) close() {
	h.end()
	h.gone.Wait()
	h.shutdown()
}

// natsLog passes the server's complaints on; its chatter is for debugging.
type natsLog struct {
	log   *slog.Logger
	fatal chan string // the first reason why it cannot run
}

// Noticef implements server.Logger.
func (l natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf implements server.Logger.
func (l natsLog) Warnf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Errorf implements server.Logger.
func (l natsLog) Errorf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Fatalf implements server.Logger.
func (l natsLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	select {
	case l.fatal <- text:
	default:
	}
}

// Debugf implements server.Logger.
func (l natsLog) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Tracef implements server.Logger.
func (l natsLog) Tracef(string, ...any) {}
