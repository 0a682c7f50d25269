package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/db"
)

// Clocks that differ by more than this make tokens fail or look odd.
const (
	clockOdd    = db.ClocksDiffer
	clockBroken = 30 * time.Second
)

// databases looks at the schema of each service.
func (e *examiner) databases(ctx context.Context) {
	for i, s := range e.Schemas {
		name := "database of " + s.Service
		within, cancel := context.WithTimeout(ctx, patience)
		d, err := s.Open(within)
		if err != nil {
			e.add(name, Failed, err.Error(), "correct CHAT_DATABASE_URL, its password or CHAT_DATABASE_CA, or start the server")
			cancel()
			continue
		}
		if i == 0 && d.Dialect == db.MySQL {
			e.server(within, d)
		}
		e.schema(within, name, s, d)
		cancel()
		_ = d.Close() // only read
	}
}

// schema looks at one service's tables.
func (e *examiner) schema(ctx context.Context, name string, s Schema, d *db.DB) {
	pending, err := s.Pending(ctx, d)
	switch {
	case errors.Is(err, db.ErrNewer):
		e.add(name, Failed, err.Error(), "start the newer ChatApp again, or restore a backup from before it")
		return
	case err != nil:
		e.add(name, Failed, err.Error(), "see the database's log")
		return
	case pending && e.Config.Setup == config.SetupWait:
		e.add(name, Failed, "its tables are not up to date, and CHAT_SETUP=wait leaves that to a job", "run '"+s.Service+" migrate' as the user for migrations")
		return
	case pending:
		e.add(name, OK, "answers; its tables are brought up to date at the next start", "")
		return
	}
	e.add(name, OK, "answers, tables up to date", "")
	if s.Secrets != nil {
		e.secrets(ctx, s, d)
	}
	e.rights(ctx, name, d)
	e.backlog(ctx, s.Service, d)
}

// secrets looks whether the encryption key is the right one.
func (e *examiner) secrets(ctx context.Context, s Schema, d *db.DB) {
	if err := s.Secrets(ctx, d); err != nil {
		e.add("encryption key", Failed, err.Error(), "set CHAT_ENCRYPTION_KEY to the key of before; several are separated by spaces or lines")
		return
	}
	e.add("encryption key", OK, "decrypts what is encrypted in the database of "+s.Service, "")
}

// rights looks whether a service that waits for jobs has more than it needs.
func (e *examiner) rights(ctx context.Context, name string, d *db.DB) {
	if d.Dialect != db.MySQL || e.Config.Setup != config.SetupWait {
		return
	}
	var grants []string
	if err := d.R.WithContext(ctx).Raw("SHOW GRANTS").Scan(&grants).Error; err != nil {
		return
	}
	for _, g := range grants {
		head, _, _ := strings.Cut(g, " ON ")
		if strings.Contains(head, "CREATE") || strings.Contains(head, "ALL PRIVILEGES") || strings.Contains(head, "DROP") {
			e.add(name, Warning, "the service's user may change tables, although CHAT_SETUP=wait leaves that to a job",
				"use the users that 'chatapp secrets' sets up: <service>_app and <service>_migrate")
			return
		}
	}
}

// Events that wait longer than this were not published for a reason.
const oldEvent = time.Minute

// backlog looks at events that were not published or not handled.
func (e *examiner) backlog(ctx context.Context, service string, d *db.DB) {
	var waiting int64
	err := d.R.WithContext(ctx).Table("outbox").Where("created_at < ?", time.Now().UTC().Add(-oldEvent)).Count(&waiting).Error
	if err == nil && waiting > 0 {
		e.add("events of "+service, Warning, fmt.Sprintf("%d wait for more than a minute to be published", waiting),
			"is NATS away, or its disk full? they are published when it is back")
	}
	var dead int64
	if d.R.WithContext(ctx).Table("dead_letters").Count(&dead).Error == nil && dead > 0 {
		e.add("dead letters of "+service, Warning, fmt.Sprintf("%d events could not be handled", dead), "chatapp dead-letters")
	}
}

// server looks at the settings of MySQL or MariaDB.
func (e *examiner) server(ctx context.Context, d *db.DB) {
	v := variables(ctx, d)
	if v == nil {
		return
	}
	e.add("database server", OK, v["version"], "")
	e.versionOf(v["version"])
	if v["innodb_flush_log_at_trx_commit"] != "1" {
		e.add("durability", Failed, "innodb_flush_log_at_trx_commit is "+v["innodb_flush_log_at_trx_commit"]+": accepted messages are lost when the power goes",
			"set it to 1 in the server's configuration")
	} else {
		e.add("durability", OK, "every commit is on disk before it is answered", "")
	}
	if v["read_only"] == "ON" || v["read_only"] == "1" {
		e.add("database server", Failed, "it is read-only: nothing can be written", "connect to the primary, or set read_only=0")
	}
	if n, err := strconv.Atoi(v["max_allowed_packet"]); err == nil && n < 16<<20 {
		e.add("max_allowed_packet", Failed, v["max_allowed_packet"]+" bytes: a batch of messages may not fit", "set it to 16M or more")
	}
	if n, err := strconv.Atoi(v["max_connections"]); err == nil && n < 150 {
		e.add("max_connections", Warning, v["max_connections"]+": each process of auth, users and messages opens up to 20", "set it to 20 times the number of processes, and some more")
	}
	e.clock(ctx, d)
	if end, err := time.Parse("Jan _2 15:04:05 2006 MST", v["Ssl_server_not_after"]); err == nil {
		e.validity("the database", end, "chatapp secrets --renew-certificates, and restart the database")
	}
	if e.Config.DatabaseCA == "" && !strings.Contains(e.Config.DatabaseURL, "@localhost") && !strings.Contains(e.Config.DatabaseURL, "@127.") {
		e.add("database connection", Warning, "it is not checked with whom (CHAT_DATABASE_CA is not set)", "give the server a certificate and set CHAT_DATABASE_CA")
	}
}

func (e *examiner) versionOf(version string) {
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	tooOld := major < 8
	if strings.Contains(version, "MariaDB") {
		tooOld = major < 10 || major == 10 && minor < 6
	}
	if tooOld {
		e.add("database server", Failed, version+" is too old", "use MySQL 8 or MariaDB 10.6, or later")
	}
}

// clock compares this machine's clock with the database's.
func (e *examiner) clock(ctx context.Context, d *db.DB) {
	off, err := d.ClockOffset(ctx, time.Now)
	if err != nil {
		return
	}
	off = off.Abs()
	const cure = "synchronise the clocks of all machines (chrony, systemd-timesyncd)"
	switch {
	case off > clockBroken:
		e.add("clocks", Failed, fmt.Sprintf("this machine and the database differ by %v: valid tokens are refused", off), cure)
	case off > clockOdd:
		e.add("clocks", Warning, fmt.Sprintf("this machine and the database differ by %v", off), cure)
	default:
		e.add("clocks", OK, fmt.Sprintf("this machine and the database differ by %v", off), "")
	}
}

// variables reads what server looks at; nil when that cannot be read.
func variables(ctx context.Context, d *db.DB) map[string]string {
	v := map[string]string{}
	for _, show := range []string{
		"SHOW VARIABLES WHERE Variable_name IN ('version', 'innodb_flush_log_at_trx_commit', 'read_only', 'max_allowed_packet', 'max_connections')",
		"SHOW STATUS LIKE 'Ssl_server_not_after'", // empty without TLS
	} {
		if !collect(ctx, d, show, v) {
			return nil
		}
	}
	return v
}

// collect adds the names and values that a statement shows to v.
func collect(ctx context.Context, d *db.DB, show string, v map[string]string) bool {
	rows, err := d.R.WithContext(ctx).Raw(show).Rows()
	if err != nil {
		return false
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if rows.Scan(&name, &value) == nil {
			v[name] = value
		}
	}
	return rows.Err() == nil
}
