package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

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
		"CHAT_NATS_CA": "ca.pem", "CHAT_DATABASE_CA": "ca.pem", "CHAT_ENCRYPTION_KEY_FILE": "encryption.key",
	} {
		if path := filepath.Join(dir, file); exists(path) {
			env[key] = path
		}
	}
	return env
}

// tester is the identity of the tests themselves, which overhear and repeat what
// services say: it may do anything on NATS. `chatapp secrets` knows none like it.
const tester = "tester"

// Tester makes a connection of the tests use the brokers, see tester.
func (w *World) Tester() Env { return w.Env.With(w.proofs(tester)) }

// addTester makes the key of the tests and tells NATS about it.
func (w *World) addTester() error {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	seed, err1 := pair.Seed()
	public, err2 := pair.PublicKey()
	config := filepath.Join(w.Secrets, "nats", "nats-auth.conf")
	text, err3 := os.ReadFile(config)
	authority, err4 := os.ReadFile(filepath.Join(w.Secrets, "nats", "ca.pem"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	before, after, ok := strings.Cut(string(text), "users: [\n")
	if !ok {
		return fmt.Errorf("%s has no list of users", config)
	}
	dir := filepath.Join(w.Secrets, tester)
	return errors.Join(
		os.Mkdir(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "nats.nkey"), seed, 0o600),
		os.WriteFile(filepath.Join(dir, "ca.pem"), authority, 0o600),
		os.Remove(config), // it is for reading only
		os.WriteFile(config, []byte(before+"users: [\n      { nkey: "+public+" }\n"+after), 0o600),
	)
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
