package auth

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/id"
)

type challengeRow struct {
	ChallengeHash []byte `gorm:"column:challenge_hash;primaryKey"`
	AccountID     id.ID  `gorm:"column:account_id"`
	Tries         int    `gorm:"column:tries"`
	CreatedAt     time.Time
	ExpiresAt     time.Time
}

// TableName implements gorm's Tabler.
func (challengeRow) TableName() string { return "login_challenges" }

// passkeyChallenge is a challenge that waits for a passkey's answer.
type passkeyChallenge struct {
	Hash      tokenHash
	AccountID id.ID // zero = any account's passkey may answer
	Purpose   string
	ExpiresAt time.Time
}

type passkeyChallengeRow struct {
	ChallengeHash []byte `gorm:"column:challenge_hash;primaryKey"`
	AccountID     id.ID  `gorm:"column:account_id"`
	Purpose       string `gorm:"column:purpose"`
	ExpiresAt     time.Time
}

// TableName implements gorm's Tabler.
func (passkeyChallengeRow) TableName() string { return "passkey_challenges" }

// askSecond stores the challenge of a sign-in whose first factor was right: the
// attempt was no failure, and no success yet.
func (st *store) askSecond(tx *gorm.DB, n newLogin, try *attempt) error {
	now := n.session.CreatedAt
	row := challengeRow{ChallengeHash: n.challenge[:], AccountID: n.account.ID, CreatedAt: now, ExpiresAt: now.Add(challengeLife)}
	if err := tx.Create(&row).Error; err != nil {
		return err
	}
	if err := st.releaseIn(tx, try, false, now); err != nil {
		return err
	}
	return tx.Create(&n.asked).Error
}

// tryChallenge counts a try of the second step and gives the account whose
// sign-in it is. A burst of guesses gets no more tries than the limit. Error:
// challenge-expired.
func (st *store) tryChallenge(ctx context.Context, hash tokenHash, now time.Time) (acc Account, err error) {
	err = st.db.Tx(ctx, func(tx *gorm.DB) error {
		used := tx.Model(&challengeRow{}).Where("challenge_hash = ? AND expires_at > ? AND tries < ?", hash[:], now, challengeTries).
			UpdateColumns(map[string]any{"tries": gorm.Expr("tries + 1")})
		if used.Error != nil || used.RowsAffected != 1 {
			return firstError(used.Error, errChallengeExpired())
		}
		acc, err = ownerOf(tx, hash)
		return err
	})
	return acc, err
}

// challengeOwner is the account whose sign-in waits for its second step. Error:
// challenge-expired.
func (st *store) challengeOwner(ctx context.Context, hash tokenHash, now time.Time) (Account, error) {
	var n int64
	err := st.read(ctx).Model(&challengeRow{}).
		Where("challenge_hash = ? AND expires_at > ? AND tries < ?", hash[:], now, challengeTries).Count(&n).Error
	if err != nil || n == 0 {
		return Account{}, firstError(err, errChallengeExpired())
	}
	return ownerOf(st.read(ctx), hash)
}

func ownerOf(tx *gorm.DB, hash tokenHash) (Account, error) {
	var rows []challengeRow
	if err := tx.Where("challenge_hash = ?", hash[:]).Find(&rows).Error; err != nil || len(rows) == 0 {
		return Account{}, firstError(err, errChallengeExpired())
	}
	acc, ok, err := accountOf(tx, rows[0].AccountID)
	if err == nil && !ok {
		err = errChallengeExpired()
	}
	return acc, err
}

// endChallenge uses a challenge up; the zero one is none. Error:
// challenge-expired when another request did.
func endChallenge(tx *gorm.DB, hash tokenHash) error {
	if hash == (tokenHash{}) {
		return nil
	}
	gone := tx.Where("challenge_hash = ?", hash[:]).Delete(&challengeRow{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return errChallengeExpired()
	}
	return gone.Error
}

// dropChallenges ends the half-done sign-ins of an account.
func dropChallenges(tx *gorm.DB, account id.ID) error {
	return tx.Where("account_id = ?", account).Delete(&challengeRow{}).Error
}

func (st *store) addPasskeyChallenge(ctx context.Context, c passkeyChallenge) error {
	row := passkeyChallengeRow{ChallengeHash: c.Hash[:], AccountID: c.AccountID, Purpose: c.Purpose, ExpiresAt: c.ExpiresAt}
	return st.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
}

// takePasskeyChallenge uses a challenge up: of several answers at the same time
// one is heard. Error: errNotProved.
func (st *store) takePasskeyChallenge(ctx context.Context, hash tokenHash, purpose string, account id.ID, now time.Time) error {
	this := func(tx *gorm.DB) *gorm.DB {
		return tx.Where("challenge_hash = ? AND purpose = ? AND account_id = ? AND expires_at > ?", hash[:], purpose, account, now)
	}
	// Read first: what strangers make up costs no write.
	var n int64
	if err := this(st.read(ctx)).Model(&passkeyChallengeRow{}).Count(&n).Error; err != nil || n == 0 {
		return firstError(err, errNotProved)
	}
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		gone := this(tx).Delete(&passkeyChallengeRow{})
		if gone.Error == nil && gone.RowsAffected == 0 {
			return errNotProved
		}
		return gone.Error
	})
}
