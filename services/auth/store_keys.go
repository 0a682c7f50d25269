package auth

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"chatapp/libs/db"
)

type keyRow struct {
	Generation int64  `gorm:"column:generation;primaryKey;autoIncrement:false"`
	KID        string `gorm:"column:kid"`
	Seed       []byte `gorm:"column:seed"` // encrypted by the vault
	CreatedAt  time.Time
	ActiveFrom time.Time
}

// TableName implements gorm's Tabler.
func (keyRow) TableName() string { return "signing_keys" }

// ownerOfKey is whose secret the private half of a key is, for the vault.
func ownerOfKey(kid string) string { return "signing key " + kid }

// openKey decrypts the private half of a key. The error names it.
func (st *store) openKey(r keyRow) ([]byte, error) {
	seed, err := st.vault.open(r.Seed, ed25519.SeedSize, ownerOfKey(r.KID))
	if err != nil {
		return nil, fmt.Errorf("signing key %d cannot be used: %w", r.Generation, err)
	}
	return seed, nil
}

// signingKeys reads all keys in order of generation.
func (st *store) signingKeys(ctx context.Context) ([]signingKey, error) {
	var rows []keyRow
	if err := st.read(ctx).Order("generation").Find(&rows).Error; err != nil {
		return nil, err
	}
	keys := make([]signingKey, 0, len(rows))
	for _, r := range rows {
		seed, err := st.openKey(r)
		if err != nil {
			return nil, err
		}
		keys = append(keys, signingKey{
			Generation: r.Generation, KID: r.KID, Private: ed25519.NewKeyFromSeed(seed),
			CreatedAt: r.CreatedAt.UTC(), ActiveFrom: r.ActiveFrom.UTC(),
		})
	}
	return keys, nil
}

// addSigningKey stores a key; added is false when its generation exists, that
// is when another replica was faster.
func (st *store) addSigningKey(ctx context.Context, k signingKey) (added bool, err error) {
	seed, err := st.vault.seal(k.Private.Seed(), ownerOfKey(k.KID))
	if err != nil {
		return false, err
	}
	row := keyRow{Generation: k.Generation, KID: k.KID, Seed: seed, CreatedAt: k.CreatedAt, ActiveFrom: k.ActiveFrom}
	err = st.db.W.WithContext(ctx).Create(&row).Error
	if db.IsDuplicate(err) {
		return false, nil
	}
	return err == nil, err
}

func (st *store) deleteSigningKey(ctx context.Context, generation int64) error {
	return st.db.W.WithContext(ctx).Where("generation = ?", generation).Delete(&keyRow{}).Error
}
