package nemesis

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// database makes a fault of the database.
func database(kind string, least, most time.Duration, inject func(context.Context, *Stage) (string, Heal, error)) Fault {
	return Fault{kind, []Part{Database}, least, most, inject}
}

func killDatabase() Fault {
	return database("kill database", 0, 2*time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		return killProcess(s.World.DB.Process)
	})
}

// killConnections ends every connection of every service, three times.
func killConnections() Fault {
	return database("kill database connections", 0, 0, func(ctx context.Context, s *Stage) (string, Heal, error) {
		killed := 0
		for range 3 {
			ids, err := s.World.DB.Query(ctx, "SELECT id FROM information_schema.processlist WHERE user LIKE '%\\_app'")
			if err != nil {
				return "", nil, err
			}
			var script strings.Builder
			for _, id := range strings.Fields(ids) {
				fmt.Fprintf(&script, "KILL %s;\n", id)
				killed++
			}
			// One that has ended by itself meanwhile is an error nobody minds.
			_ = s.World.DB.Session(ctx, script.String())
			pause(ctx, 200*time.Millisecond)
		}
		if killed == 0 {
			return "", nil, errors.New("no service has a connection to kill")
		}
		return fmt.Sprintf("%d connections", killed), nothing, nil
	})
}

// readOnly is a fail-over seen from the old primary.
func readOnly() Fault {
	return database("read-only database", time.Second, 4*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		return "read_only=1", func(ctx context.Context) error {
			return s.World.DB.SQL(ctx, "SET GLOBAL read_only=0")
		}, s.World.DB.SQL(ctx, "SET GLOBAL read_only=1")
	})
}

// readLock is what a backup does: every write hangs.
func readLock() Fault {
	return database("database read lock", time.Second, 6*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		return "FLUSH TABLES WITH READ LOCK", s.session(ctx, "FLUSH TABLES WITH READ LOCK; DO SLEEP(3600);"), nil
	})
}

// deadlocks lets two other sessions lock the clocks of all people in opposite
// orders, again and again.
func deadlocks() Fault {
	const round = `START TRANSACTION;
SELECT last_seq FROM chat_messages.user_clocks ORDER BY user_id %[1]s LIMIT 3 FOR UPDATE;
DO SLEEP(0.02);
SELECT last_seq FROM chat_messages.user_clocks ORDER BY user_id %[2]s LIMIT 3 FOR UPDATE;
DO SLEEP(0.02);
COMMIT; DO SLEEP(0.05);
`
	return database("database deadlocks", 2*time.Second, 5*time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		up := s.session(ctx, strings.Repeat(fmt.Sprintf(round, "ASC", "DESC"), 500))
		down := s.session(ctx, strings.Repeat(fmt.Sprintf(round, "DESC", "ASC"), 500))
		return "the clocks of all people, crosswise", func(ctx context.Context) error { return errors.Join(up(ctx), down(ctx)) }, nil
	})
}

// session runs SQL on a connection of its own until healed.
func (s *Stage) session(ctx context.Context, script string) Heal {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.World.DB.Session(ctx, script) // ended by healing: always an error
	}()
	return func(ctx context.Context) error {
		stop()
		<-done
		// The server notices the end of a sleeping session late: end it there.
		ids, err := s.World.DB.Query(ctx, "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()")
		for _, id := range strings.Fields(ids) {
			_ = s.World.DB.Session(ctx, "KILL "+id) // it may have ended by itself
		}
		return err
	}
}

// fillDatabaseDisk leaves no byte free under the database.
func fillDatabaseDisk() Fault {
	return database("database disk full", 2*time.Second, 6*time.Second, func(_ context.Context, s *Stage) (string, Heal, error) {
		free, err := Fill(filepath.Join(s.World.DB.DataDir(), "stuffing"))
		return "its data directory", func(ctx context.Context) error {
			return errors.Join(free(), s.World.DB.WaitReady(ctx))
		}, err
	})
}

// databasePowerCut takes the power from the database: what it has not synced is
// gone.
func databasePowerCut() Fault {
	return database("power cut of the database", 0, time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		s.World.DB.Kill()
		return "mariadb and its disk", s.World.DB.Start, s.World.Disks[0].PowerCut(ctx)
	})
}
