package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/platform/cluster"
	"chatapp/libs/run"
	"chatapp/libs/topology"
)

type setupBusCommand struct {
	Watch bool `help:"Stay, and make them again when NATS has lost them."`
}

// watchEvery is how soon a lost stream is made again.
const watchEvery = 5 * time.Second

// Run makes the streams and the durable consumers on CHAT_NATS_URL.
func (c *setupBusCommand) Run(ctx context.Context, p program) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	if cfg.NATSURL == "" {
		return fmt.Errorf("CHAT_NATS_URL is not set: the embedded NATS needs no setting up")
	}
	nc, err := cluster.ConnectNATS(ctx, cfg, topology.BusAdmin, log)
	if err != nil {
		return err
	}
	defer cluster.Hangup(nc)
	b, err := bus.Connect(nc, log)
	if err != nil {
		return err
	}
	if err := run.SetUpBus(ctx, b, cfg, log); err != nil {
		return err
	}
	say(p, "streams and consumers are set up")
	if c.Watch {
		keepBus(ctx, b, cfg, log)
	}
	return nil
}

// keepBus sets up again and again until ctx ends.
func keepBus(ctx context.Context, b *bus.Bus, cfg config.Config, log *slog.Logger) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := run.SetUpBus(ctx, b, cfg, log); err != nil && ctx.Err() == nil {
			log.Warn("streams and consumers could not be looked after", "error", err)
		}
	}
}
