package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"chatapp/libs/topology"
)

// proofs is what a process proves itself with, as files, in the shape that has
// secrets. consumer is a directory of `chatapp secrets`.
func (w *World) proofs(consumer string) Env {
	if w.Secrets == "" {
		return Env{}
	}
	dir := filepath.Join(w.Secrets, consumer)
	env := Env{}
	for key, file := range map[string]string{
		"CHAT_NATS_NKEY_FILE": "nats.nkey", "CHAT_DATABASE_PASSWORD_FILE": "database.password",
		"CHAT_NATS_CA": "ca.pem", "CHAT_DATABASE_CA": "ca.pem",
	} {
		if path := filepath.Join(dir, file); exists(path) {
			env[key] = path
		}
	}
	return env
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// setUp runs, in the shape that has secrets, what services may not do
// themselves: migrations, each as its own user, and the making of streams.
func (w *World) setUp(ctx context.Context) error {
	if w.Secrets == "" {
		return nil
	}
	w.busAdmin = &Process{
		Name: "bus-admin", Path: filepath.Join(w.Binaries, "chatapp"), Args: []string{"setup-bus", "--watch"},
		Env: common().With(w.NATS.Env()).With(w.proofs("bus")).list(), Log: filepath.Join(w.Logs, "bus-admin.log"),
		Up: func(context.Context) error { return nil },
	}
	if err := w.busAdmin.Launch(); err != nil {
		return err
	}
	for _, service := range topology.Schemas() {
		env := common().With(w.proofs(topology.Migrate(service)))
		env["CHAT_DATABASE_URL"] = "mysql://" + topology.MigrateUser(service) + "@" + w.DB.Address() + "/" + topology.Schema(service)
		cmd := exec.CommandContext(ctx, filepath.Join(w.Binaries, service), "migrate")
		cmd.Env = env.list()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s migrate: %w: %s", service, err, out)
		}
	}
	return nil
}
