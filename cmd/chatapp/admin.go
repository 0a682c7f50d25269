package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/term"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
	"chatapp/services/auth"
)

type adminCommands struct {
	Create       adminCreate       `cmd:"" help:"Create an administrator. The password is asked for, or comes from --password-stdin, CHAT_ADMIN_PASSWORD or CHAT_ADMIN_PASSWORD_FILE; never from the command line."`
	List         adminList         `cmd:"" help:"List accounts."`
	Suspend      adminSuspend      `cmd:"" help:"Sign a person out everywhere and refuse them until restored."`
	Restore      adminRestore      `cmd:"" help:"Let a suspended person sign in again."`
	SignOut      adminSignOut      `cmd:"" help:"Sign a person out everywhere."`
	Delete       adminDelete       `cmd:"" help:"Delete somebody's account for good."`
	ResetFactors adminResetFactors `cmd:"" help:"Take the second factors away from somebody who lost them."`
	Role         adminRole         `cmd:"" help:"Make a person user, moderator or admin."`
	Invite       adminInvite       `cmd:"" help:"Make an invitation and print its link."`
	Banner       adminBanner       `cmd:"" help:"Show an announcement to everybody, or take it back."`
	SignUp       adminSignUp       `cmd:"" help:"Say or decide who may sign up: open, invite or closed."`
	SecondStep   adminSecondStep   `cmd:"" help:"Say or decide who must have two-step sign-in: optional (nobody), staff or everybody."`
	ForgetKeys   adminForgetKeys   `cmd:"" name:"forget-signing-keys" help:"Delete the signing keys that CHAT_ENCRYPTION_KEY does not decrypt, when the key of before is gone for good."`
	Retention    adminRetention    `cmd:"" help:"Say or decide how long the texts of messages are kept."`
}

type adminCreate struct {
	Username      string `help:"Sign-in name; default: CHAT_ADMIN_USERNAME."`
	DisplayName   string `help:"Name people see; default: the username."`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
}

// Run creates the account; it also works beside a running ChatApp.
func (c *adminCreate) Run(ctx context.Context, p program) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	if c.Username == "" {
		c.Username = cfg.AdminUsername
	}
	if c.Username == "" {
		return errors.New("no username: give --username or set CHAT_ADMIN_USERNAME")
	}
	password, err := c.password(p, cfg)
	if err != nil {
		return err
	}
	err = withAuth(ctx, cfg, log, func(s *auth.Service) error {
		return s.CreateAdmin(ctx, c.Username, password, c.DisplayName)
	})
	if err != nil {
		return err
	}
	say(p, "administrator "+c.Username+" created")
	return nil
}

// withAuth hands the auth service on its database to work, also beside a running
// ChatApp: what happens there is told to the others by the one that runs.
func withAuth(ctx context.Context, cfg config.Config, log *slog.Logger, work func(*auth.Service) error) error {
	var err error
	if cfg.EncryptionKey, err = embedded.ReadKey(cfg); err != nil {
		return err
	}
	return eachSchema(ctx, cfg, log, []string{"auth"}, func(_ string, d *db.DB) error {
		service, err := auth.New(run.Deps{Config: cfg, Log: log, DB: d})
		if err != nil {
			return err
		}
		return work(service)
	})
}

func (c *adminCreate) password(p program, cfg config.Config) (string, error) {
	switch {
	case c.PasswordStdin:
		line, err := bufio.NewReader(io.LimitReader(p.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	case cfg.AdminPassword != "":
		return cfg.AdminPassword, nil
	case !term.IsTerminal(int(p.in.Fd())):
		return "", errors.New("no password: use --password-stdin, set CHAT_ADMIN_PASSWORD_FILE, or run it in a terminal")
	}
	first, err := ask(p, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask(p, "Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

// ask reads a line without showing it.
func ask(p program, prompt string) (string, error) {
	_, _ = fmt.Fprint(p.errs, prompt)
	b, err := term.ReadPassword(int(p.in.Fd()))
	_, _ = fmt.Fprintln(p.errs)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(b), nil
}
