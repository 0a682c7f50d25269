// Package compose holds docker-compose.yml against what it promises, without
// Docker: what containers may do, who can reach whom, who reads which secret.
// scripts/try-compose runs it for real.
package compose

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"chatapp/internal/secrets"
	"chatapp/libs/config"
	"chatapp/libs/topology"
)

const root = "../.."

// load reads the file as `docker compose` does, with these variables alone.
func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithProfiles([]string{"*"}), cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// jobs end when their work is done; the first two prepare volumes for others.
var (
	preparing = []string{"secrets", "volumes"}
	jobs      = append(preparing, topology.Migrate(topology.Auth), topology.Migrate(topology.Users), topology.Migrate(topology.Messages))
	// capabilities that are needed, and by whom.
	capabilities = map[string][]string{
		"secrets": {"CHOWN", "DAC_OVERRIDE", "FOWNER"}, "volumes": {"CHOWN"}, topology.Gateway: {"NET_BIND_SERVICE"},
	}
)

func TestContainersMayDoNothingTheyNeedNot(t *testing.T) {
	for name, s := range load(t).Services {
		bad := func(ok bool, what string) {
			if !ok {
				t.Errorf("%s: %s", name, what)
			}
		}
		bad(s.ReadOnly, "read_only is missing")
		bad(slices.Equal(s.CapDrop, []string{"ALL"}), "cap_drop: [ALL] is missing")
		bad(slices.Equal(s.CapAdd, capabilities[name]), "cap_add is not what the table in this test allows")
		bad(slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "no-new-privileges is missing")
		bad(s.User != "" && (!strings.HasPrefix(s.User, "0") || slices.Contains(preparing, name)), "user is missing, or root")
		bad(!s.Privileged && s.Pid == "" && s.Ipc == "" && s.ContainerName == "", "privileged, pid, ipc or container_name is set")
		bad(s.Logging != nil && s.Logging.Options["max-size"] != "" && s.Logging.Options["max-file"] != "", "logs are not rotated")
		limits := s.Deploy != nil && s.Deploy.Resources.Limits != nil
		bad(limits && s.Deploy.Resources.Limits.MemoryBytes > 0 && s.Deploy.Resources.Limits.Pids > 0, "limits of memory and pids are missing")
		bad(pinned.MatchString(s.Image), "image "+s.Image+" has no version")
		if slices.Contains(jobs, name) {
			bad(s.Restart == "no" && s.HealthCheck != nil && s.HealthCheck.Disable, "a job is not restarted and has no health check")
			continue
		}
		bad(s.Restart == "unless-stopped", "restart: unless-stopped is missing")
		bad(s.HealthCheck != nil || dockerfileChecks(t, s), "healthcheck is missing")
	}
}

var pinned = regexp.MustCompile(`^[a-z/-]+:(v?[0-9]+\.[0-9]|dev)`)

// dockerfileChecks tells whether the image's own recipe has a health check.
func dockerfileChecks(t *testing.T, s types.ServiceConfig) bool {
	if s.Build == nil {
		return false
	}
	_, stage, ok := strings.Cut(read(t, "Dockerfile"), " AS "+s.Build.Target+"\n")
	stage, _, _ = strings.Cut(stage, "\nFROM ")
	return ok && strings.Contains(stage, "\nHEALTHCHECK ")
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOnlyTheGatewayIsPublished(t *testing.T) {
	p := load(t)
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if name != topology.Gateway && (port.HostIP != "127.0.0.1" || !slices.Contains(s.Profiles, "obs")) {
				t.Errorf("%s publishes %s", name, port.Published)
			}
		}
		if _, front := s.Networks["front"]; front != (len(s.Ports) > 0) {
			t.Errorf("%s: the network front is for those who are published", name)
		}
	}
	for name, n := range p.Networks {
		if n.Internal == (name == "front" || name == topology.Mail) {
			t.Errorf("network %s: internal: %v", name, n.Internal)
		}
	}
}

// part is what the table calls a service of the Compose file.
func part(service string) string {
	switch {
	case strings.HasPrefix(service, "nats-"):
		return topology.NATS
	case service == "jaeger":
		return topology.Tracing
	default:
		return service
	}
}

// Networks are named by who is talked to there: whoever is in one has an edge in
// the table to such a part, or is one, and every edge has its network.
func TestNetworksAreTheEdgesOfTheTable(t *testing.T) {
	targets := map[string][]string{
		"api": topology.Services(), "bus": {topology.NATS}, "data": {topology.MySQL},
		"mail": {topology.Mail}, "obs": append(topology.Services(), topology.Prometheus, topology.Tracing),
	}
	edge := func(from, to string) bool {
		return slices.ContainsFunc(topology.Edges(), func(e topology.Edge) bool { return e.From == from && e.To == to })
	}
	in := map[string][]string{} // parts by network
	for name, s := range load(t).Services {
		for network := range s.Networks {
			in[network] = append(in[network], part(name))
			to, known := targets[network]
			if !known {
				continue // front, see above
			}
			needs := slices.Contains(to, part(name)) || slices.ContainsFunc(to, func(target string) bool { return edge(part(name), target) })
			if !needs && name != "grafana" { // it asks Prometheus, and is not in the table
				t.Errorf("%s is in the network %s and has no edge there", name, network)
			}
		}
	}
	for _, e := range topology.Edges() {
		shared := e.To == topology.Mail && slices.Contains(in[topology.Mail], e.From) // outside
		for network, parts := range in {
			shared = shared || network != "front" && slices.Contains(parts, e.From) && slices.Contains(parts, e.To)
		}
		if !shared {
			t.Errorf("%s cannot reach %s:%d: no network in common", e.From, e.To, e.Port)
		}
	}
}

// Each volume of secrets is mounted by its consumer, read-only, and by the job
// that makes it.
func TestEachReadsItsOwnSecretsOnly(t *testing.T) {
	want := map[string]string{"ca": ""} // the reader of each volume
	for _, c := range secrets.Consumers() {
		want[c] = c
	}
	want["bus"] = topology.BusAdmin
	got := map[string]string{"ca": ""}
	for name, s := range load(t).Services {
		for _, v := range s.Volumes {
			consumer, ok := strings.CutPrefix(v.Source, "secrets-")
			switch {
			case !ok:
			case name == "secrets":
				if v.Target != "/secrets/"+consumer {
					t.Errorf("secrets makes %s in %s", consumer, v.Target)
				}
			case got[consumer] != "" && got[consumer] != part(name), want[consumer] != part(name):
				t.Errorf("%s reads the secrets of %s", name, consumer)
			case !v.ReadOnly:
				t.Errorf("%s may write to its secrets", name)
			default:
				got[consumer] = part(name)
			}
		}
	}
	for consumer, reader := range want {
		if got[consumer] != reader {
			t.Errorf("secrets of %s: read by %q, want %q", consumer, got[consumer], reader)
		}
	}
}

func TestServicesStartAfterWhatTheyNeedAndInTwos(t *testing.T) {
	p := load(t)
	for _, name := range topology.Services() {
		s := p.Services[name]
		if s.Deploy.Replicas == nil || *s.Deploy.Replicas < 2 {
			t.Errorf("%s: fewer than two replicas", name)
		}
		if s.DependsOn[topology.BusAdmin].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for the streams", name)
		}
		if slices.Contains(topology.Schemas(), name) && s.DependsOn[topology.Migrate(name)].Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s does not wait for its schema", name)
		}
		if s.Environment["CHAT_SETUP"] == nil || *s.Environment["CHAT_SETUP"] != config.SetupWait {
			t.Errorf("%s may make schemas and streams", name)
		}
	}
}

// With a domain people come by HTTPS, without one by the published port.
func TestPublicURL(t *testing.T) {
	for _, c := range []struct {
		env            []string
		url, addresses string
	}{
		{nil, "http://localhost:8080", ":80, http://127.0.0.1:8081"},
		{[]string{"CHATAPP_HTTP_PORT=9000"}, "http://localhost:9000", ":80, http://127.0.0.1:8081"},
		{[]string{"CHATAPP_DOMAIN=chat.example.org"}, "https://chat.example.org", "chat.example.org, http://chat.example.org, http://127.0.0.1:8081"},
		{[]string{"CHATAPP_DOMAIN=chat.example.org", "CHAT_PUBLIC_URL=https://chat.example.org:444"}, "https://chat.example.org:444", "chat.example.org, http://chat.example.org, http://127.0.0.1:8081"},
	} {
		p := load(t, c.env...)
		if got := *p.Services[topology.Auth].Environment["CHAT_PUBLIC_URL"]; got != c.url {
			t.Errorf("%v: %s", c.env, got)
		}
		if got := *p.Services[topology.Gateway].Environment["CHAT_PUBLIC_URL"]; got != c.url {
			t.Errorf("%v: the gateway has %s", c.env, got)
		}
		if got := *p.Services[topology.Gateway].Environment["CHAT_GATEWAY_ADDRESS"]; got != c.addresses {
			t.Errorf("%v: %s", c.env, got)
		}
	}
}
