// Package topology is the one table of who may talk to whom. What guards an
// installation is made from it or compared with it: the permissions of NATS,
// the grants of MySQL, the network policies of Kubernetes, the networks and
// secrets of Compose.
//
// The rule behind it: a service reads and writes its own schema, publishes on
// its own subjects, and hears of others only what it needs.
package topology

import (
	"maps"
	"slices"
	"strings"

	"chatapp/libs/events"
)

// The parts of an installation. BusAdmin makes streams and consumers; Migrate
// jobs, one for each schema, change tables.
const (
	Auth     = events.ServiceAuth
	Users    = events.ServiceUsers
	Messages = events.ServiceMessages
	Notify   = events.ServiceNotify

	Gateway    = "gateway"
	BusAdmin   = "bus-admin"
	NATS       = "nats"
	MySQL      = "mysql"
	Prometheus = "prometheus"
	Tracing    = "tracing"
	Mail       = "mail" // mail servers and sign-in providers outside
)

// The ports that are listened on.
const (
	PortPublic  = 8080 // the API of a service
	PortAdmin   = 8081 // its health and metrics
	PortNATS    = 4222
	PortCluster = 6222 // between NATS nodes
	PortMySQL   = 3306
	PortOTLP    = 4318
	PortSMTP    = 587
	PortSMTPS   = 465
	PortHTTPS   = 443
)

// Services lists the four services.
func Services() []string { return []string{Auth, Users, Messages, Notify} }

// Schemas lists the services that own tables.
func Schemas() []string { return []string{Auth, Users, Messages} }

// Migrate is the name of the job that changes the tables of a service.
func Migrate(service string) string { return "migrate-" + service }

// Schema is the database schema of a service.
func Schema(service string) string { return "chat_" + service }

// AppUser is the database user of a running service.
func AppUser(service string) string { return service + "_app" }

// MigrateUser is the database user of its migrations.
func MigrateUser(service string) string { return service + "_migrate" }

// Edge is one connection that is opened: From dials To on Port.
type Edge struct {
	From, To string
	Port     int
}

// Edges lists every connection between the parts, and no other is needed.
func Edges() []Edge {
	var list []Edge
	for _, s := range Services() {
		list = append(list,
			Edge{Gateway, s, PortPublic},
			Edge{s, NATS, PortNATS},
			Edge{Prometheus, s, PortAdmin},
			Edge{s, Tracing, PortOTLP},
		)
	}
	for _, s := range Schemas() {
		list = append(list, Edge{s, MySQL, PortMySQL}, Edge{Migrate(s), MySQL, PortMySQL})
	}
	return append(list, Edge{BusAdmin, NATS, PortNATS}, Edge{NATS, NATS, PortCluster}, Edge{Auth, Mail, PortSMTP}, Edge{Auth, Mail, PortSMTPS}, Edge{Auth, Mail, PortHTTPS})
}

// Permissions are what an identity may do on NATS. Deny goes before Publish. Who
// Answers may publish once to where a question that reached it wants its answer.
type Permissions struct {
	Publish, Deny, Subscribe []string
	Answers                  bool
}

// Inbox is where the answers to an identity's requests arrive; nobody else may
// listen there.
func Inbox(identity string) string { return "_INBOX_" + identity + ".>" }

// asks lists the requests that a service sends to others. All ask auth for the
// keys that verify tokens. messages asks auth and users for all that they keep of
// a person who downloads it, and nobody else may.
var asks = map[string][]string{
	Auth:     {events.RPCJWKS},
	Users:    {events.RPCJWKS, events.RPCAccount},
	Messages: {events.RPCJWKS, events.RPCProfile, events.RPCAccountData, events.RPCProfileData},
	Notify:   {events.RPCJWKS, events.RPCLog, events.RPCHeads, events.RPCMembers},
}

// answers says who is asked.
var answers = map[string]bool{Auth: true, Users: true, Messages: true}

// hears lists what a service listens to as it is said, besides the end of
// sessions, which all must know.
var hears = map[string][]string{
	Users: {events.Subject(Notify, events.NameSeen, "*")},
	Notify: {
		events.Subject(Messages, events.NameLogged, "*"),
		events.Subject(Messages, events.NamePersonChanged, "*"),
		events.Subject(Notify, events.NameTyping, "*"),
	},
}

// NATSIdentities lists who may connect to NATS.
func NATSIdentities() []string { return append(Services(), BusAdmin) }

// NATSPermissions is what an identity may do on NATS. What is not listed is
// refused.
func NATSPermissions(identity string) Permissions {
	if identity == BusAdmin {
		return busAdmin()
	}
	ends := events.Subject(Auth, events.NameSessionRevoked, ">")
	p := Permissions{
		Publish: append([]string{
			"chat." + identity + ".v1.>",
			// Follows the ends of sessions with a consumer for the moment.
			"$JS.API.CONSUMER.CREATE." + events.StreamAuth + ".*." + ends,
			"$JS.API.CONSUMER.MSG.NEXT." + events.StreamAuth + ".*",
		}, asks[identity]...),
		Subscribe: append([]string{Inbox(identity), ends}, hears[identity]...),
		Answers:   answers[identity],
	}
	if p.Answers {
		p.Subscribe = append(p.Subscribe, "chat."+identity+".rpc.v1.>")
	}
	for _, s := range []string{events.StreamAuth, events.StreamUsers, events.StreamMessages} {
		p.Publish = append(p.Publish, "$JS.API.STREAM.INFO."+s)
	}
	for _, d := range events.Durables {
		if d.Service == identity {
			of := d.Stream + "." + d.Name
			p.Publish = append(p.Publish, "$JS.API.CONSUMER.INFO."+of, "$JS.API.CONSUMER.MSG.NEXT."+of, "$JS.ACK."+of+".>")
		}
		if d.Stream == events.StreamAuth {
			// The consumers for the moment must not turn one that stays.
			p.Deny = append(p.Deny, "$JS.API.CONSUMER.CREATE."+d.Stream+"."+d.Name+".>")
			if d.Service != identity {
				p.Deny = append(p.Deny, "$JS.API.CONSUMER.MSG.NEXT."+d.Stream+"."+d.Name)
			}
		}
	}
	return p
}

// busAdmin makes and changes streams and the durable consumers; it deletes and
// reads nothing.
func busAdmin() Permissions {
	p := Permissions{Subscribe: []string{Inbox(BusAdmin)}}
	for _, stream := range slices.Sorted(maps.Keys(events.Streams)) {
		for _, verb := range []string{"INFO", "CREATE", "UPDATE"} {
			p.Publish = append(p.Publish, "$JS.API.STREAM."+verb+"."+stream)
		}
	}
	for _, d := range events.Durables {
		p.Publish = append(p.Publish, "$JS.API.CONSUMER.CREATE."+d.Stream+"."+d.Name+"."+d.Subject)
	}
	return p
}

// Withheld lists, by table, what a running service may not do to its own rows:
// a message is never deleted but overwritten, the audit log and its seals only grow.
func Withheld(service string) map[string][]string {
	withheld := map[string][]string{}
	if slices.Contains(Schemas(), service) {
		for _, table := range []string{"audit_log", "audit_seals", "audit_seal_rows"} {
			withheld[table] = []string{"UPDATE", "DELETE"}
		}
	}
	switch service {
	case Auth:
		withheld["audit_actors"] = []string{"UPDATE", "DELETE"}
	case Messages:
		withheld["messages"] = []string{"DELETE"}
	}
	return withheld
}

// Verbs lists what a running service may do to the rows of one of its tables,
// besides reading. The tables of the migrations themselves are only looked at.
func Verbs(service, table string) []string {
	if strings.HasPrefix(table, "goose_") {
		return nil
	}
	return slices.DeleteFunc([]string{"INSERT", "UPDATE", "DELETE"}, func(v string) bool {
		return slices.Contains(Withheld(service)[table], v)
	})
}
