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

// race says whether a program under test is built with the race detector: the
// one that has all services in it, and with E2E_RACE=1 the separate ones, too,
// which are the same code and several times as slow by it; with 0 (for
// measuring) none.
func race(program string) bool {
	switch os.Getenv("E2E_RACE") {
	case "0":
		return false
	case "1":
		return true
	}
	return filepath.Base(program) == "chatapp"
}

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
	for _, program := range programs {
		if err := Build(context.Background(), dir, race(program), program); err != nil {
			return Binaries{}, err
		}
	}
	return Binaries{dir}, nil
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
