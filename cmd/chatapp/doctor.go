package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"chatapp/internal/doctor"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/platform/cluster"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
	"chatapp/services/auth"
)

type doctorCommand struct {
	Service string `help:"Whose settings these are, where each service has its own: auth, users, messages or notify." enum:"auth,users,messages,notify," default:""`
	JSON    bool   `name:"json" help:"One JSON array."`
}

// Run examines the installation that the settings describe, running or not.
// The exit code is 1 when something failed.
func (c *doctorCommand) Run(ctx context.Context, p program) error {
	cfg, err := config.Load(p.environ)
	var list []doctor.Finding
	if err != nil {
		list = append(list, doctor.Configuration(err))
	} else {
		list = doctor.Examine(ctx, doctor.Patient{Config: cfg, Identity: c.identity(), Schemas: schemasOf(cfg, c.Service)})
	}
	show := doctor.Print
	if c.JSON {
		show = doctor.JSON
	}
	if err := show(p.out, list); err != nil {
		return err
	}
	if doctor.Worst(list) == doctor.Failed {
		return exitCode(1)
	}
	return nil
}

// identity is who the settings belong to.
func (c *doctorCommand) identity() string {
	if c.Service == "" {
		return "chatapp"
	}
	return c.Service
}

// schemasOf lists the databases that the settings name; an embedded one that
// does not exist yet is not made.
func schemasOf(cfg config.Config, only string) []doctor.Schema {
	var list []doctor.Schema
	for _, f := range services() {
		if f.Migrations == nil || only != "" && only != f.Name {
			continue
		}
		if cfg.DatabaseURL == "" {
			if _, err := os.Stat(embedded.Database(cfg.DataDir, f.Name)); errors.Is(err, fs.ErrNotExist) {
				continue
			}
		}
		list = append(list, schemaOf(cfg, f))
	}
	return list
}

func schemaOf(cfg config.Config, f run.Factory) doctor.Schema {
	s := doctor.Schema{
		Service: f.Name,
		Open: func(ctx context.Context) (*db.DB, error) {
			if cfg.DatabaseURL != "" {
				return cluster.ProbeDB(ctx, cfg, f.Name)
			}
			path := embedded.Database(cfg.DataDir, f.Name)
			if err := embedded.CheckSQLite(ctx, path); err != nil {
				return nil, fmt.Errorf("%w: restore a backup (chatapp restore)", err)
			}
			return embedded.OpenSQLite(ctx, path, slog.New(slog.DiscardHandler))
		},
		Pending: func(ctx context.Context, d *db.DB) (bool, error) { return d.Pending(ctx, f.Migrations) },
	}
	if f.Name == events.ServiceAuth {
		s.Secrets = func(ctx context.Context, d *db.DB) error {
			var err error
			if cfg.EncryptionKey, err = embedded.ReadKey(cfg); err != nil {
				return err
			}
			return auth.CheckSecrets(ctx, cfg, d)
		}
	}
	return s
}
