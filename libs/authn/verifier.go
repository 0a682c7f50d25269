package authn

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// KeySource fetches the public keys in force, by key id.
type KeySource func(ctx context.Context) (map[string]ed25519.PublicKey, error)

const (
	// maxCached bounds the verified tokens remembered: about 200 B each.
	maxCached = 65536
	// An unknown key id makes the verifier ask again, but not more often than
	// this: tokens with made-up ids must not become a flood of questions.
	minRefetch   = time.Second
	fetchTimeout = 3 * time.Second
	// Retired keys are noticed within this time without any trigger.
	maxKeyAge = 5 * time.Minute
)

// Verifier checks access tokens. A signature costs 46 us to verify, twice a
// whole request, so results are remembered by the token's hash until it
// expires or its session is revoked. Safe for concurrent use.
type Verifier struct {
	source KeySource
	now    func() time.Time
	cache  *lru.Cache[[sha256.Size]byte, Identity]

	metrics metrics

	fetching sync.Mutex // held while asking for keys, so that one asks for all
	asked    time.Time  // guarded by fetching
	failure  error      // of the last question; guarded by fetching

	mu      sync.RWMutex
	keys    map[string]ed25519.PublicKey
	fetched time.Time
	revoked map[id.ID]time.Time
}

// NewVerifier makes a Verifier; it asks for keys when the first token comes.
func NewVerifier(keys KeySource) *Verifier {
	cache, err := lru.New[[sha256.Size]byte, Identity](maxCached)
	if err != nil {
		panic(err) // only for a size <= 0
	}
	return &Verifier{source: keys, now: time.Now, cache: cache, metrics: newMetrics(), revoked: map[id.ID]time.Time{}}
}

// Verify returns whose token it is. Errors: unauthenticated for anything wrong
// with the token, second-step-required for one that only serves to set a second
// step up, unavailable when no key could be fetched to judge it.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	i, known, err := v.verify(ctx, token)
	if err == nil && i.Enrol {
		i, err = Identity{}, errs.New(errs.SecondStepRequired, "Two-step sign-in is needed here. Set it up first.")
	}
	v.metrics.count(known, err)
	return i, err
}

// VerifyEnrolling is Verify for what somebody needs who has to set up a second
// step: it accepts their tokens too.
func (v *Verifier) VerifyEnrolling(ctx context.Context, token string) (Identity, error) {
	i, known, err := v.verify(ctx, token)
	v.metrics.count(known, err)
	return i, err
}

// verify is VerifyEnrolling; known says that the token had been verified before.
func (v *Verifier) verify(ctx context.Context, token string) (i Identity, known bool, err error) {
	if token == "" {
		return Identity{}, known, refused(errors.New("no token"))
	}
	sum := sha256.Sum256([]byte(token))
	if i, known = v.cache.Get(sum); !known {
		if i, err = v.check(ctx, token); err != nil {
			return Identity{}, known, err
		}
		v.cache.Add(sum, i)
	}
	if v.now().After(i.Expires.Add(Leeway)) {
		v.cache.Remove(sum)
		return Identity{}, known, refused(errors.New("expired"))
	}
	if v.isRevoked(i.SessionID) {
		return Identity{}, known, refused(errors.New("session revoked"))
	}
	return i, known, nil
}

func (v *Verifier) check(ctx context.Context, token string) (Identity, error) {
	var unavailable error
	i, err := parse(token, func(kid string) (ed25519.PublicKey, error) {
		key, err := v.key(ctx, kid)
		if errs.Is(err, errs.Unavailable) {
			unavailable = err
		}
		return key, err
	})
	if unavailable != nil {
		return Identity{}, unavailable
	}
	if err != nil {
		return Identity{}, refused(err)
	}
	return i, nil
}

// key finds one public key, asking the source when it is unknown or the set
// is old.
func (v *Verifier) key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if key, fresh := v.lookup(kid); key != nil && fresh {
		return key, nil
	}
	v.fetching.Lock()
	defer v.fetching.Unlock()
	key, fresh := v.lookup(kid)
	if key != nil && fresh {
		return key, nil // another request asked meanwhile
	}
	if v.now().Sub(v.asked) >= minRefetch {
		v.asked = v.now()
		v.refetch(ctx)
		key, _ = v.lookup(kid)
	}
	if key == nil && v.failure != nil {
		// Nobody can say whether this token is good: not the caller's fault.
		return nil, &errs.Error{
			Slug: errs.Unavailable, Detail: "Sign-in cannot be checked right now. Try again in a moment.",
			RetryAfter: 2 * time.Second, Err: v.failure,
		}
	}
	if key == nil {
		return nil, errors.New("unknown key id")
	}
	return key, nil
}

// refetch replaces the key set, or remembers why it could not.
func (v *Verifier) refetch(ctx context.Context) {
	// The answer serves everybody who waits, so one caller's hang-up must not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	var keys map[string]ed25519.PublicKey
	if keys, v.failure = v.source(ctx); v.failure != nil {
		return // known keys go on working while auth is down
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys, v.fetched = keys, v.now()
}

func (v *Verifier) lookup(kid string) (key ed25519.PublicKey, fresh bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.keys[kid], v.now().Sub(v.fetched) < maxKeyAge
}

// Revoke refuses every token of this session until then; "until" is when the
// last token of the session expires, after which nothing need be remembered.
func (v *Verifier) Revoke(session id.ID, until time.Time) {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	for s, t := range v.revoked {
		if now.After(t.Add(Leeway)) {
			delete(v.revoked, s)
		}
	}
	v.revoked[session] = until
}

func (v *Verifier) isRevoked(session id.ID) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, gone := v.revoked[session]
	return gone
}
