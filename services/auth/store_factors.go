package auth

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type totpRow struct {
	AccountID   id.ID  `gorm:"column:account_id;primaryKey"`
	Secret      []byte `gorm:"column:secret"` // encrypted by the vault
	LastStep    int64  `gorm:"column:last_step"`
	CreatedAt   time.Time
	ActivatedAt *time.Time
}

// TableName implements gorm's Tabler.
func (totpRow) TableName() string { return "totp_factors" }

type recoveryRow struct {
	CodeHash  []byte `gorm:"column:code_hash;primaryKey"`
	AccountID id.ID  `gorm:"column:account_id"`
	CreatedAt time.Time
	UsedAt    *time.Time
}

// TableName implements gorm's Tabler.
func (recoveryRow) TableName() string { return "recovery_codes" }

// factors are the second factors of an account.
func (st *store) factors(ctx context.Context, account id.ID) (Factors, error) {
	return factorsOf(st.read(ctx), account)
}

func factorsOf(tx *gorm.DB, account id.ID) (f Factors, err error) {
	var apps []totpRow
	if err := tx.Where("account_id = ? AND activated_at IS NOT NULL", account).Find(&apps).Error; err != nil {
		return f, err
	}
	for _, r := range apps {
		f.TOTPSince = timeOf(r.ActivatedAt)
	}
	if f.Passkeys, err = passkeysOf(tx, account); err != nil {
		return f, err
	}
	var left int64
	err = tx.Model(&recoveryRow{}).Where("account_id = ? AND used_at IS NULL", account).Count(&left).Error
	f.CodesLeft = int(left)
	return f, err
}

// totp is the app of an account, active or offered; the zero one for none.
func (st *store) totp(ctx context.Context, account id.ID) (totpFactor, error) {
	var rows []totpRow
	err := st.read(ctx).Where("account_id = ?", account).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return totpFactor{}, err
	}
	seed, err := st.openSeed(rows[0])
	if err != nil {
		return totpFactor{}, errs.Wrap(errs.Unavailable, "Codes of apps cannot be checked right now. Use a recovery code, or try again later.", err)
	}
	return totpFactor{Secret: seed, stored: rows[0].Secret, LastStep: rows[0].LastStep, ActivatedAt: timeOf(rows[0].ActivatedAt)}, nil
}

// ownerOfSeed is whose secret the seed of an account's app is, for the vault.
func ownerOfSeed(account id.ID) string { return "app of account " + account.String() }

// openSeed decrypts the seed of an app. The error names the account.
func (st *store) openSeed(r totpRow) ([]byte, error) {
	seed, err := st.vault.open(r.Secret, seedBytes, ownerOfSeed(r.AccountID))
	if err != nil {
		return nil, fmt.Errorf("the seed of account %s: %w", r.AccountID, err)
	}
	return seed, nil
}

// offerTOTP stores a seed that is not in use yet, in place of an earlier such
// one. Error: conflict when the account has an app in use.
func (st *store) offerTOTP(ctx context.Context, account id.ID, seed []byte, now time.Time) error {
	sealed, err := st.vault.seal(seed, ownerOfSeed(account))
	if err != nil {
		return err
	}
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := st.lockAccount(tx, account); err != nil {
			return err
		}
		before, err := factorsOf(tx, account)
		if err != nil {
			return err
		}
		if !before.TOTPSince.IsZero() {
			return errs.New(errs.Conflict, "An app is in use already. Remove it first.")
		}
		row := totpRow{AccountID: account, Secret: sealed, CreatedAt: now}
		return tx.Save(&row).Error
	})
}

// lockAccount makes what is done to an account, and sign-ins, wait for each
// other, and returns the account as it is now. Error: unauthenticated when there
// is no such account.
func (st *store) lockAccount(tx *gorm.DB, account id.ID) (Account, error) {
	acc, ok, err := accountOf(st.db.ForUpdate(tx), account)
	if err == nil && !ok {
		err = errSessionOver()
	}
	return acc, err
}

// mustProve locks the account and gives the ways to take the second step that
// n still needs.
func (st *store) mustProve(tx *gorm.DB, n newLogin) ([]string, error) {
	if err := st.mayStart(tx, n.account); err != nil || n.proof != nil {
		return nil, err
	}
	f, err := factorsOf(tx, n.account.ID)
	return f.methods(), err
}

// spend uses up a proof alone. Error: errNotProved.
func (st *store) spend(ctx context.Context, p proof, now time.Time, mail []outbox.Row) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := spendIn(tx, p, now); err != nil {
			return err
		}
		return outbox.Insert(tx, mail)
	})
}

// spendIn uses up a proof: of several uses at the same time one succeeds. The
// guesses at codes before a right one are forgotten. Error: errNotProved.
func spendIn(tx *gorm.DB, p proof, now time.Time) error {
	var done *gorm.DB
	switch p.method {
	case methodTOTP:
		c := codeCounter(p.account)
		if err := tx.Where("attempt_key = ?", c.Key[:]).Delete(&attemptRow{}).Error; err != nil {
			return err
		}
		done = tx.Model(&totpRow{}).Where("account_id = ? AND activated_at IS NOT NULL AND last_step < ?", p.account, p.step).
			UpdateColumns(map[string]any{"last_step": p.step})
	case methodRecovery:
		note := audit(now, eventCodeUsed, Account{ID: p.account}, Client{})
		if err := tx.Create(&note).Error; err != nil {
			return err
		}
		done = tx.Model(&recoveryRow{}).Where("code_hash = ? AND account_id = ? AND used_at IS NULL", p.code[:], p.account).
			UpdateColumns(map[string]any{"used_at": now})
	default:
		done = usePasskey(tx, p, now)
	}
	if done.Error != nil || done.RowsAffected != 1 {
		return firstError(done.Error, errNotProved)
	}
	return nil
}

// factorChange is one change of an account's factors.
type factorChange struct {
	account id.ID
	change  func(*factorTx) error
	ending  ending    // the sessions that end
	leave   leaveFunc // nil = none ends
	now     time.Time
	audit   auditRow
	mail    []outbox.Row
}

// factorTx is the transaction of a change, and what was before it.
type factorTx struct {
	tx      *gorm.DB
	account id.ID
	before  Factors
	now     time.Time
}

// changeFactors makes a change, all or nothing, and returns the events of the
// sessions that ended. Without a factor there are no recovery codes. Error:
// conflict for the last one where one is demanded.
func (st *store) changeFactors(ctx context.Context, c factorChange) (emitted []outbox.Row, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		emitted = nil
		if _, err := st.lockAccount(tx, c.account); err != nil {
			return err
		}
		f := &factorTx{tx: tx, account: c.account, now: c.now}
		if f.before, err = factorsOf(tx, c.account); err != nil {
			return err
		}
		if err := c.change(f); err != nil {
			return err
		}
		after, err := factorsOf(tx, c.account)
		if err == nil && !after.on() {
			err = lastFactor(tx, c.account)
		}
		if err == nil && c.leave != nil {
			emitted, err = st.endIn(tx, c.ending, c.now, c.leave)
		}
		if err == nil {
			err = dropChallenges(tx, c.account)
		}
		if err != nil {
			return err
		}
		if err := tx.Create(&c.audit).Error; err != nil {
			return err
		}
		return outbox.Insert(tx, c.mail)
	})
	return emitted, err
}

// lastFactor ends what comes with a second step. Error: conflict where the
// account must have one.
func lastFactor(tx *gorm.DB, account id.ID) error {
	acc, ok, err := accountOf(tx, account)
	if err != nil || !ok {
		return firstError(err, errSessionOver())
	}
	needed, err := demanded(tx, acc.Role)
	if err == nil && needed {
		err = errs.New(errs.Conflict, "Two-step sign-in is needed here. Add another way before you remove this one.")
	}
	if err != nil {
		return err
	}
	return tx.Where("account_id = ?", account).Delete(&recoveryRow{}).Error
}

// activateTOTP turns an offered app on whose code of step came back. Error:
// conflict when it was turned on, or another was offered, meanwhile.
func (f *factorTx) activateTOTP(offered totpFactor, step int64) error {
	done := f.tx.Model(&totpRow{}).Where("account_id = ? AND secret = ? AND activated_at IS NULL", f.account, offered.stored).
		UpdateColumns(map[string]any{"activated_at": f.now, "last_step": step})
	if done.Error == nil && done.RowsAffected == 0 {
		return errs.New(errs.Conflict, "There is nothing to turn on. Begin again.")
	}
	if done.Error != nil {
		return done.Error
	}
	c := codeCounter(f.account)
	return f.tx.Where("attempt_key = ?", c.Key[:]).Delete(&attemptRow{}).Error
}

// removeTOTP turns the app off. Error: not-found.
func (f *factorTx) removeTOTP() error {
	gone := f.tx.Where("account_id = ? AND activated_at IS NOT NULL", f.account).Delete(&totpRow{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return errs.New(errs.NotFound, "There is no app.")
	}
	return gone.Error
}

// removeAll ends every factor, with the recovery codes and half-done sign-ins.
func (f *factorTx) removeAll() error {
	for _, rows := range []any{&totpRow{}, &passkeyRow{}, &recoveryRow{}} {
		if err := f.tx.Where("account_id = ?", f.account).Delete(rows).Error; err != nil {
			return err
		}
	}
	return dropChallenges(f.tx, f.account)
}

// firstCodes stores recovery codes when this is the account's first factor,
// and says whether it did.
func (f *factorTx) firstCodes(hashes []tokenHash) (bool, error) {
	if f.before.on() {
		return false, nil
	}
	return true, f.replaceCodes(hashes)
}

// replaceCodes stores recovery codes in place of all earlier ones.
func (f *factorTx) replaceCodes(hashes []tokenHash) error {
	if err := f.tx.Where("account_id = ?", f.account).Delete(&recoveryRow{}).Error; err != nil {
		return err
	}
	rows := make([]recoveryRow, 0, len(hashes))
	for _, h := range hashes {
		rows = append(rows, recoveryRow{CodeHash: h[:], AccountID: f.account, CreatedAt: f.now})
	}
	return f.tx.Create(&rows).Error
}

// rehash renews a password hash, unless the password was changed meanwhile.
func (st *store) rehash(ctx context.Context, account id.ID, before, after string) error {
	return st.db.W.WithContext(ctx).Model(&credentialRow{}).Where("account_id = ? AND password_hash = ?", account, before).
		UpdateColumns(map[string]any{"password_hash": after}).Error
}
