package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// store holds every SQL statement of the service; the other store_*.go files
// are parts of it. Its errors are domain errors: unavailable when the database
// cannot answer, identifier-taken for a name that somebody has.
type store struct {
	db    *db.DB
	vault *vault
}

func (st *store) read(ctx context.Context) *gorm.DB { return st.db.R.WithContext(ctx) }

type accountRow struct {
	ID          id.ID   `gorm:"column:id;primaryKey"`
	Username    string  `gorm:"column:username"`
	Email       *string `gorm:"column:email"`
	EmailKey    *string `gorm:"column:email_key"`
	DisplayName string  `gorm:"column:display_name"`
	Role        string  `gorm:"column:role"`
	CreatedAt   time.Time
}

// TableName implements gorm's Tabler.
func (accountRow) TableName() string { return "accounts" }

func (r accountRow) account() Account {
	return Account{
		ID: r.ID, Username: r.Username, Email: value(r.Email), DisplayName: r.DisplayName, Role: r.Role,
		CreatedAt: r.CreatedAt.UTC(), emailKey: value(r.EmailKey),
	}
}

type credentialRow struct {
	AccountID    id.ID  `gorm:"column:account_id;primaryKey"`
	PasswordHash string `gorm:"column:password_hash"`
	ChangedAt    time.Time
}

// TableName implements gorm's Tabler.
func (credentialRow) TableName() string { return "credentials" }

// What the audit log records.
const (
	eventSignUp       = "sign-up"
	eventAdminCreated = "admin-created"
	eventLogin        = "login"
	eventLoginFailed  = "login-failed"
	eventLoginLimited = "login-limited"
	eventLogout       = "logout"
	eventReuse        = "token-reused"
	eventRevoked      = "session-ended"
	eventReset        = "password-reset"
	eventPassword     = "password-changed"
	eventConfirmed    = "email-confirmed"
	eventSignUpOIDC   = "oidc-sign-up"
	eventLoginOIDC    = "oidc-login"
	eventLinked       = "oidc-linked"
	eventUnlinked     = "oidc-unlinked"

	eventFactorAsked    = "second-factor-asked"
	eventFactorFailed   = "second-factor-failed"
	eventFactorLimited  = "second-factor-limited"
	eventFactorsRemoved = "second-factor-removed"
	eventTOTPAdded      = "totp-added"
	eventTOTPRemoved    = "totp-removed"
	eventCodesMade      = "recovery-codes-made"
	eventCodeUsed       = "recovery-code-used"
	eventPasskeyAdded   = "passkey-added"
	eventPasskeyRenamed = "passkey-renamed"
	eventPasskeyRemoved = "passkey-removed"
	eventPasskeyCloned  = "passkey-cloned"
)

// auditRow is one line of the audit log. Rows are only ever inserted. What was
// typed into the form is never in it: people type passwords into name fields.
type auditRow struct {
	ID        id.ID `gorm:"column:id;primaryKey"`
	At        time.Time
	Event     string `gorm:"column:event"`
	AccountID *id.ID `gorm:"column:account_id"`
	SessionID *id.ID `gorm:"column:session_id"`
	IP        string `gorm:"column:ip"`
	UserAgent string `gorm:"column:user_agent"`
}

// TableName implements gorm's Tabler.
func (auditRow) TableName() string { return "audit_log" }

// audit makes a row; an unknown account leaves the column empty.
func audit(at time.Time, event string, acc Account, from Client) auditRow {
	from = from.clean()
	return auditRow{ID: id.New(), At: at, Event: event, AccountID: optional(acc.ID), IP: from.IP, UserAgent: from.UserAgent}
}

func (r auditRow) of(sess id.ID) auditRow {
	r.SessionID = optional(sess)
	return r
}

func (st *store) audit(ctx context.Context, r auditRow) error {
	return st.db.W.WithContext(ctx).Create(&r).Error
}

// identifierTaken says whether somebody has the username or the e-mail key, or
// had the username; empty ones are nobody's. The living are asked first: who
// goes between the two questions is found by the second.
func (st *store) identifierTaken(ctx context.Context, username, emailKey string) (bool, error) {
	if username == "" && emailKey == "" {
		return false, nil
	}
	var n int64
	err := st.read(ctx).Model(&accountRow{}).Where("username = ? OR email_key = ?", username, emailKey).Limit(1).Count(&n).Error
	if err != nil || n > 0 {
		return n > 0, err
	}
	if username == "" {
		return false, nil
	}
	return nameGone(st.read(ctx), username)
}

// newAccount is what one sign-up writes, all of it or nothing. session is nil
// for an account made by an operator.
type newAccount struct {
	account    Account
	hash       string    // of the password; unused with identity
	identity   *identity // of the provider that vouches for the account's address; nil = none
	session    *session
	token      refreshToken
	before     *replacing    // what the browser had
	confirm    *oneTimeToken // of the mail that asks for confirmation; nil = none
	invitation *tokenHash    // used up; nil = none
	audit      auditRow
	events     []outbox.Row
}

// createAccount stores it. Errors: identifier-taken, token-invalid for the
// invitation.
func (st *store) createAccount(ctx context.Context, n newAccount) (done stored, err error) {
	acc := n.account
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		done = stored{}
		if err := useInvitation(tx, n.invitation, acc.CreatedAt); err != nil {
			return err
		}
		row := accountRow{
			ID: acc.ID, Username: acc.Username, Email: nonEmpty(acc.Email), EmailKey: nonEmpty(acc.emailKey),
			DisplayName: acc.DisplayName, Role: acc.Role, CreatedAt: acc.CreatedAt,
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		// Under the name's lock in accounts: its last owner is gone by now, or never.
		if gone, err := nameGone(st.db.ForUpdate(tx), acc.Username); err != nil || gone {
			return firstError(err, errTaken())
		}
		if err := n.insertWayIn(tx); err != nil {
			return err
		}
		if n.session != nil {
			if done, err = st.openSession(tx, acc, *n.session, n.token, n.before); err != nil {
				return err
			}
		}
		if n.confirm != nil {
			return issueIn(tx, *n.confirm, n.audit, n.events)
		}
		if err := tx.Create(&n.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, n.events)
	})
	if db.IsDuplicate(err) {
		return done, errTaken()
	}
	return done, err
}

// insertWayIn stores what the account's owner will sign in with.
func (n newAccount) insertWayIn(tx *gorm.DB) error {
	acc := n.account
	if n.identity == nil {
		return tx.Create(&credentialRow{AccountID: acc.ID, PasswordHash: n.hash, ChangedAt: acc.CreatedAt}).Error
	}
	row := n.identity.row(acc.ID, acc.CreatedAt)
	if err := tx.Create(&row).Error; err != nil || acc.emailKey == "" {
		return err
	}
	return confirm(tx, acc.ID, acc.emailKey, acc.CreatedAt)
}

// credential finds the account that signs in as login (username or e-mail) and
// its password hash; both empty when there is none, the hash also when the
// account has no password.
func (st *store) credential(ctx context.Context, login string) (Account, string, error) {
	var row struct {
		Account      accountRow `gorm:"embedded"`
		PasswordHash string     `gorm:"column:password_hash"`
	}
	q := st.read(ctx).Table("accounts").Select("accounts.*, COALESCE(credentials.password_hash, '') AS password_hash").
		Joins("LEFT JOIN credentials ON credentials.account_id = accounts.id")
	if name := loginName(login); strings.ContainsRune(name, '@') {
		q = q.Where("accounts.email_key = ?", name)
	} else {
		q = q.Where("accounts.username = ?", name)
	}
	err := q.Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Account{}, "", nil
	}
	if err != nil {
		return Account{}, "", err
	}
	return row.Account.account(), row.PasswordHash, nil
}

// account finds one account; ok is false when there is none.
func (st *store) account(ctx context.Context, user id.ID) (acc Account, ok bool, err error) {
	return accountOf(st.read(ctx), user)
}

func accountOf(tx *gorm.DB, user id.ID) (Account, bool, error) {
	var row accountRow
	err := tx.Where("id = ?", user).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Account{}, false, nil
	}
	return row.account(), err == nil, err
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func optional(v id.ID) *id.ID {
	if v.IsZero() {
		return nil
	}
	return &v
}

func timeOf(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.UTC()
}

func nonZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
