package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// NATS is a cluster of three nats-server processes with JetStream.
type NATS struct {
	Nodes    []*Process
	urls     []string
	dirs     []string
	monitors []string
	guarded  bool // by nkeys and TLS
}

// The one user of a cluster that is not guarded.
const (
	natsUser     = "chat"
	natsPassword = "bus-secret-of-the-e2e-tests"
)

// StartNATS starts three nodes under dir and waits until they have a meta
// leader. With secrets, a directory of `chatapp secrets`, they speak TLS and
// every service may do what it must and no more; else there is one user.
func StartNATS(ctx context.Context, dir, logs, secrets string) (*NATS, error) {
	server, err := tool(ctx, "nats-server")
	if err != nil {
		return nil, err
	}
	guard, err := natsGuard(dir, secrets)
	if err != nil {
		return nil, err
	}
	n := &NATS{guarded: secrets != ""}
	routes := make([]int, 3)
	for i := range routes {
		routes[i] = FreePort()
	}
	for i, route := range routes {
		client, monitor, name := FreePort(), FreePort(), fmt.Sprintf("nats-%d", i)
		store := filepath.Join(dir, name)
		config := filepath.Join(dir, name+".conf")
		if err := os.MkdirAll(store, 0o755); err != nil {
			return nil, err
		}
		text := fmt.Sprintf(`
server_name: %s
listen: %s
http: %s
jetstream { store_dir: %q, max_memory_store: 64M, max_file_store: 2G }
%s
cluster {
  name: chat
  listen: %s
  %s
  no_advertise: true # clients know all addresses, which may be those of a proxy
  routes: [%s]
}
`, name, loopback(client), loopback(monitor), store, guard.clients, loopback(route), guard.routes, natsRoutes(routes))
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return nil, err
		}
		n.urls = append(n.urls, "nats://"+loopback(client))
		n.dirs = append(n.dirs, store)
		n.monitors = append(n.monitors, "http://"+loopback(monitor))
		n.Nodes = append(n.Nodes, &Process{
			Name: name, Path: server, Args: []string{"-c", config}, Log: filepath.Join(logs, name+".log"),
			// healthz is 200 once JetStream has a meta leader and is current.
			Up: httpUp("http://" + loopback(monitor) + "/healthz"),
		})
	}
	return n, n.Start(ctx)
}

// guard is who may connect, as lines of a node's configuration.
type guard struct{ clients, routes string }

// natsGuard is for nodes whose configuration lies in dir.
func natsGuard(dir, secrets string) (guard, error) {
	if secrets == "" {
		return guard{
			clients: fmt.Sprintf("authorization { user: %s, password: %s }", natsUser, natsPassword),
			routes:  "authorization { user: route, password: route }",
		}, nil
	}
	// What is included is looked for from the including file on.
	auth, err := filepath.Rel(dir, filepath.Join(secrets, "nats", "nats-auth.conf"))
	file := func(name string) string { return filepath.Join(secrets, "nats", name) }
	tls := fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q", file("server.pem"), file("server.key"), file("ca.pem"))
	return guard{clients: fmt.Sprintf("%s }\ninclude %q", tls, auth), routes: tls + ", verify: true }"}, err
}

func natsRoutes(ports []int) string {
	urls := make([]string, len(ports))
	for i, p := range ports {
		urls[i] = "nats://route:route@" + loopback(p)
	}
	return strings.Join(urls, ", ")
}

// URL is CHAT_NATS_URL for this cluster.
func (n *NATS) URL() string { return strings.Join(n.urls, ",") }

// URLThrough is CHAT_NATS_URL when the nodes are reached at other addresses.
func (n *NATS) URLThrough(forward func(address string) (string, error)) (string, error) {
	var urls []string
	for _, u := range n.urls {
		address, err := forward(strings.TrimPrefix(u, "nats://"))
		if err != nil {
			return "", err
		}
		urls = append(urls, "nats://"+address)
	}
	return strings.Join(urls, ","), nil
}

// Monitors are the URLs of the nodes' monitoring.
func (n *NATS) Monitors() []string { return n.monitors }

// Dirs are where the nodes keep their files.
func (n *NATS) Dirs() []string { return n.dirs }

// Start launches all nodes and waits until all are ready.
func (n *NATS) Start(ctx context.Context) error {
	for _, p := range n.Nodes {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	for _, p := range n.Nodes {
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Leader is the node that leads a stream.
func (n *NATS) Leader(ctx context.Context, stream string) (*Process, error) {
	var errs []error
	for _, monitor := range n.monitors {
		name, err := leaderSeenBy(ctx, monitor, stream)
		for _, node := range n.Nodes {
			if err == nil && node.Name == name {
				return node, nil
			}
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("nobody leads stream %s: %w", stream, errors.Join(errs...))
}

// leaderSeenBy asks one node who leads a stream.
func leaderSeenBy(ctx context.Context, monitor, stream string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, monitor+"/jsz?accounts=true&streams=true", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Accounts []struct {
			Streams []struct {
				Name    string `json:"name"`
				Cluster struct {
					Leader string `json:"leader"`
				} `json:"cluster"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	for _, account := range answer.Accounts {
		for _, s := range account.Streams {
			if s.Name == stream {
				return s.Cluster.Leader, nil
			}
		}
	}
	return "", fmt.Errorf("%s does not know it", monitor)
}

// Kill ends all nodes with SIGKILL.
func (n *NATS) Kill() {
	for _, p := range n.Nodes {
		p.Kill()
	}
}

// Wipe removes everything the (stopped) nodes stored. The directories stay:
// they may be file systems of their own.
func (n *NATS) Wipe() error {
	var errs []error
	for i, dir := range n.dirs {
		if n.Nodes[i].Running() {
			return errors.New("wipe of a running node")
		}
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, e := range entries {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Env makes a process of ours use this cluster. Who it is in a guarded one is
// not in it.
func (n *NATS) Env() Env {
	if n.guarded {
		return Env{"CHAT_NATS_URL": n.URL(), "CHAT_NATS_REPLICAS": "3"}
	}
	return Env{"CHAT_NATS_URL": n.URL(), "CHAT_NATS_USER": natsUser, "CHAT_NATS_PASSWORD": natsPassword, "CHAT_NATS_REPLICAS": "3"}
}
