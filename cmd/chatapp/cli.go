package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/obs"
	"chatapp/libs/run"
)

// program is what the process was started with.
type program struct {
	args, environ []string
	in            *os.File
	out, errs     io.Writer
}

// commands is the command line. Settings are environment variables (see
// `chatapp config`), so commands have few flags.
type commands struct {
	Run         runCommand         `cmd:"" default:"1" help:"Run everything in one process (the default)."`
	Demo        demoCommand        `cmd:"" help:"Run everything with two people and a short history, in a directory of its own."`
	Serve       serveCommand       `cmd:"" help:"Run one service, on external NATS and MySQL."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database schemas up to date and exit."`
	SetupBus    setupBusCommand    `cmd:"" help:"Make the streams and consumers on an external NATS, where services may not (CHAT_SETUP=wait)."`
	Secrets     secretsCommand     `cmd:"" help:"Make keys, passwords and certificates for separate services; what exists is kept."`
	Admin       adminCommands      `cmd:"" help:"Administrators, accounts, invitations and the announcement; also beside a running ChatApp."`
	Doctor      doctorCommand      `cmd:"" help:"Examine this installation and say what is wrong with it and how to cure it. Exit code 1: something failed."`
	Backup      backupCommand      `cmd:"" help:"Copy the embedded databases into one file, also while ChatApp runs."`
	Restore     restoreCommand     `cmd:"" help:"Fill the data directory from a backup; every client then loads anew."`
	NewEpoch    newEpochCommand    `cmd:"" help:"Tell every client to load anew: after MySQL was restored, before ChatApp is started."`
	DeadLetters deadLetterCommands `cmd:"" help:"Events that could not be handled: list, show, replay, discard."`
	Audit       auditCommands      `cmd:"" help:"The logs of what happened to accounts and what people did: verify that nobody changed them, export."`
	Verify      verifyCommand      `cmd:"" help:"Let simulated people use a ChatApp and prove that nothing is lost, doubled or out of order. Exit code: 0 proven, 1 violated, 2 could not run."`
	Bench       benchCommand       `cmd:"" help:"Measure how fast a running ChatApp accepts and delivers messages."`
	Capacity    capacityCommand    `cmd:"" help:"Say what an installation for so many users needs, and what breaks first."`
	Config      configCommand      `cmd:"" help:"Print the effective settings; secrets are hidden."`
	Metrics     metricsCommand     `cmd:"" hidden:"" help:"Print the table of all metrics, for docs/metrics.md."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit 0 when the running ChatApp is ready."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// execute runs one command and returns the exit code. An error is one line.
func execute(ctx context.Context, p program) int {
	var c commands
	code := -1
	parser, err := kong.New(&c,
		kong.Name("chatapp"),
		kong.Description("A message center for people: sign in, find each other, write. Open http://localhost:8080 after starting."),
		kong.Writers(p.out, p.errs),
		kong.Exit(func(n int) { code = n }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the struct above is wrong
	}
	args := p.args
	if len(args) == 1 && args[0] == "--demo" {
		args = []string{"demo"}
	}
	k, err := parser.Parse(args)
	if code >= 0 {
		return code // --help
	}
	if err == nil {
		err = k.Run()
	}
	if told := exitCode(0); errors.As(err, &told) {
		return int(told)
	}
	if err != nil {
		complain(p.errs, err)
		if e, ok := errors.AsType[*kong.ParseError](err); ok && judges(e.Context) {
			return exitCouldNot // a mistyped flag is not a violation
		}
		return 1
	}
	return 0
}

// judges reports whether c is a command whose exit code is a verdict.
func judges(c *kong.Context) bool {
	return c != nil && slices.ContainsFunc([]string{"verify", "bench", "audit verify"}, func(command string) bool {
		return strings.HasPrefix(c.Command(), command)
	})
}

// complain prints err, each line marked as ours; a domain error by its words
// for people.
func complain(w io.Writer, err error) {
	text := err.Error()
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Slug != errs.Internal && e.Err == nil {
		text = e.Detail
	}
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintln(w, "chatapp: "+line) // nowhere left to say that this failed
	}
}

// load reads the settings and makes the log.
func (p program) load() (config.Config, *slog.Logger, error) {
	cfg, err := config.Load(p.environ)
	return cfg, obs.NewLog(p.errs, cfg.LogLevel, cfg.LogFormat), err
}

type configCommand struct {
	Markdown bool `help:"Print the table of all keys for the README instead."`
}

// Run prints the settings.
func (c *configCommand) Run(p program) error {
	if c.Markdown {
		_, err := io.WriteString(p.out, config.Markdown())
		return err
	}
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, config.Text(cfg))
	return err
}

type healthcheckCommand struct{}

// Run asks the running process.
func (healthcheckCommand) Run(ctx context.Context, p program) error {
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	return run.Healthcheck(ctx, cfg)
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p program) error {
	_, err := fmt.Fprintln(p.out, obs.ReadBuild())
	return err
}
