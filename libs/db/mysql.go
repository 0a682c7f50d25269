package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"

	"chatapp/libs/tlsx"
)

// MySQLOptions says how to reach one service's schema.
type MySQLOptions struct {
	// URL is mysql://user[:password]@host[:port]/schema[?tls=true]; "{service}"
	// in user and schema stands for Service.
	URL      string
	Service  string
	Password string // used when the URL holds none
	CA       string // PEM file: the connection is TLS and the server's certificate is signed by it; "" = as the URL says
	MaxConns int    // 0 = 16
	Log      *slog.Logger
}

// OpenMySQL prepares a pool for MySQL 8+ or MariaDB 10.6+. It does not connect:
// Ping does. Errors are about the URL only.
func OpenMySQL(o MySQLOptions) (*DB, error) {
	cfg, err := o.driverConfig()
	if err != nil {
		return nil, err
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pool := sql.OpenDB(readCommitted{inner})
	n := o.MaxConns
	if n <= 0 {
		n = 16
	}
	limit(pool, n)
	g, err := gorm.Open(gormmysql.New(gormmysql.Config{
		Conn: pool, DSNConfig: cfg, SkipInitializeWithVersion: true,
	}), GormConfig(NewQueryLog(o.Log)))
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	d := New(g, g, MySQL)
	d.config = cfg
	d.scripts, err = openScripts(cfg)
	return d, err
}

// scriptConns is how many batches may run at once.
const scriptConns = 4

// openScripts makes the pool for Batch. Only its connections take several
// statements in one text, because only script writes all values as digits.
func openScripts(cfg *mysql.Config) (*sql.DB, error) {
	cfg = cfg.Clone()
	cfg.MultiStatements = true
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pool := sql.OpenDB(readCommitted{inner})
	limit(pool, scriptConns)
	return pool, nil
}

func limit(pool *sql.DB, n int) {
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute)
}

func (o MySQLOptions) driverConfig() (*mysql.Config, error) {
	u, err := url.Parse(strings.ReplaceAll(o.URL, "{service}", o.Service))
	if err != nil || u.Scheme != "mysql" || u.Host == "" || u.User.Username() == "" || len(u.Path) < 2 {
		return nil, errors.New("database URL: want mysql://user[:password]@host[:port]/schema, for example mysql://chat_{service}@localhost:3306/chat_{service}")
	}
	cfg := mysql.NewConfig()
	cfg.User = u.User.Username()
	cfg.Passwd = o.Password
	if p, ok := u.User.Password(); ok {
		cfg.Passwd = p
	}
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		cfg.Addr = u.Hostname() + ":3306"
	}
	for k, v := range u.Query() {
		if k != "tls" || len(v) != 1 {
			return nil, fmt.Errorf("database URL: unknown parameter %q (only tls is allowed)", k)
		}
		cfg.TLSConfig = v[0]
	}
	if o.CA != "" {
		if cfg.TLS, err = tlsx.Client(o.CA, u.Hostname()); err != nil {
			return nil, err
		}
	}
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.ClientFoundRows = true   // UPDATE counts matched rows, as SQLite does
	cfg.InterpolateParams = true // one round trip per statement
	cfg.RejectReadOnly = true    // a primary that became a secondary: connect again, elsewhere
	cfg.Timeout = 5 * time.Second
	// A server that vanished without a FIN must not hold a request for ever.
	cfg.ReadTimeout, cfg.WriteTimeout = 60*time.Second, 30*time.Second
	cfg.Logger = quiet{}
	cfg.Params = map[string]string{
		"time_zone":                "'+00:00'",
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"innodb_lock_wait_timeout": "10",
	}
	return cfg, cfg.Apply(mysql.Charset("utf8mb4", ""))
}

// readCommitted sets the isolation level once per connection: the names of the
// variable differ between MySQL and MariaDB, the statement does not.
type readCommitted struct{ driver.Connector }

// Connect implements driver.Connector.
func (c readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	x, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("db: the driver cannot execute"), conn.Close())
	}
	if _, err := x.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// quiet silences the driver's own logger: every error it would print is also
// returned.
type quiet struct{}

// Print implements mysql.Logger.
func (quiet) Print(...any) {}
