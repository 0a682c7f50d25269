package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/run"
	"chatapp/services/messages"
)

type adminRetention struct {
	Days    int  `help:"Keep the texts of messages for so many days, 1 to 3650."`
	Forever bool `help:"Keep them for ever."`
	Yes     bool `help:"Keep fewer than now; without it, only what would happen is said."`
}

// Run says or changes how long texts are kept.
func (c *adminRetention) Run(ctx context.Context, p program) error {
	if c.Forever && c.Days != 0 {
		return errors.New("give --days or --forever, not both")
	}
	if c.Days < 0 || c.Days > messages.MaxRetention {
		return fmt.Errorf("give --days from 1 to %d, or --forever", messages.MaxRetention)
	}
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	return eachSchema(ctx, cfg, log, []string{"messages"}, func(_ string, d *db.DB) error {
		service, err := messages.New(run.Deps{Config: cfg, Log: log, DB: d})
		if err != nil {
			return err
		}
		return c.apply(ctx, p, service)
	})
}

func (c *adminRetention) apply(ctx context.Context, p program, s *messages.Service) error {
	now, err := s.Retention(ctx)
	if err != nil {
		return err
	}
	if c.Days != 0 || c.Forever {
		if err := c.confirm(ctx, s, now); err != nil {
			return err
		}
		if now, err = s.SetRetention(ctx, c.Days, now.Version); err != nil {
			return err
		}
	}
	say(p, "messages are kept "+kept(now.Days))
	if now.TakesEffectAt != nil {
		say(p, fmt.Sprintf("from %s on; until then %s", now.TakesEffectAt.UTC().Format(time.RFC3339), kept(now.Previous)))
	}
	return nil
}

// confirm returns an error that says what would be erased, where --yes is missing.
func (c *adminRetention) confirm(ctx context.Context, s *messages.Service, now messages.Retention) error {
	if c.Yes || !now.ErasesMore(c.Days) {
		return nil
	}
	texts, complete, err := s.WouldErase(ctx, c.Days)
	if err != nil {
		return err
	}
	more := ""
	if !complete {
		more = ", and maybe more: old messages are still being counted"
	}
	return fmt.Errorf("up to %d texts are older than that today%s; an hour later they would be erased for good: give --yes to do it", texts, more)
}

func kept(days int) string {
	if days == 0 {
		return "for ever"
	}
	return fmt.Sprintf("for %d days", days)
}
