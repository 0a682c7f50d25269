package auth

import (
	"crypto/ed25519"
	"log/slog"
	"sync"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func key(t *testing.T, generation int64, activeFrom time.Time) signingKey {
	t.Helper()
	k, err := newSigningKey(generation, activeFrom, activeFrom)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSigner(t *testing.T) {
	set := &keySet{keys: []signingKey{key(t, 1, noon), key(t, 2, noon.Add(time.Hour)), key(t, 3, noon.Add(2*time.Hour))}}
	for _, c := range []struct {
		after   time.Duration
		atLeast int64
		want    int64
	}{
		{0, 0, 1},
		{time.Hour - 1, 0, 1},
		{time.Hour, 0, 2},
		{5 * time.Hour, 0, 3},
		{-24 * time.Hour, 0, 1}, // a clock before all keys
		{-24 * time.Hour, 2, 2}, // a clock that stepped back
	} {
		if got := set.signer(noon.Add(c.after), c.atLeast); got == nil || got.Generation != c.want {
			t.Errorf("%v, at least %d: got %v, want %d", c.after, c.atLeast, got, c.want)
		}
	}
	var none *keySet
	if none.signer(noon, 0) != nil || (&keySet{}).signer(noon, 0) != nil {
		t.Error("a key out of nothing")
	}
}

// At every moment the published set holds the key that signs, the one that
// will, and each whose last token may still be valid.
func TestPublishedKeys(t *testing.T) {
	const ttl = 10 * time.Minute
	set := &keySet{keys: []signingKey{key(t, 1, noon), key(t, 2, noon.Add(time.Hour))}}
	for _, c := range []struct {
		after time.Duration
		want  []int
	}{
		{0, []int{0, 1}},
		{time.Hour, []int{0, 1}},
		{time.Hour + ttl + authn.Leeway, []int{0, 1}},
		{time.Hour + ttl + keyMargin + 1, []int{1}},
		{1000 * time.Hour, []int{1}}, // the last key is never withdrawn
	} {
		got := set.public(noon.Add(c.after), ttl)
		if len(got) != len(c.want) {
			t.Errorf("%v: %d keys, want %d", c.after, len(got), len(c.want))
		}
		for _, i := range c.want {
			if got[set.keys[i].KID] == nil {
				t.Errorf("%v: key %d is missing", c.after, i+1)
			}
		}
	}
}

// A key is published long enough before it signs for every replica to have
// read it and every verifier to have asked for it (5 min, libs/authn).
func TestLeadIsLongEnough(t *testing.T) {
	if keyLead < 2*(keyReread+5*time.Minute) {
		t.Errorf("lead %v", keyLead)
	}
}

func ring(t *testing.T, d *db.DB, c *clock) *keyring {
	t.Helper()
	return &keyring{store: &store{db: d, vault: testVault(t, testKey)}, log: slog.New(slog.DiscardHandler), now: c.now, ttl: 10 * time.Minute}
}

func (k *keyring) signedBy(t *testing.T) string {
	t.Helper()
	if err := k.warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.sign(authn.Identity{UserID: id.New(), SessionID: id.New(), Expires: k.now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	return k.set.Load().signer(k.now(), k.signed.Load()).KID
}

// Months of rotation on two replicas that read at their own times: they always
// agree on the signer, and it was published to both at least one verifier's
// cache life before it signed its first token.
func TestRotationOnTwoReplicas(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		c := &clock{}
		a, b := ring(t, d, c), ring(t, d, c)
		published := map[string]time.Time{}
		signers := map[string]bool{}
		start := c.now()
		step := func(by time.Duration) {
			c.add(by)
			for _, k := range []*keyring{a, b} {
				if err := k.warm(t.Context()); err != nil {
					t.Fatal(err)
				}
				for kid := range k.set.Load().public(c.now(), k.ttl) {
					if published[kid].IsZero() {
						published[kid] = c.now()
					}
				}
			}
			one, two := a.signedBy(t), b.signedBy(t)
			if one != two {
				t.Fatalf("after %v one signs with %s, the other with %s", c.now().Sub(start), one, two)
			}
			if !signers[one] && len(signers) > 0 && c.now().Sub(published[one]) < 6*time.Minute {
				t.Fatalf("key %s signs %v after it was published", one, c.now().Sub(published[one]))
			}
			signers[one] = true
		}
		for range 3 {
			step(time.Minute)
			step(keyPeriod - keyLead - 2*time.Minute)
			for range 40 {
				step(time.Minute)
			}
		}
		if len(signers) < 3 || len(signers) > 4 {
			t.Errorf("%d keys signed in three periods", len(signers))
		}
		if err := a.bury(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys, err := a.store.signingKeys(t.Context())
		if err != nil || len(keys) > 2 {
			t.Errorf("%d keys are left, %v", len(keys), err)
		}
	})
}

// Many replicas start at once on an empty schema: they agree on one first key.
func TestFirstKeyIsOne(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		c := &clock{}
		rings := make([]*keyring, 8)
		var wg sync.WaitGroup
		errors := make([]error, len(rings))
		for i := range rings {
			rings[i] = ring(t, d, c)
			wg.Go(func() { errors[i] = rings[i].warm(t.Context()) })
		}
		wg.Wait()
		for i, k := range rings {
			if errors[i] != nil {
				t.Fatal(errors[i])
			}
			if k.signedBy(t) != rings[0].signedBy(t) {
				t.Error("two first keys")
			}
		}
		// Everybody asks for a rotation at the same time: one more key.
		for i := range rings {
			wg.Go(func() { errors[i] = rings[i].rotate(t.Context()) })
		}
		wg.Wait()
		keys, err := rings[0].store.signingKeys(t.Context())
		if err != nil || len(keys) != 2 || keys[1].ActiveFrom.Sub(keys[0].ActiveFrom) < keyLead {
			t.Errorf("keys %+v, %v", keys, err)
		}
	})
}

// While the database is away, known keys go on signing.
func TestKeysOutliveTheDatabase(t *testing.T) {
	d := testkit.OpenSQLite(t, Migrations)
	c := &clock{}
	k := ring(t, d, c)
	before := k.signedBy(t)
	if err := d.W.Exec("DROP TABLE signing_keys").Error; err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	if after := k.signedBy(t); after != before {
		t.Errorf("signs with %s, then %s", before, after)
	}
	if err := ring(t, d, c).warm(t.Context()); err == nil {
		t.Error("a replica that never read a key says it can sign")
	}
}

func TestKeyIDIsTheThumbprint(t *testing.T) {
	// RFC 8037, appendix A.3.
	public := ed25519.PublicKey{
		0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
		0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
	}
	if got := keyID(public); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("thumbprint %s", got)
	}
}
