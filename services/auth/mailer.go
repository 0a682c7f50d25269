package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"chatapp/libs/bus"
	"chatapp/libs/config"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/outbox"
)

const (
	// mailTries, with the bus's back-off of at most 30 s, is half an hour:
	// longer than any link for a new password works.
	mailTries   = 64
	mailTimeout = 20 * time.Second // less than a handler has
)

// poster sends one letter. An error is tried again, except invalid-body.
type poster func(ctx context.Context, l letter) error

// newPoster is SMTP where it is configured, the inbox for developers on
// localhost, and otherwise a warning: nothing is sent.
func (s *Service) newPoster(cfg config.Config) (poster, error) {
	switch {
	case cfg.SMTPURL != "":
		return newSMTP(cfg, nil)
	case cfg.Local():
		s.inbox = &inbox{}
		return func(ctx context.Context, l letter) error {
			s.log.InfoContext(ctx, "no mail server (CHAT_SMTP_URL): a mail is shown here and at /inbox of the admin address", "to", l.To, "subject", l.Subject, "text", l.Text)
			s.inbox.add(l, s.now())
			return nil
		}, nil
	}
	return func(ctx context.Context, l letter) error {
		s.log.WarnContext(ctx, "a mail was not sent, because CHAT_SMTP_URL is not set", "subject", l.Subject)
		return nil
	}, nil
}

// newSMTP sends through a mail server, always encrypted; nil roots are the
// system's.
func newSMTP(cfg config.Config, roots *x509.CertPool) (poster, error) {
	u, err := url.Parse(cfg.SMTPURL)
	if err != nil {
		return nil, errors.New("CHAT_SMTP_URL: not a URL")
	}
	options := []gomail.Option{gomail.WithTimeout(mailTimeout), gomail.WithTLSPortPolicy(gomail.TLSMandatory)}
	if u.Scheme == "smtps" {
		options = append(options, gomail.WithSSLPort(false))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		options = append(options, gomail.WithPort(port))
	}
	if roots != nil {
		options = append(options, gomail.WithTLSConfig(&tls.Config{RootCAs: roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}))
	}
	if u.User.Username() != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(cfg.SMTPPassword))
	}
	client, err := gomail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("CHAT_SMTP_URL: %w", err)
	}
	return func(ctx context.Context, l letter) error {
		m := gomail.NewMsg()
		if err := errors.Join(m.From(cfg.MailFrom), m.To(l.To)); err != nil {
			return errs.Wrap(errs.InvalidBody, "a mail cannot be addressed", err)
		}
		m.Subject(l.Subject)
		m.SetBodyString(gomail.TypeTextPlain, l.Text)
		m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
		m.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office answers (RFC 3834)
		err := client.DialAndSendWithContext(ctx, m)
		if refused, ok := errors.AsType[*gomail.SendError](err); ok && !refused.IsTemp() && refused.ErrorCode() >= 500 {
			return errs.Wrap(errs.InvalidBody, "the mail server refused a mail for good", err)
		}
		return err
	}, nil
}

// sendMails sends what mail_requested events ask for until ctx ends. A mail
// that cannot be sent is tried again for half an hour and then, or when the
// server refuses it for good, kept in dead_letters.
func (s *Service) sendMails(ctx context.Context) error {
	return s.bus.Consume(ctx, bus.Consumer{
		Stream: events.DurableMail.Stream, Durable: events.DurableMail.Name, Subject: events.DurableMail.Subject,
		MaxTries: mailTries, Dead: outbox.DeadLetter(s.store.db),
	}, s.sendMail)
}

// sendMail handles one mail_requested event.
func (s *Service) sendMail(ctx context.Context, m bus.Message) error {
	ask, err := readMail(m.Data)
	if err != nil {
		return err
	}
	switch {
	case ask.Kind == string(mailNone):
		return nil
	case ask.ExpiresAt != nil && s.now().After(*ask.ExpiresAt):
		s.log.WarnContext(ctx, "a mail was too late to be of use and was not sent", "kind", ask.Kind, "user", ask.UserID)
		return nil
	}
	l, err := write(ask, s.cfg.PublicURL)
	if err != nil {
		return err
	}
	return s.post(ctx, l)
}
