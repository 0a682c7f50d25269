package testkit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"chatapp/libs/id"
)

// MariaDBEnv names a variable that holds mysql://user@host:port/ of a running
// server; then no private one is started.
const MariaDBEnv = "CHATAPP_TEST_MARIADB"

var shared struct {
	sync.Mutex
	server *MariaDBServer
	err    error
}

// MariaDB makes an empty schema, dropped when the test ends, on one private
// server per test binary, and returns its URL for db.OpenMySQL. The server
// commits with innodb_flush_log_at_trx_commit=1, as production does.
func MariaDB(t testing.TB) string {
	t.Helper()
	base := os.Getenv(MariaDBEnv)
	if base == "" {
		s, err := sharedServer()
		if err != nil {
			t.Fatal(err)
		}
		base = s.URL
	}
	name := "t_" + strings.ReplaceAll(id.New().String(), "-", "")
	if err := Exec(t.Context(), base, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("MariaDB: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := Exec(ctx, base, "DROP DATABASE "+name); err != nil {
			t.Errorf("MariaDB: %v", err)
		}
	})
	return strings.TrimRight(base, "/") + "/" + name
}

// StopMariaDB stops the shared server, if one was started. Main calls it.
func StopMariaDB() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Stop()
		shared.server = nil
	}
}

func sharedServer() (*MariaDBServer, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = StartMariaDB()
	}
	return shared.server, shared.err
}

// Exec runs one statement on the server at base (mysql://user[:password]@host:port/[schema]).
func Exec(ctx context.Context, base, statement string) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = u.User.Username(), "tcp", u.Host, strings.Trim(u.Path, "/")
	cfg.Passwd, _ = u.User.Password()
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(c)
	_, err = pool.ExecContext(ctx, statement)
	return errors.Join(err, pool.Close())
}

// MariaDBServer is a private server in a temporary directory. It dies with this
// process, however that ends, and its directory with it.
type MariaDBServer struct {
	URL string // mysql://root@127.0.0.1:port/
	Dir string

	options []string
	hold    io.Closer // the server lives as long as this pipe is open
	cmd     *exec.Cmd
}

// StartMariaDB starts a server, with options besides ours, and waits until it
// answers.
func StartMariaDB(options ...string) (*MariaDBServer, error) {
	for _, program := range []string{"mariadbd", "mariadb-install-db"} {
		if lookup(program) == "" {
			return nil, fmt.Errorf("%s is missing: apt-get install mariadb-server", program)
		}
	}
	var err error
	for range 3 { // another process may take the port between choosing and using it
		var s *MariaDBServer
		if s, err = startOnce(options); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startOnce(options []string) (*MariaDBServer, error) {
	dir, err := os.MkdirTemp("", "chatapp-mariadb-")
	if err != nil {
		return nil, err
	}
	s := &MariaDBServer{Dir: dir, options: options}
	if err = s.install(); err == nil {
		err = s.start()
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("MariaDB did not start: %w\n%s", err, s.log()), os.RemoveAll(dir))
		if s.cmd != nil {
			s.Stop()
		}
		return nil, err
	}
	return s, nil
}

func lookup(program string) string {
	for _, p := range []string{program, "/usr/sbin/" + program, "/usr/bin/" + program} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	return ""
}

func userFlag() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"} // it refuses to run as root without being told
	}
	return nil
}

// install makes the server's data directory: a copy of one that was made before,
// because making one takes longer than a test.
func (s *MariaDBServer) install() error {
	version, err := exec.Command(lookup("mariadbd"), "--version").Output() //nolint:gosec // a program of the system
	if err != nil {
		return fmt.Errorf("mariadbd --version: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return s.bootstrap()
	}
	made := filepath.Join(cache, "chatapp", fmt.Sprintf("mariadb-%x", sha256.Sum256(version)))
	data := filepath.Join(s.Dir, "data")
	if err := os.CopyFS(data, os.DirFS(made)); err == nil {
		return nil
	}
	if err := errors.Join(os.RemoveAll(data), s.bootstrap()); err != nil {
		return err
	}
	// Under a name of its own until it is whole. That it cannot be kept, or that
	// another process was first, does not matter.
	own := fmt.Sprintf("%s.%d", made, os.Getpid())
	if err := os.CopyFS(own, os.DirFS(data)); err != nil || os.Rename(own, made) != nil {
		_ = os.RemoveAll(own)
	}
	return nil
}

func (s *MariaDBServer) bootstrap() error {
	args := append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(s.Dir, "data"), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--innodb-log-file-size=64M",
	}, userFlag()...)
	cmd := exec.Command(lookup("mariadb-install-db"), args...) //nolint:gosec // constant arguments
	// Of its own: a server that starts deletes what it takes for left-overs of
	// another in a temporary directory that they share.
	cmd.Env = append(os.Environ(), "TMPDIR="+s.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	return nil
}

// guard keeps the server running while its standard input is open, so that it
// cannot outlive this process, not even after kill -9.
const guard = `"$@" </dev/null & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid 2>/dev/null; rm -rf "$DIR"`

func (s *MariaDBServer) start() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	args := append([]string{
		"-c", guard, "sh", lookup("mariadbd"), "--no-defaults", "--tmpdir=" + s.Dir, "--datadir=" + filepath.Join(s.Dir, "data"),
		"--socket=" + filepath.Join(s.Dir, "sock"), "--pid-file=" + filepath.Join(s.Dir, "pid"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port), "--skip-name-resolve", "--skip-log-bin",
		"--max-connections=600", "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=96M",
		"--innodb-log-file-size=64M", "--performance-schema=OFF", "--log-error=" + filepath.Join(s.Dir, "log"),
		"--innodb-deadlock-detect=ON", "--character-set-server=utf8mb4",
	}, append(userFlag(), s.options...)...)
	s.cmd = exec.Command("/bin/sh", args...) //nolint:gosec // constant arguments
	s.cmd.Env = append(os.Environ(), "DIR="+s.Dir)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we end it
	s.hold, err = s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	s.URL = fmt.Sprintf("mysql://root@127.0.0.1:%d/", port)
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err = Exec(ctx, s.URL, "SELECT 1")
		cancel()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) || strings.Contains(s.log(), "Aborting") {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop kills the server and removes its directory.
func (s *MariaDBServer) Stop() {
	_ = s.hold.Close() // tells the guard
	_ = s.cmd.Wait()   // its exit code is that of the kill
}

func (s *MariaDBServer) log() string {
	b, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	return l.Addr().(*net.TCPAddr).Port, nil
}
