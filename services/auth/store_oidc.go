package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type identityRow struct {
	IdentityHash []byte `gorm:"column:identity_hash;primaryKey"`
	AccountID    id.ID  `gorm:"column:account_id"`
	Provider     string `gorm:"column:provider"`
	Issuer       string `gorm:"column:issuer"`
	Subject      string `gorm:"column:subject"`
	Label        string `gorm:"column:label"`
	CreatedAt    time.Time
}

// TableName implements gorm's Tabler.
func (identityRow) TableName() string { return "oidc_identities" }

type flowRow struct {
	StateHash   []byte `gorm:"column:state_hash;primaryKey"`
	BrowserHash []byte `gorm:"column:browser_hash"`
	Provider    string `gorm:"column:provider"`
	AccountID   *id.ID `gorm:"column:account_id"`
	SessionID   *id.ID `gorm:"column:session_id"`
	ReturnTo    string `gorm:"column:return_to"`
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      *time.Time
}

// TableName implements gorm's Tabler.
func (flowRow) TableName() string { return "oidc_flows" }

// hash is the key of an identity: exact to the byte on every engine.
func (i identity) hash() []byte {
	sum := sha256.Sum256([]byte(i.Issuer + "\x00" + i.Subject))
	return sum[:]
}

func (i identity) row(account id.ID, now time.Time) identityRow {
	return identityRow{
		IdentityHash: i.hash(), AccountID: account, Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject,
		Label: i.Label, CreatedAt: now,
	}
}

func (st *store) createFlow(ctx context.Context, f flow) error {
	return st.db.W.WithContext(ctx).Create(&flowRow{
		StateHash: f.State[:], BrowserHash: f.Browser[:], Provider: f.Provider, AccountID: optional(f.AccountID),
		SessionID: optional(f.SessionID), ReturnTo: f.ReturnTo, CreatedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt,
	}).Error
}

// takeFlow ends a flow and returns it. Of several at the same time one
// succeeds; another browser cannot end it. Error: token-invalid.
func (st *store) takeFlow(ctx context.Context, state, browser tokenHash, provider string, now time.Time) (flow, error) {
	var row flowRow
	err := st.db.Tx(ctx, func(tx *gorm.DB) error {
		used := tx.Model(&flowRow{}).
			Where("state_hash = ? AND browser_hash = ? AND provider = ? AND used_at IS NULL AND expires_at > ?", state[:], browser[:], provider, now).
			UpdateColumns(map[string]any{"used_at": now})
		if used.Error != nil || used.RowsAffected != 1 {
			return firstError(used.Error, errFlowOver())
		}
		return tx.Where("state_hash = ?", state[:]).Take(&row).Error
	})
	f := flow{
		State: state, Browser: browser, Provider: row.Provider, ReturnTo: row.ReturnTo,
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}
	if row.AccountID != nil {
		f.AccountID = *row.AccountID
	}
	if row.SessionID != nil {
		f.SessionID = *row.SessionID
	}
	return f, err
}

// accountOfIdentity finds the account that an identity signs in to.
func (st *store) accountOfIdentity(ctx context.Context, who identity) (Account, bool, error) {
	var row identityRow
	err := st.read(ctx).Where("identity_hash = ?", who.hash()).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Account{}, false, nil
	}
	if err != nil {
		return Account{}, false, err
	}
	return st.account(ctx, row.AccountID)
}

// identities are an account's links, the oldest first.
func (st *store) identities(ctx context.Context, account id.ID) (rows []identityRow, err error) {
	return rows, st.read(ctx).Where("account_id = ?", account).Order("created_at, issuer").Find(&rows).Error
}

// hasPassword says whether an account can sign in with one.
func (st *store) hasPassword(ctx context.Context, account id.ID) (bool, error) {
	return hasPassword(st.read(ctx), account)
}

func hasPassword(tx *gorm.DB, account id.ID) (bool, error) {
	var n int64
	err := tx.Model(&credentialRow{}).Where("account_id = ?", account).Count(&n).Error
	return n > 0, err
}

// newLink is one identity becoming an account's.
type newLink struct {
	account  Account
	session  id.ID // which asked; it has to be live
	identity identity
	now      time.Time
	audit    auditRow
	mail     []outbox.Row
}

// link stores it; false when it was there already. Errors: unauthenticated,
// conflict.
func (st *store) link(ctx context.Context, n newLink) (linked bool, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		linked = false
		live, err := sessionsOf(tx, ending{account: n.account.ID, only: n.session}, n.now)
		if err != nil || len(live) == 0 {
			return firstError(err, errSessionOver())
		}
		var there []identityRow
		err = tx.Where("identity_hash = ? OR (account_id = ? AND issuer = ?)", n.identity.hash(), n.account.ID, n.identity.Issuer).
			Find(&there).Error
		if err != nil {
			return err
		}
		for _, row := range there {
			if row.AccountID != n.account.ID {
				return errs.New(errs.Conflict, "This sign-in belongs to another account.")
			}
			if row.Subject != n.identity.Subject {
				return errs.New(errs.Conflict, "Your account has another sign-in of this provider. Remove it first.")
			}
		}
		if len(there) > 0 {
			return nil
		}
		row := n.identity.row(n.account.ID, n.now)
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := tx.Create(&n.audit).Error; err != nil {
			return err
		}
		linked = true
		return outbox.Insert(tx, n.mail)
	})
	if db.IsDuplicate(err) {
		return false, errs.New(errs.Conflict, "This sign-in was linked a moment ago.")
	}
	return linked, err
}

// unlinking is one link going away.
type unlinking struct {
	account  Account
	provider string // our name for it when it was linked
	issuer   string // "" = the provider is not configured any more
	ways     waysIn
	audit    auditRow
	mail     []outbox.Row
}

// waysIn are the ways to sign in, besides a password, that this installation
// offers.
type waysIn struct {
	issuers  []string // of the providers
	passkeys bool
}

// left makes sure, after a change, that the account's owner can sign in. Error:
// conflict.
func (w waysIn) left(tx *gorm.DB, account id.ID) error {
	if password, err := hasPassword(tx, account); err != nil || password {
		return err
	}
	var links, keys int64
	if err := tx.Model(&identityRow{}).Where("account_id = ? AND issuer IN ?", account, w.issuers).Count(&links).Error; err != nil {
		return err
	}
	if err := tx.Model(&passkeyRow{}).Where("account_id = ?", account).Count(&keys).Error; err != nil {
		return err
	}
	if links == 0 && (keys == 0 || !w.passkeys) {
		return errLastWay()
	}
	return nil
}

// unlink deletes the link, unless it is the last way in. The lock on the
// account makes two at the same time wait for each other. Errors: not-found,
// conflict.
func (st *store) unlink(ctx context.Context, u unlinking) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := st.db.ForUpdate(tx).Where("id = ?", u.account.ID).Take(&accountRow{}).Error; err != nil {
			return err
		}
		mine := func() *gorm.DB { return tx.Model(&identityRow{}).Where("account_id = ?", u.account.ID) }
		gone := mine().Where("provider = ?", u.provider)
		if u.issuer != "" {
			gone = mine().Where("issuer = ?", u.issuer)
		}
		gone = gone.Delete(&identityRow{})
		if gone.Error != nil || gone.RowsAffected == 0 {
			return firstError(gone.Error, errs.New(errs.NotFound, "There is no such link."))
		}
		if err := u.ways.left(tx, u.account.ID); err != nil {
			return err
		}
		if err := tx.Create(&u.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, u.mail)
	})
}
