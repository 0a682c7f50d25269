package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsReady is how long the embedded server may take to recover its store.
const natsReady = 60 * time.Second

// StartNATS runs a NATS server with JetStream inside the process. It listens on
// no port: connect with nats.InProcessServer. The caller shuts it down.
func StartNATS(dir string, log *slog.Logger) (*server.Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "chatapp", DontListen: true, NoSigs: true, NoSystemAccount: false,
		JetStream: true, StoreDir: dir, MaxPayload: 1 << 20,
		// Enough for the events of a busy installation; the database is the truth.
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 16 << 30,
		// Room for a burst between the server and a busy process.
		MaxPending: 64 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	s.SetLoggerV2(natsLog{log.With("part", "nats")}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(natsReady) || !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, errors.New("embedded NATS did not start: look at the log lines of part=nats above; if its store is damaged, remove the directory nats inside the data directory: no message is lost by that")
	}
	return s, nil
}

// natsLog passes the server's complaints on; its chatter is for debugging.
type natsLog struct{ log *slog.Logger }

// Noticef implements server.Logger.
func (l natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf implements server.Logger.
func (l natsLog) Warnf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Errorf implements server.Logger.
func (l natsLog) Errorf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Fatalf implements server.Logger.
func (l natsLog) Fatalf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }

// Debugf implements server.Logger.
func (l natsLog) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Tracef implements server.Logger.
func (l natsLog) Tracef(string, ...any) {}
