package auth

import (
	"context"
	"errors"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/id"
)

// resealAfter is how long after its start a process encrypts anew what is stored
// in the clear or with an older key. In a rolling upgrade, or while a key is
// changed, the replicas of before, who could not read it, are gone by then.
const resealAfter = time.Hour

// resealLater does so once; it returns when all is encrypted with the first key,
// or when ctx ends.
func (s *Service) resealLater(ctx context.Context) {
	wait := time.NewTimer(resealAfter)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		n, err := s.store.reseal(ctx)
		if n > 0 {
			s.log.InfoContext(ctx, "secrets in the database encrypted with the first key of CHAT_ENCRYPTION_KEY", "secrets", n)
		}
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "not all secrets in the database are encrypted with the first key of CHAT_ENCRYPTION_KEY; trying again", "error", err, "in", cleanEvery)
		}
		wait.Reset(cleanEvery)
	}
}

// CheckSecrets looks whether the keys of c decrypt the signing keys and a sample
// of the seeds in d. An error names the first that they do not.
func CheckSecrets(ctx context.Context, c config.Config, d *db.DB) error {
	vault, err := newVault(c)
	if err != nil {
		return err
	}
	st := &store{db: d, vault: vault}
	if _, err := st.signingKeys(ctx); err != nil {
		return err
	}
	var rows []totpRow
	if err := st.read(ctx).Order("account_id").Limit(cleanBatch).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := st.openSeed(r); err != nil {
			return err
		}
	}
	return nil
}

// ForgetSigningKeys deletes the signing keys that cannot be decrypted, for when
// the key that encrypted them is gone for good, and returns how many. What they
// signed is refused from then on: clients get other tokens by themselves.
func (s *Service) ForgetSigningKeys(ctx context.Context) (n int, err error) {
	if err := s.store.vault.ready(); err != nil {
		return 0, err
	}
	var rows []keyRow
	if err := s.store.read(ctx).Find(&rows).Error; err != nil {
		return 0, err
	}
	for _, r := range rows {
		if _, err := s.store.openKey(r); err == nil {
			continue
		}
		if err := s.store.deleteSigningKey(ctx, r.Generation); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// reseal encrypts with the first key what is not, and returns how many secrets it
// were. What no key decrypts stays; the error names one.
func (st *store) reseal(ctx context.Context) (n int, err error) {
	if err := st.vault.ready(); err != nil {
		return 0, err
	}
	n, err = st.resealKeys(ctx)
	for last := (id.ID{}); ; {
		var rows []totpRow
		found := st.read(ctx).Where("account_id > ? AND SUBSTR(secret, 1, ?) <> ?", last, vaultName, st.vault.keys[0].name[:]).
			Order("account_id").Limit(cleanBatch).Find(&rows)
		if found.Error != nil || len(rows) == 0 {
			return n, errors.Join(err, found.Error)
		}
		for _, r := range rows {
			last = r.AccountID
			seed, failed := st.openSeed(r)
			if failed == nil {
				failed = st.resealOne(ctx, &n, "UPDATE totp_factors SET secret = ? WHERE account_id = ? AND secret = ?", r.AccountID, r.Secret, seed, ownerOfSeed(r.AccountID))
			}
			err = firstError(err, failed)
		}
	}
}

func (st *store) resealKeys(ctx context.Context) (n int, err error) {
	var keys []keyRow
	found := st.read(ctx).Where("SUBSTR(seed, 1, ?) <> ?", vaultName, st.vault.keys[0].name[:]).Find(&keys)
	for _, k := range keys {
		seed, failed := st.openKey(k)
		if failed == nil {
			failed = st.resealOne(ctx, &n, "UPDATE signing_keys SET seed = ? WHERE generation = ? AND seed = ?", k.Generation, k.Seed, seed, ownerOfKey(k.KID))
		}
		err = firstError(err, failed)
	}
	return n, errors.Join(found.Error, err)
}

// resealOne puts a secret encrypted anew in the place of what is stored, unless
// that changed meanwhile, and counts it.
func (st *store) resealOne(ctx context.Context, count *int, update string, key any, stored, secret []byte, owner string) error {
	sealed, err := st.vault.seal(secret, owner)
	if err != nil {
		return err
	}
	done := st.db.W.WithContext(ctx).Exec(update, sealed, key, stored)
	*count += int(done.RowsAffected)
	return done.Error
}
