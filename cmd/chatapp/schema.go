package main

import (
	"context"
	"errors"
	"fmt"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
)

// schema is one service's database, up to date.
type schema struct{ *db.DB }

// eachSchema opens the databases of services one after the other, also beside a
// running ChatApp, brings them up to date and hands them to work.
func eachSchema(ctx context.Context, p program, cfg config.Config, services []string, work func(service string, s *schema) error) error {
	_, log, err := p.load()
	if err != nil {
		return err
	}
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
		return errors.Join(work(service, &schema{d}), d.Close())
	}
	for _, service := range services {
		if err = one(service); err != nil {
			break
		}
	}
	return errors.Join(err, platform.Close())
}
