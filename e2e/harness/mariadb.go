package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// MariaDB is one real MariaDB server that syncs every commit.
type MariaDB struct {
	*Process
	port    int
	socket  string
	guarded bool // by TLS and users with few rights
}

// databasePassword is the password of every service's database user; logs are
// searched for it.
const databasePassword = "db-secret-of-the-e2e-tests"

// owners are the services with tables.
var owners = []string{"auth", "users", "messages", "notify"}

// StartMariaDB initialises and starts a server in dir; options come after ours.
// With secrets, a directory of `chatapp secrets`, it speaks TLS and has the
// users that are made there; else each schema has one with all rights on it.
func StartMariaDB(ctx context.Context, dir, log, secrets string, options ...string) (*MariaDB, error) {
	server, err := exec.LookPath("/usr/sbin/mariadbd")
	if err != nil {
		return nil, fmt.Errorf("mariadbd is missing: apt-get install mariadb-server")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data") // may be a mount
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	account := "--user=" + os.Getenv("USER")
	if os.Geteuid() == 0 {
		account = "--user=root"
	}
	// Of its own: a server that starts deletes what it takes for left-overs of
	// another in a temporary directory that they share.
	scratch := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	if err := run(ctx, dir, "", "env", "TMPDIR="+scratch, "mariadb-install-db", "--no-defaults", account, "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"); err != nil {
		return nil, err
	}
	// A socket path may hold about 100 bytes only: not inside deep temp dirs.
	socketDir, err := os.MkdirTemp("", "e2edb")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{port: FreePort(), socket: filepath.Join(socketDir, "s")}
	if secrets != "" {
		file := func(name string) string { return filepath.Join(secrets, "mysql", name) }
		options = append([]string{"--ssl-cert=" + file("server.pem"), "--ssl-key=" + file("server.key"), "--ssl-ca=" + file("ca.pem")}, options...)
	}
	m.Process = &Process{
		Name: "mariadb", Path: server, Dir: dir, Log: log,
		Args: append([]string{
			"--no-defaults", account, "--tmpdir=" + scratch, "--datadir=" + data, "--socket=" + m.socket, "--pid-file=" + filepath.Join(dir, "pid"),
			"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(m.port), "--skip-name-resolve",
			"--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--performance-schema=OFF",
		}, options...),
		Up: func(ctx context.Context) error { return m.SQL(ctx, "SELECT 1") },
	}
	if err := m.Process.Start(ctx); err != nil {
		return nil, err
	}
	if secrets == "" {
		return m, m.addUsers(ctx)
	}
	m.guarded = true
	script, err := os.ReadFile(filepath.Join(secrets, "mysql", "init.sql"))
	if err != nil {
		return m, err
	}
	return m, m.SQL(ctx, string(script))
}

// addUsers makes the schemas and for each a user with all rights on it.
func (m *MariaDB) addUsers(ctx context.Context) error {
	var script strings.Builder
	for _, o := range owners {
		fmt.Fprintf(&script, "CREATE DATABASE chat_%[1]s CHARACTER SET utf8mb4; CREATE USER '%[1]s_app'@'127.0.0.1' IDENTIFIED BY '%[2]s'; GRANT ALL ON chat_%[1]s.* TO '%[1]s_app'@'127.0.0.1';\n", o, databasePassword)
	}
	return m.SQL(ctx, script.String())
}

// SQL runs statements as root.
func (m *MariaDB) SQL(ctx context.Context, script string) error {
	return run(ctx, "", script, "mariadb", "--no-defaults", "--user=root", "--socket="+m.socket, "--batch")
}

// Query runs one statement as root and returns its rows, tab-separated.
func (m *MariaDB) Query(ctx context.Context, statement string) (string, error) {
	out, err := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--user=root", "--socket="+m.socket, "--batch", "--skip-column-names", "-e", statement).Output()
	return strings.TrimSpace(string(out)), err
}

// Env makes a process of ours use this server. Passwords for a guarded one are
// not in it.
func (m *MariaDB) Env() Env {
	if m.guarded {
		return Env{"CHAT_DATABASE_URL": m.URL()}
	}
	return Env{"CHAT_DATABASE_URL": m.URL(), "CHAT_DATABASE_PASSWORD": databasePassword}
}

// URL is CHAT_DATABASE_URL for this server.
func (m *MariaDB) URL() string { return m.URLThrough(m.Address()) }

// URLThrough is CHAT_DATABASE_URL when the server is reached at an address.
func (m *MariaDB) URLThrough(address string) string {
	return "mysql://{service}_app@" + address + "/chat_{service}"
}

// Address is where the server listens.
func (m *MariaDB) Address() string { return loopback(m.port) }

// Session is a client that has a connection of its own until its context ends
// or its statements do. Errors of statements do not end it.
func (m *MariaDB) Session(ctx context.Context, script string) error {
	return run(ctx, "", script, "mariadb", "--no-defaults", "--user=root", "--socket="+m.socket, "--batch", "--force")
}

// CopySchema replaces schema to by a copy of schema from.
func (m *MariaDB) CopySchema(ctx context.Context, from, to string) error {
	tables, err := m.Query(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+from+"'")
	if err != nil {
		return err
	}
	var script strings.Builder
	fmt.Fprintf(&script, "CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\n", to)
	for _, table := range strings.Fields(tables) {
		fmt.Fprintf(&script, "DROP TABLE IF EXISTS %[2]s.%[3]s; CREATE TABLE %[2]s.%[3]s LIKE %[1]s.%[3]s; INSERT INTO %[2]s.%[3]s SELECT * FROM %[1]s.%[3]s;\n", from, to, table)
	}
	return m.SQL(ctx, script.String())
}

// Dump writes a schema to a file as docs/operations.md says, while it is in use.
func (m *MariaDB) Dump(ctx context.Context, schema, file string) error {
	return run(ctx, "", "", "mariadb-dump", "--no-defaults", "--user=root", "--socket="+m.socket,
		"--single-transaction", "--add-drop-database", "--result-file="+file, "--databases", schema)
}

// Load replaces a schema by what Dump wrote.
func (m *MariaDB) Load(ctx context.Context, _, file string) error {
	return m.SQL(ctx, "source "+file+"\n")
}

// DataDir is where the server keeps its files.
func (m *MariaDB) DataDir() string { return filepath.Join(m.Dir, "data") }

// Stop ends the server and removes its socket.
func (m *MariaDB) Stop(ctx context.Context) error {
	defer os.RemoveAll(filepath.Dir(m.socket))
	return m.Process.Stop(ctx)
}
