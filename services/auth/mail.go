package auth

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"text/template"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// mailKind is what a mail says.
type mailKind string

// The kinds of mails.
const (
	mailConfirm         mailKind = "confirm-email"
	mailReset           mailKind = "reset-password"
	mailPasswordChanged mailKind = "password-changed"
	mailAddressChanged  mailKind = "address-changed"
	mailReused          mailKind = "session-stolen"
	mailExists          mailKind = "already-registered"
	mailFactorAdded     mailKind = "second-factor-added"
	mailFactorRemoved   mailKind = "second-factor-removed"
	mailRecoveryUsed    mailKind = "recovery-code-used"
	mailRecoveryRenewed mailKind = "recovery-codes-renewed"
	mailLinked          mailKind = "sign-in-linked"
	mailUnlinked        mailKind = "sign-in-unlinked"
	mailDeleted         mailKind = "account-deleted"
	mailNone            mailKind = "nothing" // for an address that nobody has: never sent
)

// mailing is one wish for a mail to an account's address.
type mailing struct {
	to      Account
	kind    mailKind
	secret  string    // of the link in it; "" = no link
	device  string    // which caused it; "" = not said
	expires time.Time // of the link
	at      time.Time
}

// mailRows is the event that has the mail sent; none when the account has no
// address.
func mailRows(m mailing) ([]outbox.Row, error) {
	if m.to.Email == "" && m.kind != mailNone {
		return nil, nil
	}
	body := events.MailRequested{
		Kind: string(m.kind), UserID: m.to.ID.String(), To: m.to.Email, Name: m.to.DisplayName,
		Token: m.secret, Device: m.device, At: m.at,
	}
	if !m.expires.IsZero() {
		body.ExpiresAt = &m.expires
	}
	row, err := event(events.NameMailRequested, m.to.ID, id.New(), m.at, body)
	return []outbox.Row{row}, err
}

// letter is a mail as it is sent.
type letter struct {
	To, Subject, Text, HTML string
}

// wording is what a kind of mail says.
type wording struct {
	Subject string
	Lines   []string
	Button  string // text of the link; "" = no link
	Path    string // of the page that the link opens
	Ending  string
}

const (
	notYou = "If this was not you, set a new password at once: open the sign-in page and choose \"Forgot password?\"."
	ignore = "If you did not ask for this, ignore this mail: nothing changes."
)

var wordings = map[mailKind]wording{
	mailConfirm: {
		Subject: "Confirm your e-mail address", Button: "Confirm address", Path: "/confirm",
		Lines: []string{"Open this link to confirm that this address is yours. It works once, for 24 hours."}, Ending: ignore,
	},
	mailReset: {
		Subject: "Choose a new password", Button: "Choose a password", Path: "/reset",
		Lines: []string{"Open this link to choose a new password. It works once, for 15 minutes. All devices are signed out then."}, Ending: ignore,
	},
	mailPasswordChanged: {
		Subject: "Your password was changed",
		Lines:   []string{"The password of your account was changed, and your other devices were signed out."}, Ending: notYou,
	},
	mailAddressChanged: {
		Subject: "Your e-mail address was changed",
		Lines:   []string{"Your account now uses another e-mail address. Mails to this one end here."}, Ending: notYou,
	},
	mailReused: {
		Subject: "One of your devices was signed out",
		Lines: []string{
			"The key of a signed-in device was used twice, which happens when somebody copied it. The device was signed out.",
		}, Ending: notYou,
	},
	mailFactorAdded: {
		Subject: "A way to confirm your sign-in was added",
		Lines:   []string{"A passkey or an app for codes was added to your account, and your other devices were signed out."}, Ending: notYou,
	},
	mailFactorRemoved: {
		Subject: "A way to confirm your sign-in was removed",
		Lines:   []string{"A passkey or the app for codes was removed from your account, and your other devices were signed out."}, Ending: notYou,
	},
	mailRecoveryUsed: {
		Subject: "One of your recovery codes was used",
		Lines:   []string{"A recovery code of your account was used. It does not work again; make new ones when few are left."}, Ending: notYou,
	},
	mailRecoveryRenewed: {
		Subject: "New recovery codes were made",
		Lines:   []string{"New recovery codes were made for your account. The old ones do not work any more."}, Ending: notYou,
	},
	mailLinked: {
		Subject: "A way to sign in was added",
		Lines:   []string{"Your account was linked to the provider named below: who signs in there can now open your account."},
		Ending:  "If this was not you, remove the link in the settings under \"Security\" and set a new password at once.",
	},
	mailUnlinked: {
		Subject: "A way to sign in was removed",
		Lines:   []string{"The link of your account to the provider named below was removed: signing in there does not open your account any more."},
		Ending:  notYou,
	},
	mailDeleted: {
		Subject: "Your account was deleted",
		Lines: []string{
			"Your account was deleted for good, and all your devices were signed out. Good-bye, and thank you for having been here.",
			"Nobody else can take your username.",
		},
		Ending: "If this was not you, write to the people who run this ChatApp.",
	},
	mailExists: {
		Subject: "You already have an account",
		Lines:   []string{"Somebody tried to sign up with your address. You have an account already: sign in, or choose \"Forgot password?\" there."},
		Ending:  "If this was not you, there is nothing to do.",
	},
}

//go:embed templates
var templateFiles embed.FS

var (
	textLetter = template.Must(template.ParseFS(templateFiles, "templates/letter.txt"))
	htmlLetter = htmltemplate.Must(htmltemplate.ParseFS(templateFiles, "templates/letter.html"))
)

// write makes the mail that m asks for. The link is always below the configured
// public URL, whatever the request said, and its secret is in the fragment:
// no server, proxy or Referer sees it. Error: invalid-body for an unknown kind.
func write(m events.MailRequested, publicURL string) (letter, error) {
	w, ok := wordings[mailKind(m.Kind)]
	if !ok {
		return letter{}, errs.New(errs.InvalidBody, fmt.Sprintf("there is no mail %q", m.Kind))
	}
	data := struct {
		wording
		Name, Link, Device, At, Home string
	}{wording: w, Name: m.Name, Device: m.Device, At: m.At.UTC().Format("2 January 2006, 15:04 UTC"), Home: publicURL}
	if w.Button != "" {
		data.Link = publicURL + w.Path + "#token=" + url.QueryEscape(m.Token)
	}
	var text, html bytes.Buffer
	if err := textLetter.Execute(&text, data); err != nil {
		return letter{}, err
	}
	if err := htmlLetter.Execute(&html, data); err != nil {
		return letter{}, err
	}
	return letter{To: m.To, Subject: w.Subject, Text: text.String(), HTML: html.String()}, nil
}

func readMail(data []byte) (events.MailRequested, error) {
	var m events.MailRequested
	if err := json.Unmarshal(data, &m); err != nil {
		return m, errs.Wrap(errs.InvalidBody, "not a mail_requested event", err)
	}
	return m, nil
}
