package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"chatapp/internal/check"
	"chatapp/internal/client"
	"chatapp/internal/verify"
)

type verifyCommand struct {
	URL          []string      `help:"Address of a running ChatApp; several separated by commas for several ways in. Temporary accounts are made unless --login is given."`
	Self         bool          `help:"Start a ChatApp in a temporary directory and verify that."`
	Replay       string        `type:"path" help:"Judge a recorded history again; no server is needed."`
	Faults       []string      `help:"With --self: what to do to it meanwhile: kill, term, pause, wipe-nats, drop; several separated by commas."`
	Duration     time.Duration `default:"30s" help:"How long people write."`
	People       int           `default:"6" help:"How many people."`
	Devices      int           `default:"3" help:"Devices of each."`
	Rate         float64       `default:"50" help:"Messages a second, of all people together."`
	Seed         uint64        `help:"Repeat the choices of an earlier run; default: random, and printed."`
	Login        []string      `help:"Use these existing accounts, at least two separated by commas, instead of temporary ones. Their password, the same for all, is CHAT_VERIFY_PASSWORD, the first line of --password-file, or asked for."`
	PasswordFile string        `type:"path" help:"File with the password for --login."`
	History      string        `type:"path" help:"Write every operation to this file, as lines of JSON."`
	JSON         bool          `help:"Print the report as JSON."`
}

// Run exits with 0 when every promise held, with 1 when one did not, and with 2
// when that could not be found out.
func (c *verifyCommand) Run(ctx context.Context, p program) error {
	report, err := c.report(ctx, p)
	if err == nil {
		err = c.print(p.out, report)
	}
	if err != nil {
		complain(p.errs, err)
		return exitCode(exitCouldNot)
	}
	if !report.OK() {
		complain(p.errs, fmt.Errorf("delivery was violated %d times", report.ViolationCount))
		return exitCode(exitViolation)
	}
	return nil
}

func (c *verifyCommand) print(w io.Writer, report *check.Report) error {
	if !c.JSON {
		return report.WriteTable(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

// report does what was asked for.
func (c *verifyCommand) report(ctx context.Context, p program) (*check.Report, error) {
	chosen := 0
	for _, given := range []bool{len(c.URL) > 0, c.Self, c.Replay != ""} {
		if given {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return nil, errors.New("give one of --url, --self and --replay")
	case len(c.Faults) > 0 && !c.Self:
		return nil, errors.New("--faults needs --self: only what verify started itself is broken on purpose")
	case c.Replay != "":
		return replay(c.Replay)
	}
	if err := knownFaults(c.Faults); err != nil {
		return nil, err
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Self {
		return c.verifySelf(ctx, p)
	}
	var sites []client.Site
	for _, address := range c.URL {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, fmt.Errorf("--url %s: want http://host or https://host", address)
		}
		sites = append(sites, client.At(strings.TrimRight(address, "/")))
	}
	return c.verify(ctx, p, sites, nil)
}

func replay(path string) (*check.Report, error) {
	f, err := os.Open(path) //nolint:gosec // the file its caller names
	if err != nil {
		return nil, err
	}
	defer f.Close()
	history, err := check.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(history) == 0 {
		return nil, fmt.Errorf("%s: no operations", path)
	}
	return check.Check(history), nil
}

// verify lets people use sites for the duration. disturb, when given, breaks
// things meanwhile and returns when they are whole again.
func (c *verifyCommand) verify(ctx context.Context, p program, sites []client.Site, disturb func(context.Context, *verify.Run) error) (report *check.Report, err error) {
	o := verify.Options{Sites: sites, People: c.People, Devices: c.Devices, Rate: c.Rate, Seed: c.Seed}
	show := newProgress(p.errs, c.Duration)
	o.Say = show.say
	if o.Accounts, err = c.accounts(p); err != nil {
		return nil, err
	}
	if c.History != "" {
		f, err := os.OpenFile(c.History, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.History = f
	}
	show.say(fmt.Sprintf("seed %d", c.Seed))
	run, err := verify.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := c.watch(ctx, run, show, disturb); err != nil {
		return nil, err
	}
	show.say("waiting until every device has everything, then reading everything back")
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return run.Finish(ctx)
}

// watch shows the progress until the time is up and disturb has ended.
func (c *verifyCommand) watch(ctx context.Context, run *verify.Run, show *progress, disturb func(context.Context, *verify.Run) error) error {
	done := make(chan error, 1)
	writing, stop := context.WithTimeout(ctx, c.Duration)
	defer stop()
	go func() {
		if disturb == nil {
			<-writing.Done()
			done <- nil
			return
		}
		done <- disturb(writing, run)
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case err := <-done:
			show.end()
			if err == nil {
				err = ctx.Err()
			}
			return err
		case <-tick.C:
			v := run.Progress()
			show.at(time.Since(began), fmt.Sprintf("%d posts with repetitions, %d accepted, %d shown, %d reconnects, %d retries, %d faults", v.Attempted, v.Acked, v.Pushed, v.Reconnects, v.Retries, v.Faults))
		}
	}
}

// accounts are the existing people to use; none = temporary ones.
func (c *verifyCommand) accounts(p program) ([]verify.Account, error) {
	if len(c.Login) == 0 {
		return nil, nil
	}
	if len(c.Login) < 2 || c.Self {
		return nil, errors.New("--login needs at least two accounts, and --url")
	}
	password, err := c.password(p)
	if err != nil {
		return nil, err
	}
	var all []verify.Account
	for _, login := range c.Login {
		all = append(all, verify.Account{Login: login, Password: password})
	}
	return all, nil
}

func (c *verifyCommand) password(p program) (string, error) {
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		line, _, _ := strings.Cut(string(b), "\n")
		return strings.TrimRight(line, "\r"), err
	}
	for _, kv := range p.environ {
		if v, ok := strings.CutPrefix(kv, "CHAT_VERIFY_PASSWORD="); ok {
			return v, nil
		}
	}
	if !term.IsTerminal(int(p.in.Fd())) {
		return "", errors.New("no password for --login: set CHAT_VERIFY_PASSWORD, give --password-file, or run it in a terminal")
	}
	return ask(p, "Password of "+strings.Join(c.Login, ", ")+": ")
}
