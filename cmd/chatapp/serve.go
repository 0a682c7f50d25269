package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"chatapp/internal/apidoc"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/obs"
	"chatapp/libs/platform/cluster"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
	"chatapp/services/auth"
	"chatapp/services/messages"
	"chatapp/services/notify"
	"chatapp/services/users"
	"chatapp/web"
)

// services lists the four services, in the order they are started.
func services() []run.Factory {
	return []run.Factory{
		factory("auth", auth.Migrations, auth.New),
		factory("users", users.Migrations, users.New),
		factory("messages", messages.Migrations, messages.New),
		factory("notify", nil, notify.New),
	}
}

func factory[U run.Unit](name string, migrations fs.FS, build func(run.Deps) (U, error)) run.Factory {
	return run.Factory{Name: name, Migrations: migrations, New: func(d run.Deps) (run.Unit, error) {
		u, err := build(d)
		if err != nil {
			return nil, err // not a nil U in an interface
		}
		return u, nil
	}}
}

type runCommand struct{}

// Run runs the all-in-one until ctx ends.
func (runCommand) Run(ctx context.Context, p program) error {
	return allInOne(ctx, p, func(cfg config.Config, listen net.Addr) {
		say(p, "ChatApp is running: open "+openURL(cfg, listen)+" (Ctrl+C stops it)")
	})
}

// allInOne runs everything; started is called once it answers.
func allInOne(ctx context.Context, p program, started func(cfg config.Config, listen net.Addr)) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	platform, err := embedded.New(cfg, log)
	if err != nil {
		return err
	}
	if cfg.EncryptionKey, err = platform.EncryptionKey(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil // told to stop while it waited
		}
		return errors.Join(err, platform.Close())
	}
	return run.Main(ctx, run.Process{
		Config: cfg, Log: log, Platform: platform, Metrics: obs.NewRegistry(),
		Started: func(listen, _ net.Addr) { started(cfg, listen) },
	}, append(services(), run.Factory{Name: "web", New: newWeb}))
}

// openURL is the public URL, with the real port when the system chose it.
func openURL(cfg config.Config, listen net.Addr) string {
	if base, ok := strings.CutSuffix(cfg.PublicURL, ":0"); ok {
		if tcp, ok := listen.(*net.TCPAddr); ok {
			return fmt.Sprintf("%s:%d", base, tcp.Port)
		}
	}
	return cfg.PublicURL
}

func say(p program, lines ...string) {
	_, _ = fmt.Fprintln(p.out, strings.Join(lines, "\n")) // nobody may be reading
}

type serveCommand struct {
	Service string `arg:"" enum:"auth,users,messages,notify" help:"auth, users, messages or notify."`
}

// Run runs one service as its own program would.
func (c *serveCommand) Run(ctx context.Context, p program) error {
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	f, err := find(c.Service)
	if err != nil {
		return err
	}
	return cluster.Serve(ctx, cfg, f)
}

func find(name string) (run.Factory, error) {
	for _, f := range services() {
		if f.Name == name {
			return f, nil
		}
	}
	return run.Factory{}, fmt.Errorf("there is no service %q", name)
}

type migrateCommand struct {
	Service string `arg:"" optional:"" help:"Only this service's schema."`
}

// Run migrates every schema.
func (c *migrateCommand) Run(ctx context.Context, p program) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	list := services()
	if c.Service != "" {
		f, err := find(c.Service)
		if err != nil {
			return err
		}
		list = []run.Factory{f}
	}
	var names []string
	for _, f := range list {
		if f.Migrations != nil {
			names = append(names, f.Name)
		}
	}
	return eachSchema(ctx, cfg, log, names, func(service string, _ *db.DB) error {
		say(p, service+": up to date")
		return nil
	})
}

// webUnit serves the browser client and the API's documentation.
type webUnit struct{ mux *http.ServeMux }

func newWeb(run.Deps) (run.Unit, error) {
	u := webUnit{http.NewServeMux()}
	docs := apidoc.Handler()
	u.mux.Handle(apidoc.PagePath, docs)
	u.mux.Handle(apidoc.DocumentPath, docs)
	u.mux.Handle("/", web.Handler())
	return u, nil
}

// Name implements run.Unit.
func (webUnit) Name() string { return "web" }

// Routes implements run.Unit.
func (webUnit) Routes() []string { return []string{apidoc.PagePath, apidoc.DocumentPath, "/"} }

// Handler implements run.Unit.
func (u webUnit) Handler() http.Handler { return u.mux }

// Ready implements run.Unit: everything is in memory.
func (webUnit) Ready(context.Context) error { return nil }

// Run implements run.Unit: there is nothing to do.
func (webUnit) Run(context.Context) error { return nil }
