package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatapp/services/auth"
)

// listPage is how many accounts are read at a time.
const listPage = 500

// administer opens the auth service for a command.
func administer(ctx context.Context, p program, work func(*auth.Service) error) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	return withAuth(ctx, cfg, log, work)
}

// someone is the person that a command is about.
type someone struct {
	Login string `arg:"" help:"Username or e-mail address."`
}

// apply does work to the account and says done.
func (c someone) apply(ctx context.Context, p program, done string, work func(*auth.Service, auth.Account) error) error {
	name := ""
	err := administer(ctx, p, func(s *auth.Service) error {
		acc, err := s.PersonNamed(ctx, c.Login)
		if err != nil {
			return err
		}
		name = acc.Username
		return work(s, acc)
	})
	if err == nil {
		say(p, name+" "+done)
	}
	return err
}

type adminList struct {
	Query string `arg:"" optional:"" help:"How the username, e-mail address or display name begins."`
	State string `enum:"active,suspended," default:"" help:"active or suspended."`
	Role  string `enum:"user,moderator,admin," default:"" help:"user, moderator or admin."`
}

// Run prints one account a line: username, role, state, e-mail address, name.
func (c *adminList) Run(ctx context.Context, p program) error {
	total := 0
	err := administer(ctx, p, func(s *auth.Service) error {
		f := auth.PeopleFilter{Query: c.Query, State: c.State, Role: c.Role, Limit: listPage}
		for {
			list, err := s.People(ctx, auth.Operator(), f)
			if err != nil {
				return err
			}
			for _, a := range list {
				say(p, accountLine(a))
				f.After = a.Username
				total++
			}
			if len(list) < listPage {
				return nil
			}
		}
	})
	if err == nil && total == 0 {
		say(p, "there are no such accounts")
	}
	return err
}

func accountLine(a auth.Person) string {
	state := "active"
	if a.Suspension != nil {
		state = "suspended"
	}
	email := a.Email
	if email == "" {
		email = "-"
	}
	return strings.Join([]string{a.Username, a.Role, state, email, a.DisplayName}, "  ")
}

type adminSuspend struct {
	someone
	Reason string `required:"" help:"For administrators; the person does not see it."`
}

// Run suspends the person.
func (c *adminSuspend) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "is suspended", func(s *auth.Service, acc auth.Account) error {
		return s.Suspend(ctx, auth.Operator(), acc.ID, c.Reason)
	})
}

type adminRestore struct{ someone }

// Run ends the suspension.
func (c *adminRestore) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "may sign in", func(s *auth.Service, acc auth.Account) error {
		return s.Restore(ctx, auth.Operator(), acc.ID)
	})
}

type adminSignOut struct{ someone }

// Run ends the person's sessions.
func (c *adminSignOut) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "is signed out everywhere", func(s *auth.Service, acc auth.Account) error {
		return s.SignOut(ctx, auth.Operator(), acc.ID)
	})
}

type adminResetFactors struct{ someone }

// Run takes the factors away.
func (c *adminResetFactors) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "signs in with the password alone", func(s *auth.Service, acc auth.Account) error {
		return s.ResetFactors(ctx, auth.Operator(), acc.ID)
	})
}

type adminDelete struct {
	someone
	Yes bool `help:"Do it; without it, only what would happen is said."`
}

// Run deletes the account for good.
func (c *adminDelete) Run(ctx context.Context, p program) error {
	if !c.Yes {
		return fmt.Errorf("%s would be gone for good, with the username; give --yes to do it", c.Login)
	}
	return c.apply(ctx, p, "is deleted", func(s *auth.Service, acc auth.Account) error {
		return s.Delete(ctx, acc.ID)
	})
}

type adminForgetKeys struct {
	Yes bool `help:"Do it; without it, only what would happen is said."`
}

// Run deletes the signing keys that nobody can use any more.
func (c *adminForgetKeys) Run(ctx context.Context, p program) error {
	if !c.Yes {
		return errors.New("everybody's access tokens would be refused and made anew, which clients do by themselves; people who sign in with an app for codes need a recovery code, once, to set it up again; give --yes to do it")
	}
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	return withAuth(ctx, cfg, log, func(s *auth.Service) error {
		n, err := s.ForgetSigningKeys(ctx)
		if err == nil {
			say(p, fmt.Sprintf("%d signing keys deleted; start ChatApp again", n))
		}
		return err
	})
}

type adminRole struct {
	someone
	Role string `arg:"" enum:"user,moderator,admin" help:"user, moderator or admin."`
}

// Run changes the role.
func (c *adminRole) Run(ctx context.Context, p program) error {
	return c.apply(ctx, p, "has the role "+c.Role, func(s *auth.Service, acc auth.Account) error {
		return s.SetRole(ctx, auth.Operator(), acc.ID, c.Role)
	})
}

type adminInvite struct {
	Uses int           `default:"1" help:"How many people may sign up with it, 1 to 1000."`
	Life time.Duration `default:"168h" help:"How long it works, 1m to 8760h."`
	Note string        `help:"What it is for."`
}

// Run prints the link.
func (c *adminInvite) Run(ctx context.Context, p program) error {
	return administer(ctx, p, func(s *auth.Service) error {
		_, link, err := s.Invite(ctx, auth.Operator(), auth.InvitationWish{Note: c.Note, MaxUses: c.Uses, Life: c.Life})
		if err == nil {
			say(p, link)
		}
		return err
	})
}

type adminBanner struct {
	Text  string        `arg:"" optional:"" help:"What everybody is told."`
	Level string        `enum:"info,warning,critical" default:"info" help:"info, warning or critical."`
	For   time.Duration `help:"How long it is shown; 0: until it is taken back."`
	Clear bool          `help:"Take the announcement back."`
}

// Run replaces the announcement.
func (c *adminBanner) Run(ctx context.Context, p program) error {
	if c.Clear == (c.Text != "") {
		return errors.New("give a text, or --clear")
	}
	err := administer(ctx, p, func(s *auth.Service) error {
		settings, err := s.Settings(ctx)
		if err != nil {
			return err
		}
		settings.Announcement = nil
		if !c.Clear {
			settings.Announcement = &auth.Announcement{Text: c.Text, Level: c.Level}
			if c.For != 0 {
				settings.Announcement.Until = time.Now().Add(c.For)
			}
		}
		_, err = s.SetSettings(ctx, auth.Operator(), settings)
		return err
	})
	if err == nil {
		say(p, "done")
	}
	return err
}

type adminSignUp struct {
	Mode string `arg:"" optional:"" enum:"open,invite,closed," default:"" help:"open: everybody, invite: with an invitation, closed: nobody. Without it: what holds now."`
}

// Run says or changes who may sign up.
func (c *adminSignUp) Run(ctx context.Context, p program) error {
	return administer(ctx, p, func(s *auth.Service) error {
		settings, err := s.Settings(ctx)
		if err != nil {
			return err
		}
		if c.Mode != "" {
			settings.SignUp = c.Mode
			if settings, err = s.SetSettings(ctx, auth.Operator(), settings); err != nil {
				return err
			}
		}
		say(p, fmt.Sprintf("sign-up is %s", settings.SignUp))
		return nil
	})
}

type adminSecondStep struct {
	Demand string `arg:"" optional:"" enum:"optional,staff,everybody," default:"" help:"optional: nobody must have it, staff: moderators and administrators, everybody. Without it: what holds now."`
}

// Run says or changes who must have a second step.
func (c *adminSecondStep) Run(ctx context.Context, p program) error {
	return administer(ctx, p, func(s *auth.Service) error {
		settings, err := s.Settings(ctx)
		if err != nil {
			return err
		}
		if c.Demand != "" {
			settings.SecondStep = c.Demand
			if settings, err = s.SetSettings(ctx, auth.Operator(), settings); err != nil {
				return err
			}
		}
		without, err := s.WithoutSecondStep(ctx, settings.SecondStep)
		if err != nil {
			return err
		}
		say(p, "two-step sign-in is "+settings.SecondStep)
		if without > 0 {
			say(p, fmt.Sprintf("%d of those who must have it have none: from the next renewal of their session on they can only set it up", without))
		}
		return nil
	})
}
