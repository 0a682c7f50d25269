package main

import (
	"context"
	"fmt"
	"path/filepath"

	"chatapp/e2e/harness"
	"chatapp/libs/config"
)

// system is a running installation.
type system struct {
	work string
	url  string
	apps []*harness.Process // whose CPU and memory is shown
	db   *harness.MariaDB   // nil on SQLite

	monitors []string // of the brokers
}

// start starts the shape. What was started is returned also with an error.
func start(ctx context.Context, o options, work string) (s *system, err error) {
	s = &system{work: work}
	env := harness.Env{
		"CHAT_LOGIN_RATE_PER_IP": "1000000", // all people come from one address
		"CHAT_RATE_LIMIT":        "off",     // and are faster than people
		"CHAT_ENCRYPTION_KEY":    config.NewEncryptionKey(),
		"CHAT_ACCESS_TOKEN_TTL":  "1h", "CHAT_LOG_LEVEL": "warn", "CHAT_LOG_FORMAT": "json",
	}
	if o.shape != "sqlite" {
		// Durable: every commit is on disk before it is answered (flush=1 is the harness's default).
		s.db, err = harness.StartMariaDB(ctx, filepath.Join(work, "mariadb"), filepath.Join(work, "mariadb.log"), "",
			"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G", "--max-connections=500")
		if err != nil {
			return s, err
		}
		s.apps, env = append(s.apps, s.db.Process), env.With(s.db.Env())
	}
	switch o.shape {
	case "sqlite", "mariadb":
		return s, s.allInOne(ctx, o, env.With(harness.Env{"CHAT_DATA_DIR": filepath.Join(work, "data")}))
	case "services":
		return s, s.services(ctx, o, env)
	}
	return s, fmt.Errorf("there is no shape %q", o.shape)
}

func (s *system) allInOne(ctx context.Context, o options, env harness.Env) error {
	p, base := harness.NewApp("chatapp", filepath.Join(o.binaries, "chatapp"), s.work, env)
	s.apps, s.url = append(s.apps, p), base
	return p.Start(ctx)
}

// services starts one auth and users, and replicas of messages and notify,
// behind the shipped gateway on a NATS cluster.
func (s *system) services(ctx context.Context, o options, env harness.Env) error {
	nats, err := harness.StartNATS(ctx, s.work, s.work, "")
	if err != nil {
		return err
	}
	s.apps, s.monitors = append(s.apps, nats.Nodes...), nats.Monitors()
	front := fmt.Sprintf("127.0.0.1:%d", harness.FreePort())
	env = env.With(nats.Env()).With(harness.Env{"CHAT_PUBLIC_URL": "http://" + front, "CHAT_TRUSTED_PROXIES": "127.0.0.1/32"})
	bases := map[string][]string{}
	for service, replicas := range map[string]int{harness.Auth: 1, harness.Users: 1, harness.Messages: o.replicas, harness.Notify: o.replicas} {
		for i := range replicas {
			p, base := harness.NewApp(fmt.Sprintf("%s-%d", service, i), filepath.Join(o.binaries, service), s.work, env)
			s.apps, bases[service] = append(s.apps, p), append(bases[service], base)
			if err := p.Launch(); err != nil {
				return err
			}
		}
	}
	for _, p := range s.apps {
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
	}
	gateway, err := harness.StartCaddy(ctx, s.work, s.work, front, bases)
	if err != nil {
		return err
	}
	s.apps, s.url = append(s.apps, gateway), "http://"+front
	return nil
}

// pids names the processes the way `chatapp bench --pid` wants it.
func (s *system) pids() []string {
	var all []string
	for _, p := range s.apps {
		all = append(all, fmt.Sprintf("%s=%d", p.Name, p.PID()))
	}
	return all
}

// restart starts our own processes anew, on the same data.
func (s *system) restart(ctx context.Context) error {
	for _, p := range s.apps {
		if s.db != nil && p == s.db.Process {
			continue
		}
		if err := p.Stop(ctx); err != nil {
			return err
		}
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) kill() {
	for i := range s.apps {
		s.apps[len(s.apps)-1-i].Kill()
	}
}
