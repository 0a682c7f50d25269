package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/internal/client"
	"chatapp/libs/config"
)

// The services.
const (
	Auth     = "auth"
	Users    = "users"
	Messages = "messages"
	Notify   = "notify"
)

// World is one running shape of ChatApp.
type World struct {
	Name string
	// Front is where people connect: the gateway, or the process itself.
	Front client.Site
	// Gateway says that Front is the shipped gateway.
	Gateway bool
	// Sites are the replicas, addressed directly. Site i holds replica i of
	// every service. One site in the shape that has no replicas.
	Sites []client.Site
	// NATS is nil where it is embedded, DB where it is SQLite.
	NATS *NATS
	DB   *MariaDB
	// Caddy is the process behind Front where Gateway is true.
	Caddy *Process
	// Links are the network between the parts, where the shape was started
	// with one that can be broken: see ServicesApart.
	Links *Links
	// Disks are those of the database and then of each broker, where they have
	// some of their own.
	Disks []*Disk
	// Binaries is the directory of the programs, Logs that of their logs, and
	// Env what each of our processes gets besides its own addresses.
	Binaries, Logs string
	Env            Env
	// Secrets is the directory of `chatapp secrets` in the shape that has one.
	Secrets string

	older    bool                  // the programs are of an earlier version
	busAdmin *Process              // looks after the streams where services may not
	replicas map[string][]*Process // by service; an all-in-one is there four times
	apps     []*Process            // each process of ours once
	dataDir  string                // of the embedded shape
	retired  []*Process            // of ours, whose logs count still
	after    []func()              // what is left to do when everything has stopped
}

// Env is the environment of one ChatApp process.
type Env map[string]string

func (e Env) list() []string {
	var all []string
	for k, v := range e {
		all = append(all, k+"="+v)
	}
	slices.Sort(all)
	return all
}

// With returns a copy with more keys.
func (e Env) With(more Env) Env {
	all := Env{}
	for k, v := range e {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// common is what every process of every shape gets. The login limit counts per
// address, and all people of the tests come from one; they also write faster
// than people.
func common() Env {
	return Env{"CHAT_LOGIN_RATE_PER_IP": "1000000", "CHAT_RATE_LIMIT": "off", "CHAT_LOG_LEVEL": "info", "CHAT_LOG_FORMAT": "json"}
}

// NewApp makes, and does not start, a process of ours that listens on two
// ports of the loopback interface and is up when /readyz says so. Its log is
// <logs>/<name>.log; base is its public URL.
func NewApp(name, binary, logs string, env Env) (p *Process, base string) {
	listen, admin := loopback(FreePort()), loopback(FreePort())
	env = Env{"CHAT_LISTEN": listen, "CHAT_ADMIN_LISTEN": admin, "CHAT_PUBLIC_URL": "http://" + listen}.With(env)
	p = &Process{Name: name, Path: binary, Env: env.list(), Log: filepath.Join(logs, name+".log"), Up: httpUp("http://" + admin + "/readyz")}
	return p, "http://" + listen
}

// encryptionKey is the same for all, where no secrets were made.
var encryptionKey = config.NewEncryptionKey()

// app makes a process of this world.
func (w *World) app(name, binary, logs string, env Env) (p *Process, base string) {
	if MovableClocks() {
		env = env.With(Env{clockKey: filepath.Join(logs, name+".clock")})
	}
	all := common().With(env)
	if w.older {
		delete(all, "CHAT_RATE_LIMIT") // a key they do not know is an error to them
	} else if w.Secrets == "" {
		all["CHAT_ENCRYPTION_KEY"] = encryptionKey
	}
	p, base = NewApp(name, binary, logs, all)
	w.apps = append(w.apps, p)
	return p, base
}

// everything registers p as replica of all four services.
func (w *World) everything(p *Process, base string) {
	for _, s := range []string{Auth, Users, Messages, Notify} {
		w.replicas[s] = append(w.replicas[s], p)
	}
	w.Sites = append(w.Sites, client.At(base))
}

// Replica is the process that runs replica i of a service.
func (w *World) Replica(service string, i int) *Process { return w.replicas[service][i] }

// Apps are the ChatApp processes.
func (w *World) Apps() []*Process { return w.apps }

// Replicated says whether the shape survives the death of one process.
func (w *World) Replicated() bool { return len(w.Sites) > 1 }

// Site returns replica i, or the only one.
func (w *World) Site(i int) client.Site { return w.Sites[i%len(w.Sites)] }

// Everywhere returns all ways in, the front first.
func (w *World) Everywhere() []client.Site {
	return append([]client.Site{w.Front}, w.Sites...)
}

// WipeBus removes everything that NATS stored. With an embedded NATS the
// process must be stopped.
func (w *World) WipeBus() error {
	if w.NATS != nil {
		return w.NATS.Wipe()
	}
	dir := filepath.Join(w.dataDir, "nats")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("where does the embedded NATS keep its files? %w", err)
	}
	return os.RemoveAll(dir)
}

// artifacts is the directory for what the test t leaves behind, empty.
func artifacts(t *testing.T) string {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "e2e", "artifacts", t.Name())
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// begin makes the parts every shape needs. The caller fills the rest in.
func begin(t *testing.T, name string) (w *World, bin Binaries, tmp, logs string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	w = &World{Name: name, replicas: map[string][]*Process{}}
	tmp, logs = t.TempDir(), artifacts(t)
	w.Binaries, w.Logs = bin.dir, logs
	t.Cleanup(func() { w.end(t, logs) })
	return w, bin, tmp, logs
}

// end stops our processes, which must exit cleanly, then the rest, and
// searches the logs for what must never be in them.
func (w *World) end(t *testing.T, logs string) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	errs := make(chan error, len(w.apps))
	for _, p := range w.apps {
		go func() { errs <- p.Stop(ctx) }()
	}
	for range w.apps {
		if err := <-errs; err != nil {
			t.Errorf("at the end: %v", err)
		}
	}
	if w.NATS != nil {
		w.NATS.Kill()
	}
	if w.DB != nil {
		if err := w.DB.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	for _, f := range w.after {
		f()
	}
	if w.busAdmin != nil {
		if err := w.busAdmin.Stop(ctx); err != nil {
			t.Errorf("at the end: %v", err)
		}
		w.retired = append(w.retired, w.busAdmin)
	}
	for _, p := range append(w.apps, w.retired...) {
		text, err := os.ReadFile(p.Log)
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(string(text)) {
			for sign, meaning := range unwanted {
				if strings.Contains(line, sign) {
					t.Errorf("%s/%s.log: %s: %.400s", logs, p.Name, meaning, line)
				}
			}
		}
	}
}

// unwanted is what no log may hold.
var unwanted = map[string]string{
	"WARNING: DATA RACE":  "data race",
	"panic":               "panic",
	"fatal error:":        "crash",
	client.Password:       "a password",
	databasePassword:      "the database password",
	natsPassword:          "the bus password",
	"otpauth:":            "the seed of an app",
	"eyJ":                 "a token",
	"bearer.":             "a token",
	SecretBody:            "the text of a message",
	"goroutine leak":      "goroutine leak",
	"http: superfluous r": "two answers to one request",
}

// SecretBody is part of every message the tests send.
const SecretBody = "e2e-body"
