package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"

	"chatapp/libs/config"
)

// vault encrypts the secrets that this service must be able to read again:
// private signing keys and the seeds of apps for codes. Whoever has the database
// or a copy of it, but not the key, can neither sign tokens nor make codes. All
// other secrets are stored as hashes.
//
// What is stored is AES-256-GCM: version and name of the key (5 bytes), nonce
// (12), the secret, tag (16). Whose secret it is is authenticated with it: none
// can be moved to another row. What was stored before there was a vault is as
// long as the secret, and is read as it is until resealLater encrypts it.
type vault struct{ keys []vaultKey }

type vaultKey struct {
	name [vaultName]byte // the version, and the beginning of the key's hash
	aead cipher.AEAD
}

const (
	vaultVersion = 1
	vaultName    = 5
)

var (
	errNoKey    = errors.New("CHAT_ENCRYPTION_KEY is missing: it encrypts the signing keys and second factors in the database. 'chatapp secrets' makes one, for this service alone; keep a copy of it apart from the database's backups")
	errOtherKey = errors.New("it was encrypted with another key than those of CHAT_ENCRYPTION_KEY, or is damaged: put the key of before back, as a second line")
)

// newVault takes the keys of the configuration: the first encrypts, all decrypt.
func newVault(c config.Config) (*vault, error) {
	keys, err := c.EncryptionKeys()
	if err != nil {
		return nil, err
	}
	v := &vault{}
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		k := vaultKey{aead: aead}
		sum := sha256.Sum256(key)
		k.name[0] = vaultVersion
		copy(k.name[1:], sum[:])
		v.keys = append(v.keys, k)
	}
	return v, nil
}

// ready says whether there is a key. Error: errNoKey.
func (v *vault) ready() error {
	if len(v.keys) == 0 {
		return errNoKey
	}
	return nil
}

// seal encrypts a secret of owner. Error: errNoKey.
func (v *vault) seal(secret []byte, owner string) ([]byte, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	k := v.keys[0]
	return k.aead.Seal(k.name[:], nil, secret, []byte(owner)), nil //nolint:gosec // it makes a random nonce itself
}

// open is the secret of so many bytes that seal encrypted for owner, or that was
// stored before there was a vault. Error: errOtherKey.
func (v *vault) open(stored []byte, size int, owner string) ([]byte, error) {
	if len(stored) == size {
		return stored, nil
	}
	for _, k := range v.keys {
		if sealed, ok := bytes.CutPrefix(stored, k.name[:]); ok {
			if secret, err := k.aead.Open(nil, nil, sealed, []byte(owner)); err == nil && len(secret) == size {
				return secret, nil
			}
		}
	}
	return nil, errOtherKey
}
