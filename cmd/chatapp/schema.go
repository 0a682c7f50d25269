package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
)

// eachSchema opens the databases of services one after the other, also beside a
// running ChatApp, brings them up to date and hands them to work.
func eachSchema(ctx context.Context, cfg config.Config, log *slog.Logger, services []string, work func(service string, d *db.DB) error) error {
	platform, err := embedded.New(cfg, log)
	if err != nil {
		return err
	}
	one := func(service string) error {
		f, err := find(service)
		if err != nil {
			return err
		}
		d, err := run.OpenSchema(ctx, platform, f, log)
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		return errors.Join(work(service, d), d.Close())
	}
	for _, service := range services {
		if err = one(service); err != nil {
			break
		}
	}
	return errors.Join(err, platform.Close())
}
