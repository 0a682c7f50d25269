// Package harness starts ChatApp for real: the shipped binaries as processes,
// in each of its shapes, with MariaDB, a three-node NATS cluster and Caddy
// where the shape has them. Nothing is replaced by a double.
//
// A World is one running shape. Tests talk to it through chatapp/internal/client
// and break it through its processes. Everything a World writes goes to a
// temporary directory, except the logs, which stay in e2e/artifacts.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Root is the top of the repository, found from the working directory up.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("not inside the ChatApp repository: no go.work above the working directory")
}

// Binaries are the programs under test, built once per test run; E2E_BINARIES
// names a directory with ready-made ones instead.
type Binaries struct{ dir string }

// Race says whether the programs under test are built with the race detector:
// yes, unless E2E_RACE=0 (for measuring).
func Race() bool { return os.Getenv("E2E_RACE") != "0" }

var build = sync.OnceValues(func() (Binaries, error) {
	if dir := os.Getenv("E2E_BINARIES"); dir != "" {
		return Binaries{dir}, nil
	}
	root, err := Root()
	if err != nil {
		return Binaries{}, err
	}
	dir := filepath.Join(root, "bin", "e2e")
	programs := []string{"./services/auth/cmd/auth", "./services/users/cmd/users", "./services/messages/cmd/messages", "./services/notify/cmd/notify", "./cmd/chatapp"}
	if MovableClocks() {
		dir += "-clock"
	}
	return Binaries{dir}, Build(context.Background(), dir, Race(), programs...)
})

// Build compiles packages of the product module into dir.
func Build(ctx context.Context, dir string, race bool, packages ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-tags", "nomsgpack", "-o", dir + "/"}
	if race {
		args = append(args, "-race")
	}
	if MovableClocks() {
		overlay, err := clockOverlay(ctx, dir)
		if err != nil {
			return err
		}
		args = append(args, overlay)
	}
	if err := run(ctx, root, "", "go", append(args, packages...)...); err != nil {
		return fmt.Errorf("build the programs under test: %w", err)
	}
	return nil
}
