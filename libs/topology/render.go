package topology

import (
	"fmt"
	"strings"
)

// The limits of NATS: bytes of a message, connections of the whole installation,
// and subscriptions of one connection, of which notify needs one for each user
// that is connected to it.
const (
	maxPayload       = 1 << 20
	maxConnections   = 1024
	maxSubscriptions = 1_000_000
)

// NATSConfig is the part of a NATS server's configuration that says who may do
// what, for `include`. keys are the public nkeys by identity, see
// NATSIdentities. The system account has no user: nobody needs one.
func NATSConfig(keys map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made from libs/topology by 'chatapp secrets'.\nmax_payload: %d\nmax_subscriptions: %d\naccounts {\n  SYS {}\n  APP {\n    jetstream: enabled\n    limits { max_connections: %d }\n    users: [\n", maxPayload, maxSubscriptions, maxConnections)
	for _, identity := range NATSIdentities() {
		p := NATSPermissions(identity)
		fmt.Fprintf(&b, "      # %s\n      { nkey: %s, permissions: {\n", identity, keys[identity])
		fmt.Fprintf(&b, "          publish: { allow: %s, deny: %s }\n", list(p.Publish), list(p.Deny))
		fmt.Fprintf(&b, "          subscribe: { allow: %s }\n", list(p.Subscribe))
		if p.Answers {
			b.WriteString("          allow_responses: { max: 1, expires: \"10s\" }\n")
		}
		b.WriteString("      } }\n")
	}
	b.WriteString("    ]\n  }\n}\nsystem_account: SYS\n")
	return b.String()
}

func list(subjects []string) string {
	quoted := make([]string, len(subjects))
	for i, s := range subjects {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// maxUserConnections bounds the database connections of one user: a dozen
// replicas with twenty each.
const maxUserConnections = 256

// MySQLSetup is the SQL that makes schemas and users. passwords are by database
// user. A running service may only read at first; the rest is granted table by
// table by its migration job, which alone knows the tables (Verbs).
func MySQLSetup(passwords map[string]string) string {
	var b strings.Builder
	b.WriteString("-- Made from libs/topology by 'chatapp secrets'.\n")
	for _, s := range Schemas() {
		schema, app, migrate := Schema(s), AppUser(s), MigrateUser(s)
		fmt.Fprintf(&b, "CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\n", schema)
		for _, user := range []string{app, migrate} {
			fmt.Fprintf(&b, "CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s' REQUIRE SSL WITH MAX_USER_CONNECTIONS %d;\n",
				user, passwords[user], maxUserConnections)
		}
		fmt.Fprintf(&b, "GRANT SELECT ON %s.* TO '%s'@'%%';\n", schema, app)
		fmt.Fprintf(&b, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON %s.* TO '%s'@'%%' WITH GRANT OPTION;\n", schema, migrate)
	}
	return b.String()
}
