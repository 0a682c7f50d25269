package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// deadShown is how many dead letters of a service are listed.
const deadShown = 1000

// deadKeepers are the services that keep events they gave up.
var deadKeepers = []string{"auth", "users", "messages"}

type deadLetterCommands struct {
	List    deadList    `cmd:"" default:"1" help:"List the events that were given up (the default)."`
	Show    deadShow    `cmd:"" help:"Show one with its content."`
	Replay  deadReplay  `cmd:"" help:"Have the running service handle events again."`
	Discard deadDiscard `cmd:"" help:"Delete events for good."`
}

type deadService struct {
	Service string `enum:"auth,users,messages," default:"" help:"Only this service's: auth, users or messages."`
}

// each calls work with every service that was asked for.
func (o deadService) each(ctx context.Context, p program, work func(service string, d *db.DB) error) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	list := deadKeepers
	if o.Service != "" {
		list = []string{o.Service}
	}
	return eachSchema(ctx, cfg, log, list, work)
}

type deadList struct {
	deadService
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run lists them, the oldest first.
func (c *deadList) Run(ctx context.Context, p program) error {
	total := 0
	err := c.each(ctx, p, func(service string, d *db.DB) error {
		letters, err := outbox.DeadLetters(ctx, d, deadShown)
		for _, letter := range letters {
			total++
			if c.JSON {
				err = errors.Join(err, json.NewEncoder(p.out).Encode(map[string]any{
					"service": service, "id": letter.ID, "type": letter.Type, "subject": letter.Subject, "error": letter.Error, "created_at": letter.CreatedAt.UTC(), "replaying": letter.Replaying(),
				}))
				continue
			}
			state := ""
			if letter.Replaying() {
				state = " (about to be handled again)"
			}
			say(p, fmt.Sprintf("%s  %s  %s  %s  %s%s", service, letter.ID, letter.CreatedAt.UTC().Format(time.RFC3339), letter.Type, letter.Error, state))
		}
		return err
	})
	if err == nil && total == 0 && !c.JSON {
		say(p, "there are no dead letters")
	}
	return err
}

type deadShow struct {
	deadService
	ID string `arg:"" help:"As listed."`
}

// Run shows one.
func (c *deadShow) Run(ctx context.Context, p program) error {
	found := false
	err := c.each(ctx, p, func(service string, d *db.DB) error {
		letters, err := outbox.DeadLetters(ctx, d, deadShown)
		for _, letter := range letters {
			if letter.ID.String() == c.ID {
				found = true
				say(p, "service: "+service, "subject: "+letter.Subject, "error:   "+letter.Error, "content: "+string(letter.Payload))
			}
		}
		return err
	})
	if err == nil && !found {
		return errors.New("there is no dead letter " + c.ID)
	}
	return err
}

type deadChoice struct {
	deadService
	IDs []string `arg:"" optional:"" name:"id" help:"As listed."`
	All bool     `help:"All of them."`
}

// apply does one thing to the letters that were chosen and counts them.
func (c deadChoice) apply(ctx context.Context, p program, done string, work func(d *db.DB, ids []id.ID) (int64, error)) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("give the ids of dead letters, or --all")
	}
	var ids []id.ID
	for _, text := range c.IDs {
		v, err := id.Parse(text)
		if err != nil {
			return fmt.Errorf("%q is not the id of a dead letter", text)
		}
		ids = append(ids, v)
	}
	var total int64
	err := c.each(ctx, p, func(_ string, d *db.DB) error {
		n, err := work(d, ids)
		total += n
		return err
	})
	if err == nil {
		say(p, fmt.Sprintf("%d %s", total, done))
	}
	return err
}

type deadReplay struct{ deadChoice }

// Run marks them; the service that runs takes them up within seconds.
func (c *deadReplay) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "to be handled again by the running service; those that fail again stay in the list", func(d *db.DB, ids []id.ID) (int64, error) {
		return outbox.Replay(ctx, d, ids...)
	})
}

type deadDiscard struct{ deadChoice }

// Run deletes them.
func (c *deadDiscard) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "deleted", func(d *db.DB, ids []id.ID) (int64, error) {
		return outbox.Discard(ctx, d, ids...)
	})
}
