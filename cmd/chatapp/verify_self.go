package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
	"chatapp/internal/verify"
)

// faults are what `verify --self --faults` can do.
var faults = map[string]func(context.Context, *verify.Run, *child, *rand.Rand) error{
	"kill": func(ctx context.Context, r *verify.Run, c *child, _ *rand.Rand) error {
		return c.restart(ctx, r, "kill", syscall.SIGKILL, nil)
	},
	"term": func(ctx context.Context, r *verify.Run, c *child, _ *rand.Rand) error {
		return c.restart(ctx, r, "term", syscall.SIGTERM, nil)
	},
	"wipe-nats": func(ctx context.Context, r *verify.Run, c *child, _ *rand.Rand) error {
		return c.restart(ctx, r, "wipe-nats", syscall.SIGKILL, func() error {
			bus := filepath.Join(c.data, "nats")
			if _, err := os.Stat(bus); err != nil {
				return fmt.Errorf("where does the embedded NATS keep its files? %w", err)
			}
			return os.RemoveAll(bus)
		})
	},
	"pause": func(ctx context.Context, r *verify.Run, c *child, rng *rand.Rand) error {
		defer r.Fault("pause")()
		if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		wait(ctx, time.Second+upTo(rng, 4*time.Second))
		return c.cmd.Process.Signal(syscall.SIGCONT)
	},
	"drop": func(_ context.Context, r *verify.Run, _ *child, _ *rand.Rand) error {
		defer r.Fault("drop")()
		r.Drop()
		return nil
	},
}

// faultOver bounds how long a fault is waited for to be over.
const faultOver = 30 * time.Second

func knownFaults(names []string) error {
	for _, name := range names {
		if faults[name] == nil {
			return fmt.Errorf("there is no fault %q: choose from kill, term, pause, wipe-nats, drop", name)
		}
	}
	return nil
}

// verifySelf verifies a ChatApp of its own. Its directory stays when something
// was wrong.
func (c *verifyCommand) verifySelf(ctx context.Context, p program) (*check.Report, error) {
	dir, err := os.MkdirTemp("", "chatapp-verify-")
	if err != nil {
		return nil, err
	}
	app, err := newChild(p, dir)
	if err == nil {
		err = app.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the ChatApp to verify does not start: %w", err), os.RemoveAll(dir))
	}
	var disturb func(context.Context, *verify.Run) error
	if len(c.Faults) > 0 {
		disturb = func(ctx context.Context, r *verify.Run) error { return c.disturb(ctx, r, app) }
	}
	report, err := c.verify(ctx, p, []client.Site{client.At(app.url)}, disturb)
	app.end()
	if err != nil || !report.OK() {
		_, _ = fmt.Fprintln(p.errs, "its data and its log are kept in "+dir)
		return report, err
	}
	return report, os.RemoveAll(dir)
}

// disturb does every fault, in shuffled rounds, each when the one before is
// over, until ctx ends; at least one round.
func (c *verifyCommand) disturb(ctx context.Context, r *verify.Run, app *child) error {
	rng := rand.New(rand.NewPCG(c.Seed, 2))
	background := context.WithoutCancel(ctx)
	for round := 0; ; round++ {
		kinds := slices.Clone(c.Faults)
		rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			wait(background, time.Second+upTo(rng, 2*time.Second))
			if ctx.Err() != nil && round > 0 {
				return nil
			}
			calm, cancel := context.WithTimeout(background, faultOver)
			_ = r.Calm(calm) // a device that does not come back is reported at the end
			cancel()
			if err := faults[kind](background, r, app, rng); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// child is a ChatApp in a process of its own.
type child struct {
	program, data, log string
	url, ready         string
	environ            []string
	cmd                *exec.Cmd
	ended              chan struct{}
}

func newChild(p program, dir string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{program: self, data: filepath.Join(dir, "data"), log: filepath.Join(dir, "chatapp.log")}
	listen, err := freePort()
	if err != nil {
		return nil, err
	}
	admin, err := freePort()
	if err != nil {
		return nil, err
	}
	c.url, c.ready = "http://"+listen, "http://"+admin+"/readyz"
	for _, kv := range p.environ {
		if !strings.HasPrefix(kv, "CHAT_") { // settings of another installation
			c.environ = append(c.environ, kv)
		}
	}
	c.environ = append(c.environ, "CHAT_LISTEN="+listen, "CHAT_ADMIN_LISTEN="+admin, "CHAT_DATA_DIR="+c.data, "CHAT_LOGIN_RATE_PER_IP=1000000", "CHAT_RATE_LIMIT=off")
	return c, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts the process and waits until it is ready.
func (c *child) start(ctx context.Context) error {
	if err := c.spawn(); err != nil {
		return err
	}
	return c.untilReady(ctx)
}

func (c *child) spawn() error {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(c.program) //nolint:gosec // this very program
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = c.environ, log, log
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // how it ended does not matter: it was made to
		close(ended)
	}(c.cmd, c.ended)
	return nil
}

func (c *child) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ready, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-c.ended:
			text, _ := os.ReadFile(c.log)
			return fmt.Errorf("it ended: %s", lastLine(string(text)))
		case <-ctx.Done():
			return errors.New("it is not ready after a minute")
		}
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// restart ends the process with a signal and starts it again; between may
// change its files while it is down. The fault is over when the new process
// has been started: that it takes a while to be ready is part of the recovery.
func (c *child) restart(ctx context.Context, r *verify.Run, kind string, signal syscall.Signal, between func() error) error {
	healed := r.Fault(kind)
	if err := c.cmd.Process.Signal(signal); err != nil {
		return err
	}
	<-c.ended
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	if err := c.spawn(); err != nil {
		return err
	}
	healed()
	return c.untilReady(ctx)
}

// end stops the process.
func (c *child) end() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	t := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer t.Stop()
	<-c.ended
}

// upTo is a random duration below d.
func upTo(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)))
}
