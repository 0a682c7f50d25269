package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"chatapp/internal/client"
	"chatapp/libs/config"
)

// demoPassword is known to everybody who reads this; the demo listens on
// localhost unless told otherwise.
const demoPassword = "difference engine"

type demoCommand struct{}

// Run runs the all-in-one in chatapp-demo (or CHAT_DATA_DIR) and fills it.
func (demoCommand) Run(ctx context.Context, p program) error {
	if !slices.ContainsFunc(p.environ, func(s string) bool { return strings.HasPrefix(s, "CHAT_DATA_DIR=") }) {
		p.environ = append(slices.Clone(p.environ), "CHAT_DATA_DIR=chatapp-demo")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	err := allInOne(ctx, p, func(cfg config.Config, listen net.Addr) {
		url := openURL(cfg, listen)
		go func() {
			if err := fill(ctx, "http://"+listen.String()); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("the demo could not be filled: %w", err)
				stop()
				return
			}
			say(p,
				"ChatApp is running with two people: open "+url+" (Ctrl+C stops it)",
				"  sign in as ada, password: "+demoPassword,
				"  and, in another browser or a private window, as ben, password: "+demoPassword,
				"  data: "+cfg.DataDir)
		}()
	})
	select {
	case cause := <-failed:
		return errors.Join(cause, err)
	default:
		return err
	}
}

// demoLine is one message of the history; its client id is fixed, so that a
// second run writes nothing.
type demoLine struct{ from, clientID, body string }

var demoHistory = []demoLine{
	{"ada", "01900000-0000-7000-8000-000000000001", "Hello Ben! Does this arrive?"},
	{"ben", "01900000-0000-7000-8000-000000000002", "It does, at once 🎉"},
	{"ada", "01900000-0000-7000-8000-000000000003", "Good. Then close your laptop, write to me from your phone,\nand open the laptop again."},
	{"ben", "01900000-0000-7000-8000-000000000004", "Everything is there, in order, and nothing twice."},
	{"ada", "01900000-0000-7000-8000-000000000005", "As it should be. Scroll, search for people, try the keyboard: Enter sends, Shift+Enter makes a new line."},
	{"ben", "01900000-0000-7000-8000-000000000006", "See you!"},
}

// fill signs the two people up (or in) and writes the history, all through the
// API that everybody uses.
func fill(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	people := map[string]*client.Client{}
	for _, name := range []string{"ada", "ben"} {
		c := client.New(client.At(base))
		err := c.RegisterAs(ctx, name, strings.ToUpper(name[:1])+name[1:], demoPassword)
		if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusConflict {
			err = c.LoginAs(ctx, name, demoPassword)
		}
		if err != nil {
			return err
		}
		people[name] = c
	}
	for _, line := range demoHistory {
		to := people["ada"]
		if line.from == "ada" {
			to = people["ben"]
		}
		if _, _, err := people[line.from].Post(ctx, to.ID(), line.clientID, line.body); err != nil {
			return err
		}
	}
	return nil
}
