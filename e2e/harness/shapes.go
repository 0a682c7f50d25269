package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chatapp/internal/client"
	"chatapp/internal/secrets"
	"chatapp/libs/config"
)

// AllInOne starts `chatapp` alone with its defaults: SQLite and NATS inside.
func AllInOne(t *testing.T) *World {
	w, bin, tmp, logs := begin(t, "all-in-one")
	w.dataDir = filepath.Join(tmp, "data")
	p, base := w.app("chatapp", filepath.Join(bin.dir, "chatapp"), logs, Env{"CHAT_DATA_DIR": w.dataDir})
	w.everything(p, base)
	w.Front = client.At(base)
	w.start(t)
	return w
}

// Replicas starts two all-in-ones on a NATS cluster and MariaDB.
func Replicas(t *testing.T) *World {
	w, bin, tmp, logs := begin(t, "replicas")
	env := w.external(t, tmp, logs, "")
	for i := range 2 {
		name := fmt.Sprintf("chatapp-%d", i)
		p, base := w.app(name, filepath.Join(bin.dir, "chatapp"), logs, env.With(Env{"CHAT_DATA_DIR": filepath.Join(tmp, name)}))
		w.everything(p, base)
	}
	w.Front = w.Sites[0]
	w.start(t)
	return w
}

// Services starts two of each service behind Caddy with the shipped Caddyfile,
// on a NATS cluster and MariaDB, each with its own keys and no more rights than
// it needs.
func Services(t *testing.T) *World {
	w, _, tmp, logs := begin(t, "services")
	w.services(t, tmp, logs, true)
	return w
}

// ServicesApart is Services with a network between the parts that can be
// broken (see Links) and, where OwnDisks says so, with small disks of their own
// under the database and the brokers.
func ServicesApart(t *testing.T) *World {
	w, _, tmp, logs := begin(t, "services-apart")
	w.Links = newLinks()
	w.after = append(w.after, w.Links.close)
	w.ownDisks(t, tmp)
	w.services(t, tmp, logs, true)
	return w
}

// services starts the shape of Services; guarded: with keys, TLS and jobs.
func (w *World) services(t *testing.T, tmp, logs string, guarded bool) {
	t.Helper()
	setup := Env{}
	if guarded {
		setup["CHAT_SETUP"] = config.SetupWait
		w.Secrets = filepath.Join(tmp, "secrets")
		if _, err := secrets.Make(secrets.Options{Dir: w.Secrets, Hosts: secrets.DefaultHosts()}); err != nil {
			t.Fatal(err)
		}
		if err := w.addTester(); err != nil {
			t.Fatal(err)
		}
	}
	env := w.external(t, tmp, logs, w.Secrets)
	door := loopback(FreePort())
	front := door
	if w.Links != nil {
		var err error
		if front, err = w.Links.Front.Forward(door); err != nil {
			t.Fatal(err)
		}
	}
	w.Env = env.With(Env{"CHAT_PUBLIC_URL": "http://" + front, "CHAT_TRUSTED_PROXIES": "127.0.0.1/32"}).With(setup)
	bases := map[string][]string{}
	for _, service := range []string{Auth, Users, Messages, Notify} {
		for i := range 2 {
			p, base, err := w.Service(fmt.Sprintf("%s-%d", service, i), service, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.replicas[service] = append(w.replicas[service], p)
			bases[service] = append(bases[service], base)
		}
	}
	for i := range 2 {
		w.Sites = append(w.Sites, client.Site{Auth: bases[Auth][i], Users: bases[Users][i], Messages: bases[Messages][i], Notify: bases[Notify][i]})
	}
	w.Front, w.Gateway = client.At("http://"+front), true
	w.start(t)
	var err error
	if w.Caddy, err = StartCaddy(t.Context(), tmp, logs, door, bases); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Caddy.Kill)
}

// Service makes, and does not start, one more replica of a service of this
// world, which the gateway does not know. base is its public URL. It ends with
// the world, or with Retire.
func (w *World) Service(name, service string, more Env) (p *Process, base string, err error) {
	env := w.Env.With(w.proofs(service)).With(more)
	if w.Links != nil {
		if env["CHAT_DATABASE_URL"], env["CHAT_NATS_URL"], err = w.Links.between(name, w); err != nil {
			return nil, "", err
		}
	}
	p, base = w.app(name, filepath.Join(w.Binaries, service), w.Logs, env)
	return p, base, nil
}

// Retire stops a process that Service made.
func (w *World) Retire(ctx context.Context, p *Process) error {
	w.apps = slices.DeleteFunc(w.apps, func(q *Process) bool { return p == q })
	w.retired = append(w.retired, p)
	return p.Stop(ctx)
}

// external starts MariaDB and the NATS cluster at once and returns what makes
// a process use them.
func (w *World) external(t *testing.T, tmp, logs, secrets string) Env {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	failed := make(chan error, 2)
	go func() {
		var err error
		w.DB, err = StartMariaDB(ctx, filepath.Join(tmp, "mariadb"), filepath.Join(logs, "mariadb.log"), secrets)
		failed <- err
	}()
	go func() {
		var err error
		w.NATS, err = StartNATS(ctx, tmp, logs, secrets)
		failed <- err
	}()
	for range 2 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	return w.DB.Env().With(w.NATS.Env())
}

// start launches all our processes at once, in no order, as an orchestrator
// would, and waits until all are ready.
func (w *World) start(t *testing.T) {
	t.Helper()
	began := time.Now()
	for _, p := range w.apps {
		if err := p.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.apps {
		if err := p.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s: %d processes ready after %v", w.Name, len(w.apps), time.Since(began).Round(time.Millisecond))
}
