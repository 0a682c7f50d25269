package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"chatapp/libs/config"
	"chatapp/libs/obs"
	"chatapp/libs/run"
)

// Main is the whole program of one service on its own and returns its exit
// code. Without arguments it serves until SIGTERM or SIGINT (a second one ends
// it at once); "migrate", "healthcheck", "config" and "version" do what they
// say. An error is one line on standard error and exit code 1.
func Main(f run.Factory) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	run.EndOnSecondSignal(ctx, stop)
	if err := command(ctx, f, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", f.Name, err)
		return 1
	}
	return 0
}

func command(ctx context.Context, f run.Factory, args, environ []string, out io.Writer) error {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	if name == "version" {
		_, err := fmt.Fprintln(out, obs.ReadBuild())
		return err
	}
	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}
	switch name {
	case "":
		return Serve(ctx, cfg, f)
	case "migrate":
		return Migrate(ctx, cfg, f)
	case "healthcheck":
		return run.Healthcheck(ctx, cfg)
	case "config":
		_, err := fmt.Fprint(out, config.Text(cfg))
		return err
	default:
		return errors.New("usage: [migrate | healthcheck | config | version]; without one it serves")
	}
}

// Serve runs one service on external NATS and MySQL until ctx ends.
func Serve(ctx context.Context, cfg config.Config, f run.Factory) error {
	log := obs.NewLog(os.Stderr, cfg.LogLevel, cfg.LogFormat)
	p, err := New(cfg, f.Name, log)
	if err != nil {
		return err
	}
	return run.Main(ctx, run.Process{Config: cfg, Log: log, Platform: p, Metrics: obs.NewRegistry()}, []run.Factory{f})
}

// Migrate brings the schema of one service up to date and returns.
func Migrate(ctx context.Context, cfg config.Config, f run.Factory) error {
	if f.Migrations == nil {
		return nil // owns no tables
	}
	log := obs.NewLog(os.Stderr, cfg.LogLevel, cfg.LogFormat)
	d, err := run.OpenSchema(ctx, &Platform{cfg: cfg, name: f.Name, log: log}, f, log)
	if err != nil {
		return err
	}
	return d.Close()
}
