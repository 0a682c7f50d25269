package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

type passkeyRow struct {
	ID             id.ID  `gorm:"column:id;primaryKey"`
	AccountID      id.ID  `gorm:"column:account_id"`
	CredentialHash []byte `gorm:"column:credential_hash"` // of CredentialID, which is too long for an index
	CredentialID   []byte `gorm:"column:credential_id"`
	PublicKey      []byte `gorm:"column:public_key"`
	Name           string `gorm:"column:name"`
	SignCount      int64  `gorm:"column:sign_count"`
	Flags          int    `gorm:"column:flags"`
	Transports     string `gorm:"column:transports"`
	CreatedAt      time.Time
	LastUsedAt     *time.Time
}

// TableName implements gorm's Tabler.
func (passkeyRow) TableName() string { return "passkeys" }

func (r passkeyRow) passkey() Passkey {
	c := webauthn.Credential{
		ID: r.CredentialID, PublicKey: r.PublicKey, Flags: webauthn.CredentialFlagsFromMsgpByte(byte(r.Flags)),
		Authenticator: webauthn.Authenticator{SignCount: uint32(r.SignCount)},
	}
	for _, t := range strings.Fields(r.Transports) {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return Passkey{
		ID: r.ID, AccountID: r.AccountID, Name: r.Name, CreatedAt: r.CreatedAt.UTC(), LastUsedAt: timeOf(r.LastUsedAt), credential: c,
	}
}

func passkeysOf(tx *gorm.DB, account id.ID) ([]Passkey, error) {
	var rows []passkeyRow
	if err := tx.Where("account_id = ?", account).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, err
	}
	list := make([]Passkey, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.passkey())
	}
	return list, nil
}

// passkey finds one by the id that its device gave it. Error: errNotProved.
func (st *store) passkey(ctx context.Context, credential []byte) (Passkey, error) {
	hash := sha256.Sum256(credential)
	var row passkeyRow
	err := st.read(ctx).Where("credential_hash = ?", hash[:]).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Passkey{}, errNotProved
	}
	return row.passkey(), err
}

// usePasskey notes an answer of a passkey, unless another one changed its sign
// count meanwhile or it was removed.
func usePasskey(tx *gorm.DB, p proof, now time.Time) *gorm.DB {
	return tx.Model(&passkeyRow{}).Where("id = ? AND account_id = ? AND sign_count = ?", p.key.ID, p.account, p.key.Before).
		UpdateColumns(map[string]any{"sign_count": p.key.Count, "flags": p.key.Flags, "last_used_at": now})
}

// addPasskey stores a new passkey. Error: identifier-taken when a device's key
// is somebody's already.
func (f *factorTx) addPasskey(k Passkey) error {
	hash := sha256.Sum256(k.credential.ID)
	row := passkeyRow{
		ID: k.ID, AccountID: k.AccountID, CredentialHash: hash[:], CredentialID: k.credential.ID, PublicKey: k.credential.PublicKey,
		Name: k.Name, SignCount: int64(k.credential.Authenticator.SignCount), Flags: int(k.credential.Flags.MsgpByte()),
		Transports: transportsOf(k.credential), CreatedAt: k.CreatedAt,
	}
	err := f.tx.Create(&row).Error
	if db.IsDuplicate(err) {
		return errs.New(errs.IdentifierTaken, "This passkey is registered already.")
	}
	return err
}

// transportsOf are the hints where the passkey is; what a device made up does
// not fit and is dropped.
func transportsOf(c webauthn.Credential) string {
	var known []string
	for _, t := range c.Transport {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			known = append(known, string(t))
		}
	}
	return db.Fit(strings.Join(known, " "), 128)
}

// removePasskey deletes one. Error: not-found.
func (f *factorTx) removePasskey(key id.ID) error {
	gone := f.tx.Where("id = ? AND account_id = ?", key, f.account).Delete(&passkeyRow{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return errNoPasskey()
	}
	return gone.Error
}

func errNoPasskey() error { return errs.New(errs.NotFound, "There is no such passkey.") }

// renamePasskey changes a name. Error: not-found.
func (st *store) renamePasskey(ctx context.Context, account, key id.ID, name string, note auditRow) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		var n int64
		mine := func() *gorm.DB { return tx.Model(&passkeyRow{}).Where("id = ? AND account_id = ?", key, account) }
		// Counted, because MySQL says 0 rows for a name that stays the same.
		if err := mine().Count(&n).Error; err != nil || n == 0 {
			return firstError(err, errNoPasskey())
		}
		if err := mine().UpdateColumns(map[string]any{"name": name}).Error; err != nil {
			return err
		}
		return tx.Create(&note).Error
	})
}
