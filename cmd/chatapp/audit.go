package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/db"
)

// auditKeepers are the services that have an audit log.
var auditKeepers = []string{"auth"}

type auditCommands struct {
	Verify auditVerify `cmd:"" default:"1" help:"Recompute all seals of the audit logs and say what was changed, removed or added (the default). Exit code: 0 nothing, 1 something, 2 could not look."`
	Export auditExport `cmd:"" help:"Write the audit logs as JSON, one event a line."`
}

type auditService struct {
	Service string `enum:"auth," default:"" help:"Only this service's: auth."`
}

// each calls work with every service that was asked for.
func (o auditService) each(ctx context.Context, p program, work func(service string, d *db.DB) error) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	list := auditKeepers
	if o.Service != "" {
		list = []string{o.Service}
	}
	return eachSchema(ctx, cfg, log, list, work)
}

type auditVerify struct {
	auditService
	Tip []string `placeholder:"SEAL:HASH" help:"A tip that was kept elsewhere, as this command and the log of the service print it: shows also that the end was cut off or everything made anew. Repeatable; needs --service when several have an audit log."`
}

// Run verifies, and prints the tips, which an operator keeps elsewhere.
func (c *auditVerify) Run(ctx context.Context, p program) error {
	kept := make([]audit.Tip, 0, len(c.Tip))
	for _, text := range c.Tip {
		tip, err := audit.ParseTip(text)
		if err != nil {
			complain(p.errs, fmt.Errorf("--tip=%s: %w", text, err))
			return exitCode(exitCouldNot)
		}
		kept = append(kept, tip)
	}
	sound := true
	err := c.each(ctx, p, func(service string, d *db.DB) error {
		r, err := audit.Verify(ctx, d, service, kept...)
		if err != nil {
			return err
		}
		sound = sound && r.OK()
		for _, problem := range r.Problems {
			say(p, service+": "+problem)
		}
		say(p, fmt.Sprintf("%s: %d events under %d seals, %d not sealed yet; tip %s", service, r.Rows, r.Seals, r.Waiting, r.Tip))
		return nil
	})
	if err != nil {
		complain(p.errs, err)
		return exitCode(exitCouldNot)
	}
	if !sound {
		return exitCode(exitViolation)
	}
	return nil
}

type auditExport struct {
	auditService
	Since time.Time `placeholder:"TIME" help:"Only events from this time on, like 2026-01-31T00:00:00Z."`
	Until time.Time `placeholder:"TIME" help:"Only events before this time."`
}

// Run writes them, the oldest first.
func (c *auditExport) Run(ctx context.Context, p program) error {
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false)
	return c.each(ctx, p, func(service string, d *db.DB) error {
		return audit.Export(ctx, d, service, audit.Span{Since: c.Since, Until: c.Until}, func(e audit.Entry) error { return out.Encode(e) })
	})
}
