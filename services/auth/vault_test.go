package auth

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"strings"
	"testing"
	"time"

	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

func keys(list ...string) option {
	return func(c *config.Config) { c.EncryptionKey = strings.Join(list, "\n") }
}

func testVault(t *testing.T, list ...string) *vault {
	t.Helper()
	cfg := config.Default()
	keys(list...)(&cfg)
	v, err := newVault(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is stored opens for its owner, whole and with its key, and not otherwise.
func TestVault(t *testing.T) {
	first, second := config.NewEncryptionKey(), config.NewEncryptionKey()
	v, secret := testVault(t, first), []byte("a secret of 20 bytes")
	stored, err := v.seal(secret, "ada")
	if err != nil || bytes.Contains(stored, secret) {
		t.Fatalf("%q, %v", stored, err)
	}
	if again, _ := v.seal(secret, "ada"); bytes.Equal(again, stored) {
		t.Error("the same secret looks the same twice")
	}
	for _, good := range []*vault{v, testVault(t, first, second), testVault(t, second, first)} {
		if got, err := good.open(stored, len(secret), "ada"); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q, %v", got, err)
		}
	}
	refused := func(what string, v *vault, stored []byte, size int, owner string) {
		if got, err := v.open(stored, size, owner); !errors.Is(err, errOtherKey) || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	refused("another owner", v, stored, len(secret), "ben")
	refused("another key", testVault(t, second), stored, len(secret), "ada")
	refused("no key", testVault(t), stored, len(secret), "ada")
	refused("another size", v, stored, len(secret)+1, "ada")
	for i := range stored {
		changed := bytes.Clone(stored)
		changed[i] ^= 1
		refused("a changed byte", v, changed, len(secret), "ada")
		if i != len(secret) { // as long as what was stored before there was a vault
			refused("cut off", v, stored[:i], len(secret), "ada")
		}
	}
	if _, err := testVault(t).seal(secret, "ada"); !errors.Is(err, errNoKey) {
		t.Errorf("sealed without a key: %v", err)
	}
}

// seed is what the app was given.
func (a app) seed() []byte {
	a.r.t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.secret)
	if err != nil {
		a.r.t.Fatal(err)
	}
	return seed
}

// column reads the secrets of a table as they are stored.
func (r *rig) column(table, column string) (list [][]byte) {
	r.t.Helper()
	if err := r.db.R.Table(table).Pluck(column, &list).Error; err != nil {
		r.t.Fatal(err)
	}
	return list
}

// Neither a seed nor a private key can be read in the database, and only a
// replica with the key can use them.
func TestSecretsAreEncrypted(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		r := newRig(t, d, b)
		s := r.signUp("ada")
		a, codes := r.enrol(s, confirmed())
		seed := a.seed()
		stored := append(r.column("totp_factors", "secret"), r.column("signing_keys", "seed")...)
		private := r.svc.keys.set.Load().keys[0].Private.Seed()
		for _, cell := range stored {
			if bytes.Contains(cell, seed) || bytes.Contains(cell, private) || cell[0] != vaultVersion {
				t.Errorf("%x is in the clear", cell)
			}
		}
		if len(stored) != 2 {
			t.Errorf("%d secrets", len(stored))
		}
		r.second(r.half("ada").Challenge, "code", a.next()).Want(200)

		// Somebody else's seed is nothing here, whoever put it there.
		ben := r.signUp("ben")
		bens, _ := r.enrol(ben, confirmed())
		moved := r.db.W.Exec("UPDATE totp_factors SET secret = ? WHERE account_id = ?", r.stored(ben.User.ID), s.User.ID)
		if moved.Error != nil || moved.RowsAffected != 1 {
			t.Fatal(moved.Error)
		}
		r.second(r.half("ada").Challenge, "code", bens.next()).WantProblem(errs.Unavailable)
		r.second(r.half("ada").Challenge, "recovery_code", codes[0]).Want(200)
		if log := r.log.String(); !strings.Contains(log, "another key than those of CHAT_ENCRYPTION_KEY") || strings.Contains(log, a.secret) {
			t.Error("the log does not say why, or too much")
		}
	})
}

// stored is the seed of an account as it is in the database.
func (r *rig) stored(account id.ID) (secret []byte) {
	r.t.Helper()
	if err := r.db.R.Raw("SELECT secret FROM totp_factors WHERE account_id = ?", account).Row().Scan(&secret); err != nil {
		r.t.Fatal(err)
	}
	return secret
}

// What was stored before there was a vault works, and is encrypted later, as is
// what an older key encrypted; nobody is signed out.
func TestSecretsAreEncryptedAnew(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		r := newRig(t, d, b)
		s := r.signUp("ada")
		a, _ := r.enrol(s, confirmed())
		seed := a.seed()
		for statement, plain := range map[string][]byte{
			"UPDATE totp_factors SET secret = ?": seed, "UPDATE signing_keys SET seed = ?": r.svc.keys.set.Load().keys[0].Private.Seed(),
		} {
			if err := d.W.Exec(statement, plain).Error; err != nil {
				t.Fatal(err)
			}
		}
		newer, newest := config.NewEncryptionKey(), config.NewEncryptionKey()
		for _, list := range [][]string{{newer}, {newest, newer}} {
			next := newRig(t, d, b, keys(list...))
			next.clock.skew.Store(r.clock.skew.Load())
			works := func(when string) {
				t.Helper()
				next.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).Want(200)
				a.r = next
				next.second(next.half("ada").Challenge, "code", a.next()).Want(200)
				if err := CheckSecrets(t.Context(), next.svc.cfg, d); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			works("before")
			if n, err := next.svc.store.reseal(t.Context()); err != nil || n != 2 {
				t.Errorf("%d encrypted, %v", n, err)
			}
			if n, err := next.svc.store.reseal(t.Context()); err != nil || n != 0 {
				t.Errorf("%d encrypted again, %v", n, err)
			}
			works("after")
			r.clock.skew.Store(next.clock.skew.Load())
		}
		older := run.Deps{Config: config.Default(), DB: d}
		keys(newer)(&older.Config)
		if err := CheckSecrets(t.Context(), older.Config, d); !errors.Is(err, errOtherKey) {
			t.Errorf("with the older key alone: %v", err)
		}
		if _, err := testVault(t, newer).open(r.stored(s.User.ID), seedBytes, ownerOfSeed(s.User.ID)); !errors.Is(err, errOtherKey) {
			t.Errorf("the seed with the older key alone: %v", err)
		}
	})
}

// Encrypting anew goes through all accounts, and around what cannot be decrypted.
func TestManySecretsAreEncryptedAnew(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		const many = cleanBatch + 3
		rows := make([]totpRow, many)
		for i := range rows {
			rows[i] = totpRow{AccountID: id.New(), Secret: bytes.Repeat([]byte{byte(i)}, seedBytes), CreatedAt: r.clock.now()}
		}
		lost, err := testVault(t, config.NewEncryptionKey()).seal(rows[7].Secret, ownerOfSeed(rows[7].AccountID))
		if err != nil {
			t.Fatal(err)
		}
		rows[7].Secret = lost
		if err := r.db.W.CreateInBatches(rows, 100).Error; err != nil {
			t.Fatal(err)
		}
		if n, err := r.svc.store.reseal(t.Context()); n != many-1 || !errors.Is(err, errOtherKey) || !strings.Contains(err.Error(), rows[7].AccountID.String()) {
			t.Errorf("%d encrypted, %v", n, err)
		}
		if !bytes.Equal(r.stored(rows[7].AccountID), lost) {
			t.Error("what cannot be decrypted was changed")
		}
		for _, i := range []int{0, many - 1} {
			factor, err := r.svc.store.totp(t.Context(), rows[i].AccountID)
			if err != nil || !bytes.Equal(factor.Secret, rows[i].Secret) || bytes.Equal(factor.stored, rows[i].Secret) {
				t.Errorf("row %d: %v", i, err)
			}
		}
	})
}

// Without the right key the service does not start, and says what to do; when
// the key is gone for good, signing goes on with a new one.
func TestKeyIsGone(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		b := testkit.Bus(t)
		r := newRig(t, d, b)
		s := r.signUp("ada")
		start := func(list ...string) (*Service, error) {
			cfg := config.Default()
			keys(list...)(&cfg)
			svc, err := New(run.Deps{Config: cfg, DB: d, Bus: b, Log: testkit.Log(t)})
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // an error comes at once
			defer cancel()
			return svc, svc.Run(ctx)
		}
		if _, err := start(); !errors.Is(err, errNoKey) {
			t.Errorf("without a key: %v", err)
		}
		other := config.NewEncryptionKey()
		svc, err := start(other)
		if !errors.Is(err, errOtherKey) || !strings.Contains(err.Error(), "signing key 1") || !strings.Contains(err.Error(), "forget-signing-keys") {
			t.Fatalf("with another key: %v", err)
		}
		if n, err := r.svc.ForgetSigningKeys(t.Context()); n != 0 || err != nil {
			t.Errorf("%d keys that can be used are forgotten, %v", n, err)
		}
		if n, err := svc.ForgetSigningKeys(t.Context()); n != 1 || err != nil {
			t.Errorf("%d keys forgotten, %v", n, err)
		}
		next := newRig(t, d, testkit.Bus(t), keys(other)) // r still knows its keys
		next.call("GET", "/api/v1/auth/account", nil, bearer(s.AccessToken)).WantProblem(errs.Unauthenticated)
		again := next.signedIn(next.post("refresh", nil, s.refresh()), 200)
		next.call("GET", "/api/v1/auth/account", nil, bearer(again.AccessToken)).Want(200)
	})
}
