package auth

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// What the audit log records of administration.
const (
	eventSuspended       = "suspended"
	eventRestored        = "restored"
	eventSignedOut       = "signed-out-by-admin"
	eventRole            = "role-changed"
	eventResetSent       = "reset-sent-by-admin"
	eventLoginSuspended  = "login-suspended"
	eventInvited         = "invitation-made"
	eventUninvited       = "invitation-withdrawn"
	eventSettingsChanged = "settings-changed"
)

type suspensionRow struct {
	AccountID   id.ID  `gorm:"column:account_id;primaryKey"`
	Reason      string `gorm:"column:reason"`
	SuspendedBy string `gorm:"column:suspended_by"`
	SuspendedAt time.Time
}

// TableName implements gorm's Tabler.
func (suspensionRow) TableName() string { return "suspensions" }

// actorRow says who is behind a line of the audit log that is about somebody
// else, and what is to be said about it.
type actorRow struct {
	AuditID id.ID  `gorm:"column:audit_id;primaryKey"`
	ActorID *id.ID `gorm:"column:actor_id"`
	Actor   string `gorm:"column:actor"`
	Detail  string `gorm:"column:detail"`
}

// TableName implements gorm's Tabler.
func (actorRow) TableName() string { return "audit_actors" }

// auditOf makes the rows about what by did; account is Nil for what is about
// nobody's account.
func auditOf(by Actor, at time.Time, event string, account id.ID, detail string) (auditRow, actorRow) {
	note := audit(at, event, Account{ID: account}, by.From)
	return note, actorRow{AuditID: note.ID, ActorID: optional(by.ID), Actor: by.Name, Detail: detail}
}

func noteIn(tx *gorm.DB, by Actor, at time.Time, event string, account id.ID, detail string) error {
	note, who := auditOf(by, at, event, account, detail)
	if err := tx.Create(&note).Error; err != nil {
		return err
	}
	return tx.Create(&who).Error
}

// administer does d, and ends sessions as e and leave say. It returns the events
// that were stored. Errors: not-found when the account is not there or the actor
// has no right (any more), forbidden, conflict.
func (st *store) administer(ctx context.Context, d deed, e ending, leave leaveFunc) (emitted []outbox.Row, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		emitted = nil
		// One at a time: two administrators who dismiss each other must not both succeed.
		if err := st.lockAdministrators(tx, d.now); err != nil {
			return err
		}
		acc, err := st.target(tx, d)
		if err != nil {
			return err
		}
		detail, changed, err := d.apply(tx, acc)
		if err != nil || !changed {
			return err
		}
		if acc.Role == authn.RoleAdmin {
			if err := someAdminLeft(tx); err != nil {
				return err
			}
		}
		if d.ends != "" {
			if emitted, err = st.endIn(tx, e, d.now, leave); err != nil {
				return err
			}
		}
		emitted = append(emitted, d.mail...)
		if err := outbox.Insert(tx, d.mail); err != nil {
			return err
		}
		return noteIn(tx, d.actor, d.now, d.event, acc.ID, detail)
	})
	return emitted, err
}

// lockAdministrators makes the transaction wait for others that change who may
// administer.
func (st *store) lockAdministrators(tx *gorm.DB, now time.Time) error {
	row := settingRow{Name: lockOfAdministrators, ChangedAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return err
	}
	return st.db.ForUpdate(tx).Where("name = ?", lockOfAdministrators).Take(&row).Error
}

// target locks the account that d is about, once it is clear that the actor may
// do it.
func (st *store) target(tx *gorm.DB, d deed) (Account, error) {
	role, err := roleOf(tx, d.actor, d.least)
	if err != nil {
		return Account{}, err
	}
	acc, ok, err := accountOf(st.db.ForUpdate(tx), d.account)
	switch {
	case err != nil || !ok:
		return acc, firstError(err, errNoPerson())
	case role != authn.RoleAdmin && acc.Role != authn.RoleUser:
		return acc, errs.New(errs.Forbidden, "Only an administrator may do this to a moderator or an administrator.")
	}
	return acc, nil
}

// roleOf is the actor's role as it is now, not as a token says. Error:
// not-found when it is less than least.
func roleOf(tx *gorm.DB, by Actor, least string) (string, error) {
	if by.operator() {
		return authn.RoleAdmin, nil
	}
	acc, ok, err := accountOf(tx, by.ID)
	if err != nil {
		return "", err
	}
	if ok {
		ok, err = isSuspended(tx, by.ID)
		ok = !ok && authn.Includes(acc.Role, least)
	}
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "There is no such page.")
	}
	return acc.Role, err
}

// mayAdminister checks the actor's role as it is now. Error: not-found.
func (st *store) mayAdminister(ctx context.Context, by Actor, least string) error {
	_, err := roleOf(st.read(ctx), by, least)
	return err
}

// apply stores the change itself; changed is false when all is as wished.
func (d deed) apply(tx *gorm.DB, acc Account) (detail string, changed bool, err error) {
	switch {
	case d.suspend:
		if already, err := isSuspended(tx, acc.ID); err != nil || already {
			return "", false, err
		}
		row := suspensionRow{AccountID: acc.ID, Reason: d.reason, SuspendedBy: d.actor.Name, SuspendedAt: d.now}
		return d.reason, true, tx.Create(&row).Error
	case d.restore:
		gone := tx.Where("account_id = ?", acc.ID).Delete(&suspensionRow{})
		return "", gone.RowsAffected > 0, gone.Error
	case d.unfactor:
		f := &factorTx{tx: tx, account: acc.ID, now: d.now}
		if f.before, err = factorsOf(tx, acc.ID); err != nil || !f.before.on() {
			return "", false, err
		}
		return "", true, f.removeAll()
	case d.role != "":
		if d.role == acc.Role {
			return "", false, nil
		}
		err := tx.Model(&accountRow{}).Where("id = ?", acc.ID).UpdateColumns(map[string]any{"role": d.role}).Error
		return acc.Role + " to " + d.role, true, err
	}
	return "", true, nil
}

// someAdminLeft is asked after a change, under lockAdministrators. Error:
// conflict when nobody could administer any more.
func someAdminLeft(tx *gorm.DB) error {
	var n int64
	err := tx.Model(&accountRow{}).Where("role = ?", authn.RoleAdmin).
		Where("NOT EXISTS (SELECT 1 FROM suspensions WHERE suspensions.account_id = accounts.id)").Count(&n).Error
	if err == nil && n == 0 {
		return errLastAdmin()
	}
	return err
}

func isSuspended(tx *gorm.DB, account id.ID) (bool, error) {
	var n int64
	err := tx.Model(&suspensionRow{}).Where("account_id = ?", account).Count(&n).Error
	return n > 0, err
}

// notSuspended says whether an account may be used. Error: suspended.
func (st *store) notSuspended(ctx context.Context, account id.ID) error {
	return notSuspendedIn(st.read(ctx), account)
}

func notSuspendedIn(tx *gorm.DB, account id.ID) error {
	suspended, err := isSuspended(tx, account)
	if err == nil && suspended {
		return errSuspended()
	}
	return err
}

// mayStart is asked in the transaction that stores a session of acc. It locks the
// account, so that a suspension that comes at the same time waits, and then finds
// the session. Errors: those of lockAccount; suspended; conflict when the account
// has another role than the one in the token that was made.
func (st *store) mayStart(tx *gorm.DB, acc Account) error {
	now, err := st.lockAccount(tx, acc.ID)
	if err != nil {
		return err
	}
	if now.Role != acc.Role {
		return errs.New(errs.Conflict, "Your account was changed a moment ago. Sign in again.")
	}
	return notSuspendedIn(tx, acc.ID)
}

// issueBy is issue for a mail that somebody else asked for.
func (st *store) issueBy(ctx context.Context, t oneTimeToken, note auditRow, who actorRow, mail []outbox.Row) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := issueIn(tx, t, note, mail); err != nil {
			return err
		}
		return tx.Create(&who).Error
	})
}
