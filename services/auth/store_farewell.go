package auth

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/authn"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

const eventDeleted = "account-deleted"

// deletedRow keeps the username of a deleted account from everybody else, for
// ever: nobody can pass for a person who is gone.
type deletedRow struct {
	AccountID    id.ID  `gorm:"column:account_id;primaryKey"`
	UsernameHash []byte `gorm:"column:username_hash"`
	DeletedAt    time.Time
}

// TableName implements gorm's Tabler.
func (deletedRow) TableName() string { return "deleted_accounts" }

// deleteAccount stores the end of an account, all or nothing, and returns the
// events of the sessions that ended. Errors: unauthenticated when there is no
// such account (any more), not-found when who asks may not, conflict for the last
// administrator.
func (st *store) deleteAccount(ctx context.Context, f farewell) (emitted []outbox.Row, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		emitted = nil
		// One at a time: of two administrators who leave at once one has to stay.
		if err := st.lockAdministrators(tx, f.now); err != nil {
			return err
		}
		if f.by != nil {
			if _, err := roleOf(tx, *f.by, authn.RoleAdmin); err != nil {
				return err
			}
		}
		acc, ok, err := accountOf(st.db.ForUpdate(tx), f.account)
		if err != nil || !ok {
			return firstError(err, f.missing())
		}
		if emitted, err = st.endIn(tx, f.ending, f.now, f.leave); err != nil {
			return err
		}
		if err := eraseAccount(tx, acc, f.now); err != nil {
			return err
		}
		if acc.Role == authn.RoleAdmin {
			if err := someAdminLeft(tx); err != nil {
				return err
			}
		}
		if err := tx.Create(&f.audit).Error; err != nil {
			return err
		}
		if f.actor != nil {
			if err := tx.Create(f.actor).Error; err != nil {
				return err
			}
		}
		return outbox.Insert(tx, f.events)
	})
	return emitted, err
}

// missing is the error when there is no such account (any more).
func (f farewell) missing() error {
	if f.by != nil {
		return errNoPerson()
	}
	return errSessionOver()
}

// eraseAccount takes away what is known of an account whose row is locked. Its
// ended sessions stay for as long as their access tokens could, without saying
// where they were.
func eraseAccount(tx *gorm.DB, acc Account, now time.Time) error {
	name := goneName(acc.Username)
	if err := tx.Create(&deletedRow{AccountID: acc.ID, UsernameHash: name[:], DeletedAt: now}).Error; err != nil {
		return err
	}
	sessions := tx.Model(&sessionRow{}).Select("id").Where("account_id = ?", acc.ID)
	if err := tx.Where("session_id IN (?)", sessions).Delete(&refreshRow{}).Error; err != nil {
		return err
	}
	err := tx.Model(&sessionRow{}).Where("account_id = ?", acc.ID).UpdateColumns(map[string]any{"ip": "", "user_agent": ""}).Error
	if err != nil {
		return err
	}
	for _, rows := range []any{
		&credentialRow{}, &totpRow{}, &recoveryRow{}, &passkeyRow{}, &challengeRow{}, &passkeyChallengeRow{},
		&oneTimeRow{}, &confirmedRow{}, &suspensionRow{}, &identityRow{}, &flowRow{},
	} {
		if err := tx.Where("account_id = ?", acc.ID).Delete(rows).Error; err != nil {
			return err
		}
	}
	return tx.Where("id = ?", acc.ID).Delete(&accountRow{}).Error
}

// nameGone says whether a deleted account had the username.
func nameGone(tx *gorm.DB, username string) (bool, error) {
	var found []deletedRow
	name := goneName(username)
	err := tx.Where("username_hash = ?", name[:]).Limit(1).Find(&found).Error
	return len(found) > 0, err
}
