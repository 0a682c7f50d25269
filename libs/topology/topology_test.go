package topology_test

import (
	"slices"
	"strings"
	"testing"

	"chatapp/libs/events"
	"chatapp/libs/topology"
)

// Nobody may do with a wildcard what the table does not list by name.
func TestPermissionsAreNarrow(t *testing.T) {
	for _, identity := range topology.NATSIdentities() {
		p := topology.NATSPermissions(identity)
		for _, subject := range append(slices.Clone(p.Publish), p.Subscribe...) {
			own := strings.HasPrefix(subject, "chat."+identity+".")
			if !own && strings.HasSuffix(subject, ">") && subject != topology.Inbox(identity) &&
				!strings.HasSuffix(subject, events.NameSessionRevoked+".>") && !strings.HasPrefix(subject, "$JS.ACK.") {
				t.Errorf("%s: %s", identity, subject)
			}
		}
		for _, subject := range p.Publish {
			for _, word := range []string{"DELETE", "PURGE", "MSG.GET", "DIRECT", "SNAPSHOT", "RESTORE"} {
				if strings.Contains(subject, word) {
					t.Errorf("%s: %s", identity, subject)
				}
			}
			if identity != topology.BusAdmin && strings.HasPrefix(subject, "$JS.API.STREAM.") && !strings.HasPrefix(subject, "$JS.API.STREAM.INFO.") {
				t.Errorf("%s: %s", identity, subject)
			}
		}
	}
}

// Who is asked may answer, and nobody else.
func TestOnlyTheAskedAnswer(t *testing.T) {
	for _, rpc := range []string{events.RPCJWKS, events.RPCAccount, events.RPCProfile, events.RPCAccountData, events.RPCProfileData, events.RPCLog, events.RPCHeads, events.RPCMembers} {
		asked := strings.Split(rpc, ".")[1]
		if p := topology.NATSPermissions(asked); !p.Answers || !slices.Contains(p.Subscribe, "chat."+asked+".rpc.v1.>") {
			t.Errorf("%s cannot answer %s", asked, rpc)
		}
	}
	for _, silent := range []string{topology.Notify, topology.BusAdmin} {
		if topology.NATSPermissions(silent).Answers {
			t.Errorf("%s is asked nothing", silent)
		}
	}
}

func TestWithheldVerbs(t *testing.T) {
	for _, c := range []struct{ service, table, want string }{
		{topology.Messages, "messages", "INSERT,UPDATE"},
		{topology.Messages, "audit_log", "INSERT"},
		{topology.Messages, "audit_seals", "INSERT"},
		{topology.Messages, "audit_seal_rows", "INSERT"},
		{topology.Users, "audit_log", "INSERT"},
		{topology.Users, "audit_seals", "INSERT"},
		{topology.Users, "audit_seal_rows", "INSERT"},
		{topology.Auth, "audit_log", "INSERT"},
		{topology.Auth, "audit_seals", "INSERT"},
		{topology.Auth, "audit_seal_rows", "INSERT"},
		{topology.Auth, "audit_actors", "INSERT"},
		{topology.Auth, "sessions", "INSERT,UPDATE,DELETE"},
		{topology.Users, "goose_db_version", ""},
	} {
		if got := strings.Join(topology.Verbs(c.service, c.table), ","); got != c.want {
			t.Errorf("%s.%s: %s", c.service, c.table, got)
		}
	}
}

func TestEveryEdgeIsListedOnce(t *testing.T) {
	seen := map[topology.Edge]bool{}
	for _, e := range topology.Edges() {
		if seen[e] {
			t.Errorf("twice: %v", e)
		}
		seen[e] = true
		if e.To == topology.MySQL && (e.From == topology.Notify || e.From == topology.Gateway) {
			t.Errorf("%v", e)
		}
	}
}
