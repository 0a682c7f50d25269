package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/db"
	"chatapp/libs/topology"
)

// auditKeepers are the services that have an audit log: all that own tables.
var auditKeepers = topology.Schemas()

type auditCommands struct {
	Verify auditVerify `cmd:"" default:"1" help:"Recompute all seals of the audit logs and say what was changed, removed or added (the default). Exit code: 0 nothing, 1 something, 2 could not look."`
	Export auditExport `cmd:"" help:"Write the audit logs as JSON, one event a line."`
}

type auditService struct {
	Service string `enum:"auth,users,messages," default:"" help:"Only this service's: auth, users or messages."`
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
	Tip []string `placeholder:"SERVICE:SEAL:HASH" help:"A tip that was kept elsewhere, as this command and the log of the service print it: shows also that the end was cut off or everything made anew. Repeatable."`
}

// Run verifies, and prints the tips, which an operator keeps elsewhere.
func (c *auditVerify) Run(ctx context.Context, p program) error {
	kept, err := c.tips()
	if err != nil {
		complain(p.errs, err)
		return exitCode(exitCouldNot)
	}
	sound := true
	err = c.each(ctx, p, func(service string, d *db.DB) error {
		r, err := audit.Verify(ctx, d, service, kept[service]...)
		if err != nil {
			return err
		}
		sound = sound && r.OK()
		for _, problem := range r.Problems {
			say(p, service+": "+problem)
		}
		say(p, fmt.Sprintf("%s: %d events under %d seals, %d not sealed yet; tip %s:%s", service, r.Rows, r.Seals, r.Waiting, service, r.Tip))
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

// tips are the kept ones by service. Each says of which service it is, or
// --service does.
func (c *auditVerify) tips() (map[string][]audit.Tip, error) {
	kept := map[string][]audit.Tip{}
	for _, text := range c.Tip {
		service, rest, found := strings.Cut(text, ":")
		if !slices.Contains(auditKeepers, service) || !found {
			service, rest = c.Service, text
		}
		if c.Service != "" && service != c.Service {
			return nil, fmt.Errorf("--tip=%s: this is a tip of %s, and only %s is looked at", text, service, c.Service)
		}
		tip, err := audit.ParseTip(rest)
		if err != nil {
			return nil, fmt.Errorf("--tip=%s: %w", text, err)
		}
		if service == "" {
			return nil, fmt.Errorf("--tip=%s: say of which service, as in auth:%s", text, text)
		}
		kept[service] = append(kept[service], tip)
	}
	return kept, nil
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
