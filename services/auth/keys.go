package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatapp/libs/authn"
)

const (
	// keyPeriod is how long one key signs.
	keyPeriod = 30 * 24 * time.Hour

	// keyLead is how long a new key is published before it signs: longer than
	// any replica goes without reading the keys (keyReread) and than any
	// verifier keeps a key set (5 min in libs/authn) together.
	keyLead = 15 * time.Minute

	// keyReread is how often every replica reads the keys again.
	keyReread = 30 * time.Second

	// keyMargin is added to the last token's expiry before a replaced key
	// leaves the key set; keyBurial before its row is deleted, so that a clock
	// that ran ahead destroys nothing.
	keyMargin = 2*authn.Leeway + time.Minute
	keyBurial = 48 * time.Hour
)

// signingKey is one Ed25519 key. Generations count up from 1; the unique
// generation is what makes two replicas agree on one next key.
type signingKey struct {
	Generation int64
	KID        string
	Private    ed25519.PrivateKey
	CreatedAt  time.Time
	ActiveFrom time.Time
}

// keySet is the signing keys in order of generation, as read at one moment.
type keySet struct {
	keys   []signingKey
	readAt time.Time
}

// keyring signs with the right key and knows which ones to publish. The keys
// live in the database; every replica reads them again every 30 s and any
// replica may add the next one.
type keyring struct {
	store *store
	log   *slog.Logger
	now   func() time.Time
	ttl   time.Duration // of access tokens

	reading sync.Mutex // one reader at a time
	set     atomic.Pointer[keySet]
	signed  atomic.Int64 // the newest generation used here: the clock may step back, the key not
}

func newSigningKey(generation int64, now, activeFrom time.Time) (signingKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return signingKey{}, err
	}
	return signingKey{Generation: generation, KID: keyID(public), Private: private, CreatedAt: now, ActiveFrom: activeFrom}, nil
}

// keyID is the key's JWK thumbprint (RFC 7638).
func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signer is the newest key that may sign at now, but none older than
// atLeast. A clock before all keys gets the first one. nil = no keys at all.
func (s *keySet) signer(now time.Time, atLeast int64) *signingKey {
	if s == nil || len(s.keys) == 0 {
		return nil
	}
	best := &s.keys[0]
	for i := range s.keys {
		if k := &s.keys[i]; k.Generation <= atLeast || !k.ActiveFrom.After(now) {
			best = k
		}
	}
	return best
}

// public is what verifiers need at now: every key that signs, will sign, or
// signed a token that may still be valid.
func (s *keySet) public(now time.Time, ttl time.Duration) map[string]ed25519.PublicKey {
	out := map[string]ed25519.PublicKey{}
	for i, k := range s.keys {
		if i+1 < len(s.keys) && s.keys[i+1].ActiveFrom.Add(ttl+keyMargin).Before(now) {
			continue
		}
		if public, ok := k.Private.Public().(ed25519.PublicKey); ok {
			out[k.KID] = public
		}
	}
	return out
}

// next says whether another key is due at now, and from when it would sign.
func (s *keySet) next(now time.Time) (from time.Time, due bool) {
	if len(s.keys) == 0 {
		return now, true
	}
	newest := s.keys[len(s.keys)-1]
	if newest.ActiveFrom.Add(keyPeriod - keyLead).After(now) {
		return time.Time{}, false
	}
	return now.Add(keyLead), true
}

// warm makes sure that a key set is loaded and not older than keyReread. An
// old set is better than none: errors (unavailable) only when there is none.
func (k *keyring) warm(ctx context.Context) error {
	if k.fresh() {
		return nil
	}
	err := k.read(ctx)
	if err != nil && k.set.Load() != nil {
		k.log.WarnContext(ctx, "signing keys could not be read again; going on with the known ones", "error", err)
		return nil
	}
	return err
}

func (k *keyring) fresh() bool {
	set := k.set.Load()
	return set != nil && k.now().Sub(set.readAt).Abs() < keyReread
}

// read loads the keys and adds the next one when it is due.
func (k *keyring) read(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	if k.fresh() {
		return nil // another request read them while this one waited
	}
	now := k.now()
	keys, err := k.store.signingKeys(ctx)
	if err != nil {
		return err
	}
	set := &keySet{keys: keys, readAt: now}
	if from, due := set.next(now); due {
		if set, err = k.add(ctx, set, from); err != nil {
			return err
		}
	}
	k.set.Store(set)
	return nil
}

// rotate adds a key now, to sign after keyLead, unless one is waiting already.
func (k *keyring) rotate(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	now := k.now()
	keys, err := k.store.signingKeys(ctx)
	if err != nil {
		return err
	}
	set := &keySet{keys: keys, readAt: now}
	from, due := set.next(now)
	if !due {
		from = now.Add(keyLead)
	}
	if n := len(keys); n == 0 || !keys[n-1].ActiveFrom.After(now) {
		if set, err = k.add(ctx, set, from); err != nil {
			return err
		}
	}
	k.set.Store(set)
	return nil
}

// add stores the generation after set's and reads all again: when another
// replica was faster, its key is the one.
func (k *keyring) add(ctx context.Context, set *keySet, from time.Time) (*keySet, error) {
	generation := int64(1)
	if n := len(set.keys); n > 0 {
		generation = set.keys[n-1].Generation + 1
	}
	key, err := newSigningKey(generation, set.readAt, from)
	if err != nil {
		return nil, err
	}
	added, err := k.store.addSigningKey(ctx, key)
	if err != nil {
		return nil, err
	}
	if added {
		k.log.InfoContext(ctx, "signing key added", "kid", key.KID, "signs_from", from)
	}
	keys, err := k.store.signingKeys(ctx)
	if err != nil {
		return nil, err
	}
	return &keySet{keys: keys, readAt: set.readAt}, nil
}

// sign makes an access token. warm must have succeeded once; it does not touch
// the database, so it may run inside a transaction.
func (k *keyring) sign(who authn.Identity) (string, error) {
	now := k.now()
	key := k.set.Load().signer(now, k.signed.Load())
	if key == nil {
		return "", errors.New("auth: no signing key")
	}
	for seen := k.signed.Load(); seen < key.Generation; seen = k.signed.Load() {
		k.signed.CompareAndSwap(seen, key.Generation)
	}
	return authn.Sign(key.Private, key.KID, who, now)
}

// jwks is the key set to publish now. Errors: unavailable when no keys could
// ever be read.
func (k *keyring) jwks(ctx context.Context) ([]byte, error) {
	if err := k.warm(ctx); err != nil {
		return nil, err
	}
	return authn.JWKS(k.set.Load().public(k.now(), k.ttl)), nil
}

// bury deletes the keys that nothing can need any more.
func (k *keyring) bury(ctx context.Context) error {
	set := k.set.Load()
	if set == nil {
		return nil
	}
	for i := range set.keys[:max(0, len(set.keys)-1)] {
		if set.keys[i+1].ActiveFrom.Add(k.ttl + keyMargin + keyBurial).Before(k.now()) {
			if err := k.store.deleteSigningKey(ctx, set.keys[i].Generation); err != nil {
				return err
			}
		}
	}
	return nil
}
