package e2e

import (
	"crypto/tls"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"chatapp/e2e/harness"
	"chatapp/libs/events"
	"chatapp/libs/tlsx"
	"chatapp/libs/topology"
)

// guarded shapes give each service keys of its own and few rights.
func guarded(w *harness.World) bool { return w.Secrets != "" }

func secretOf(t *testing.T, w *harness.World, consumer, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.Secrets, consumer, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func authority(t *testing.T, w *harness.World) *tls.Config {
	t.Helper()
	c, err := tlsx.Client(filepath.Join(w.Secrets, "auth", "ca.pem"), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// busRights: every identity may do on the broker what libs/topology lists, and
// nothing that belongs to another (S30). That the listed suffices is what the
// other scenarios of this shape show.
func busRights(t *testing.T, w *harness.World) {
	streams := []string{events.StreamAuth, events.StreamUsers, events.StreamMessages}
	for _, identity := range topology.Services() {
		nc := dialBus(t, w, identity)
		allowed := topology.NATSPermissions(identity)
		mayPublish := func(subject string, want bool) {
			t.Helper()
			if err := nc.Publish(subject, []byte("{}")); err != nil {
				t.Fatal(err)
			}
			expectRight(t, nc, identity, "publish to", subject, want)
		}
		mayListen := func(pattern string, want bool) {
			t.Helper()
			sub, err := nc.SubscribeSync(pattern)
			if err != nil {
				t.Fatal(err)
			}
			expectRight(t, nc, identity, "subscription to", pattern, want)
			if want {
				_ = sub.Unsubscribe()
			}
		}

		mayPublish(events.Subject(identity, "rights", "x"), true)
		for _, pattern := range allowed.Subscribe {
			if !strings.Contains(pattern, ".rpc.") { // would take questions away from the service
				mayListen(pattern, true)
			}
		}
		foreign := []string{"$SYS.REQ.SERVER.PING", "anything", "_INBOX_other.x.y"}
		for _, other := range topology.Services() {
			if other != identity {
				foreign = append(foreign, events.Subject(other, "rights", "x"))
				for _, pattern := range []string{topology.Inbox(other), "chat." + other + ".rpc.v1.>"} {
					mayListen(pattern, false)
				}
			}
		}
		for _, rpc := range []string{events.RPCJWKS, events.RPCAccount, events.RPCProfile, events.RPCAccountData, events.RPCProfileData, events.RPCLog, events.RPCHeads, events.RPCMembers} {
			if !slices.Contains(allowed.Publish, rpc) {
				foreign = append(foreign, rpc)
			}
		}
		for _, s := range streams {
			for _, verb := range []string{"STREAM.CREATE.", "STREAM.UPDATE.", "STREAM.DELETE.", "STREAM.PURGE.", "STREAM.MSG.DELETE.", "STREAM.MSG.GET.", "CONSUMER.NAMES.", "DIRECT.GET."} {
				foreign = append(foreign, "$JS.API."+verb+s)
			}
		}
		for _, d := range events.Durables {
			of := d.Stream + "." + d.Name
			foreign = append(foreign, "$JS.API.CONSUMER.CREATE."+of+"."+d.Subject, "$JS.API.CONSUMER.DURABLE.CREATE."+of, "$JS.API.CONSUMER.DELETE."+of,
				"$JS.API.CONSUMER.CREATE."+of+"."+events.Subject(events.ServiceAuth, events.NameSessionRevoked, ">"))
			if d.Service != identity {
				foreign = append(foreign, "$JS.API.CONSUMER.MSG.NEXT."+of, "$JS.ACK."+of+".1.1.1.1.1")
			}
		}
		for _, subject := range foreign {
			mayPublish(subject, false)
		}
		for _, pattern := range []string{">", "chat.>", "$JS.>", "$SYS.>", "_INBOX.>", "chat.auth.v1.registered.*", "chat.users.v1.>", "chat.messages.v1.committed.*"} {
			mayListen(pattern, false)
		}
		if identity != events.ServiceNotify {
			mayListen("chat.messages.v1.logged.*", false)
		}
	}
	for name, options := range map[string][]nats.Option{
		"without a key":  {nats.Secure(authority(t, w))},
		"without TLS":    {},
		"with a new key": {nats.Secure(authority(t, w)), newKey(t)},
	} {
		if nc, err := nats.Connect(w.NATS.URL(), options...); err == nil {
			nc.Close()
			t.Errorf("a connection %s is let in", name)
		}
	}
}

func newKey(t *testing.T) nats.Option {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return nats.Nkey(public, pair.Sign)
}

func dialBus(t *testing.T, w *harness.World, identity string) *nats.Conn {
	t.Helper()
	pair, err := nkeys.FromSeed([]byte(secretOf(t, w, identity, "nats.nkey")))
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(w.NATS.URL(), nats.Secure(authority(t, w)), nats.Nkey(public, pair.Sign), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatalf("%s: %v", identity, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// expectRight: the broker's refusal, which comes before the answer to a flush,
// is there or not.
func expectRight(t *testing.T, nc *nats.Conn, identity, verb, subject string, want bool) {
	t.Helper()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	last := nc.LastError()
	refused := errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(strings.ToLower(last.Error()), strings.ToLower(verb+` "`+subject+`"`))
	if refused == want {
		t.Errorf("%s, %s %s: refused %v (%v)", identity, verb, subject, refused, last)
	}
}

// databaseRights: every database user may do what libs/topology lists, and
// nothing else (S31).
func databaseRights(t *testing.T, w *harness.World) {
	for _, service := range topology.Schemas() {
		app := openAs(t, w, topology.AppUser(service), service, service)
		migrate := openAs(t, w, topology.MigrateUser(service), service, topology.Migrate(service))
		for _, table := range tablesOf(t, w, service) {
			for verb, statement := range harmless(t, w, service, table) {
				_, err := app.ExecContext(t.Context(), statement)
				allowed := verb == "SELECT" || slices.Contains(topology.Verbs(service, table), verb)
				if allowed && err != nil || !allowed && !denied(err) {
					t.Errorf("%s: %s: %v, allowed is %v", topology.AppUser(service), statement, err, allowed)
				}
			}
			for _, statement := range []string{"DROP TABLE " + table, "ALTER TABLE " + table + " ADD COLUMN x INT", "CREATE INDEX x ON " + table + " (x)", "TRUNCATE " + table} {
				if _, err := app.ExecContext(t.Context(), statement); !denied(err) {
					t.Errorf("%s: %s: %v", topology.AppUser(service), statement, err)
				}
			}
		}
		for _, other := range topology.Schemas() {
			for _, db := range []*sql.DB{app, migrate} {
				for _, statement := range []string{
					"SELECT * FROM " + topology.Schema(other) + ".outbox LIMIT 1",
					"INSERT INTO " + topology.Schema(other) + ".outbox SELECT * FROM " + topology.Schema(other) + ".outbox WHERE 1=0",
					"CREATE TABLE " + topology.Schema(other) + ".mine (x INT)",
				} {
					if other == service {
						continue
					}
					if _, err := db.ExecContext(t.Context(), statement); !denied(err) {
						t.Errorf("a user of %s: %s: %v", service, statement, err)
					}
				}
			}
		}
		for _, statement := range []string{"CREATE TABLE mine (x INT)", "SELECT * FROM mysql.user", "CREATE USER mine", "SET GLOBAL read_only = 1", "SELECT 1 INTO OUTFILE '/tmp/mine'"} {
			if _, err := app.ExecContext(t.Context(), statement); !denied(err) {
				t.Errorf("%s: %s: %v", topology.AppUser(service), statement, err)
			}
		}
	}
}

// harmless is one statement of each kind that changes no row.
func harmless(t *testing.T, w *harness.World, service, table string) map[string]string {
	t.Helper()
	column, err := w.DB.Query(t.Context(), "SELECT column_name FROM information_schema.columns WHERE table_schema = '"+topology.Schema(service)+"' AND table_name = '"+table+"' LIMIT 1")
	if err != nil || column == "" {
		t.Fatalf("columns of %s: %v", table, err)
	}
	return map[string]string{
		"SELECT": "SELECT COUNT(*) FROM " + table,
		"INSERT": "INSERT INTO " + table + " SELECT * FROM " + table + " WHERE 1=0",
		"UPDATE": "UPDATE " + table + " SET " + column + " = " + column + " WHERE 1=0",
		"DELETE": "DELETE FROM " + table + " WHERE 1=0",
	}
}

func tablesOf(t *testing.T, w *harness.World, service string) []string {
	t.Helper()
	list, err := w.DB.Query(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+topology.Schema(service)+"'")
	tables := strings.Fields(list)
	if err != nil || len(tables) < 3 {
		t.Fatalf("tables of %s: %v, %v", service, tables, err)
	}
	return tables
}

// openAs connects as a database user, whose password is a consumer's. It must
// be TLS: without, the same user is turned away.
func openAs(t *testing.T, w *harness.World, user, service, consumer string) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = user, secretOf(t, w, consumer, "database.password"), "tcp", w.DB.Address(), topology.Schema(service)
	plain, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.PingContext(t.Context()); !denied(err) {
		t.Errorf("%s without TLS: %v", user, err)
	}
	cfg.TLS = authority(t, w)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// denied reports whether the database said that the user may not.
func denied(err error) bool {
	refusal, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains([]uint16{1044, 1045, 1142, 1143, 1227}, refusal.Number)
}
