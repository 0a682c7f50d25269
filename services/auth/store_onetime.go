package auth

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type oneTimeRow struct {
	TokenHash []byte `gorm:"column:token_hash;primaryKey"`
	AccountID id.ID  `gorm:"column:account_id"`
	Purpose   string `gorm:"column:purpose"`
	Email     string `gorm:"column:email"`
	EmailKey  string `gorm:"column:email_key"`
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// TableName implements gorm's Tabler.
func (oneTimeRow) TableName() string { return "one_time_tokens" }

type confirmedRow struct {
	AccountID   id.ID  `gorm:"column:account_id;primaryKey"`
	EmailKey    string `gorm:"column:email_key"`
	ConfirmedAt time.Time
}

// TableName implements gorm's Tabler.
func (confirmedRow) TableName() string { return "confirmed_emails" }

// issue stores a token with the mail that carries it.
func (st *store) issue(ctx context.Context, t oneTimeToken, note auditRow, mail []outbox.Row) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error { return issueIn(tx, t, note, mail) })
}

func issueIn(tx *gorm.DB, t oneTimeToken, note auditRow, mail []outbox.Row) error {
	row := oneTimeRow{
		TokenHash: t.Hash[:], AccountID: t.AccountID, Purpose: t.Purpose, Email: t.Email, EmailKey: t.emailKey,
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
	}
	if err := tx.Create(&row).Error; err != nil {
		return err
	}
	if err := tx.Create(&note).Error; err != nil {
		return err
	}
	return outbox.Insert(tx, mail)
}

// oneTimeToken finds a token that can still be used. Error: token-invalid.
func (st *store) oneTimeToken(ctx context.Context, hash tokenHash, purpose string, now time.Time) (oneTimeToken, error) {
	var row oneTimeRow
	err := st.read(ctx).Where("token_hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?", hash[:], purpose, now).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return oneTimeToken{}, errTokenInvalid()
	}
	return oneTimeToken{
		Hash: hash, AccountID: row.AccountID, Purpose: row.Purpose, Email: row.Email, emailKey: row.EmailKey,
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}, err
}

// useUp marks a token, and every other one of its account and purpose, as
// used. Of several at the same time one succeeds. Error: token-invalid.
func useUp(tx *gorm.DB, t oneTimeToken, now time.Time) error {
	used := tx.Model(&oneTimeRow{}).Where("token_hash = ? AND used_at IS NULL AND expires_at > ?", t.Hash[:], now).
		UpdateColumns(map[string]any{"used_at": now})
	if used.Error != nil || used.RowsAffected != 1 {
		return firstError(used.Error, errTokenInvalid())
	}
	return tx.Model(&oneTimeRow{}).Where("account_id = ? AND purpose = ? AND used_at IS NULL", t.AccountID, t.Purpose).
		UpdateColumns(map[string]any{"used_at": now}).Error
}

// confirm notes that an account's owner reads the mails to an address.
func confirm(tx *gorm.DB, account id.ID, emailKey string, now time.Time) error {
	row := confirmedRow{AccountID: account, EmailKey: emailKey, ConfirmedAt: now}
	return tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "account_id"}}, DoUpdates: clause.AssignmentColumns([]string{"email_key", "confirmed_at"}),
	}).Create(&row).Error
}

// emailConfirmed says whether the account's present address is confirmed.
func (st *store) emailConfirmed(ctx context.Context, acc Account) (bool, error) {
	var n int64
	err := st.read(ctx).Model(&confirmedRow{}).Where("account_id = ? AND email_key = ?", acc.ID, acc.emailKey).Count(&n).Error
	return n > 0, err
}

// confirmedEmail is one address becoming an account's confirmed one.
type confirmedEmail struct {
	token  oneTimeToken
	change bool // the account had another address
	now    time.Time
	audit  auditRow
	events []outbox.Row
}

// confirmEmail uses the token up and stores the address. Errors: token-invalid,
// identifier-taken when another account has it by now.
func (st *store) confirmEmail(ctx context.Context, c confirmedEmail) error {
	err := st.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := useUp(tx, c.token, c.now); err != nil {
			return err
		}
		if c.change {
			err := tx.Model(&accountRow{}).Where("id = ?", c.token.AccountID).
				UpdateColumns(map[string]any{"email": c.token.Email, "email_key": c.token.emailKey}).Error
			if err != nil {
				return err
			}
		}
		if err := confirm(tx, c.token.AccountID, c.token.emailKey, c.now); err != nil {
			return err
		}
		if err := tx.Create(&c.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, c.events)
	})
	if db.IsDuplicate(err) {
		return errTaken()
	}
	return err
}

// newPassword is a password that replaces another.
type newPassword struct {
	account Account
	hash    string
	token   *oneTimeToken // used up with it; nil when the old password was given
	ending  ending        // the sessions that end
	leave   leaveFunc
	now     time.Time
	audit   auditRow
	mail    []outbox.Row
}

// setPassword stores it, all or nothing, and returns the events of the
// sessions that ended. Errors: token-invalid, unauthenticated when the account is
// gone.
func (st *store) setPassword(ctx context.Context, n newPassword) (emitted []outbox.Row, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := st.lockAccount(tx, n.account.ID); err != nil {
			return err
		}
		if n.token != nil {
			if err := useUp(tx, *n.token, n.now); err != nil {
				return err
			}
			if err := confirm(tx, n.account.ID, n.token.emailKey, n.now); err != nil {
				return err
			}
		}
		row := credentialRow{AccountID: n.account.ID, PasswordHash: n.hash, ChangedAt: n.now}
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		if emitted, err = st.endIn(tx, n.ending, n.now, n.leave); err != nil {
			return err
		}
		if err := dropChallenges(tx, n.account.ID); err != nil {
			return err
		}
		if err := tx.Create(&n.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, n.mail)
	})
	return emitted, err
}

// credentialOf is an account with its password hash, "" when it has none.
func (st *store) credentialOf(ctx context.Context, account id.ID) (Account, string, error) {
	acc, ok, err := st.account(ctx, account)
	if err != nil || !ok {
		return Account{}, "", firstError(err, errSessionOver())
	}
	var row credentialRow
	err = st.read(ctx).Where("account_id = ?", account).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return acc, "", nil
	}
	return acc, row.PasswordHash, err
}
