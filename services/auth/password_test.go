package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"

	"github.com/alexedwards/argon2id"
)

// cheap makes hashing cost a test next to nothing.
var cheap = argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func testHasher() *hasher { return newHasher(cheap, 2, 5*time.Second) }

func TestPasswordRules(t *testing.T) {
	for _, good := range []string{"12345678 twice", strings.Repeat("x", 256), "pass phrase with spaces", "päßwörd😀", "\t tab and null\x00"} {
		if err := checkPassword(good, Account{Username: "ada", DisplayName: "Lady Lovelace"}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, rule := range map[string]string{
		"": "at least 8", "1234567": "at least 8", "üöäß": "at least 8", "😀😀😀": "at least 8", strings.Repeat("x", 257): "longer than 256 bytes",
		"xxADAxxxx": "username", "i am LADY LOVELACE": "your name", "12345678": "lists", "Password1": "lists",
	} {
		err := checkPassword(bad, Account{Username: "ada", DisplayName: "Lady Lovelace"})
		if !errs.Is(err, errs.WeakPassword) || !strings.Contains(err.Error(), rule) {
			t.Errorf("%q: got %v, want weak-password naming %q", bad, err, rule)
		}
		if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error holds the password: %v", err)
		}
	}
	if err := checkPassword("\xff12345678", Account{}); !errs.Is(err, errs.InvalidText) {
		t.Errorf("invalid UTF-8: %v", err)
	}
}

func TestPasswordsAreNeverCut(t *testing.T) {
	h, ctx := testHasher(), context.Background()
	long := strings.Repeat("x", 255)
	phc, err := h.hash(ctx, long+"a")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, _ := h.verify(ctx, long+"a", phc); !ok {
		t.Error("the right password is refused")
	}
	if ok, _, _ := h.verify(ctx, long+"b", phc); ok {
		t.Error("only the last byte differs and it is accepted")
	}
}

func TestPasswordSpellingDoesNotMatter(t *testing.T) {
	h, ctx := testHasher(), context.Background()
	phc, err := h.hash(ctx, "J\u00f6rg 1234") // precomposed
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, _ := h.verify(ctx, "Jo\u0308rg 1234", phc); !ok {
		t.Error("the same password typed on another system is refused")
	}
}

// An unknown user must cost exactly one hash with today's parameters, as a
// known one does, and must never be let in.
func TestUnknownUsersCostTheSameHash(t *testing.T) {
	h, ctx := testHasher(), context.Background()
	phc, err := h.hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []string{phc, ""} {
		before := h.computed.Load()
		if ok, _, err := h.verify(ctx, "wrong horse", stored); ok || err != nil {
			t.Errorf("stored %q: ok=%v, err=%v", stored, ok, err)
		}
		if n := h.computed.Load() - before; n != 1 {
			t.Errorf("stored %q: %d hashes computed, want 1", stored, n)
		}
	}
	known, _, _, err := argon2id.DecodeHash(phc)
	if err != nil {
		t.Fatal(err)
	}
	dummy, _, _, err := argon2id.DecodeHash(h.dummy)
	if err != nil {
		t.Fatal(err)
	}
	if *known != *dummy {
		t.Errorf("the dummy costs %+v, a real hash %+v", dummy, known)
	}
}

func TestWeakerHashesAreOutdated(t *testing.T) {
	ctx := context.Background()
	phc, err := testHasher().hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		memory, iterations uint32
		outdated           bool
	}{"same": {64, 1, false}, "more memory": {128, 1, true}, "more passes": {64, 2, true}, "less": {32, 1, false}} {
		p := cheap
		p.Memory, p.Iterations = c.memory, c.iterations
		ok, outdated, err := newHasher(p, 1, time.Second).verify(ctx, "correct horse", phc)
		if !ok || err != nil || outdated != c.outdated {
			t.Errorf("%s: ok=%v outdated=%v err=%v", name, ok, outdated, err)
		}
	}
}

func TestHashingQueueIsBounded(t *testing.T) {
	h, ctx := newHasher(cheap, 1, 10*time.Millisecond), context.Background()
	release, err := h.acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.hash(ctx, "correct horse")
	if e := errs.Of(err); !errs.Is(err, errs.Unavailable) || e.RetryAfter <= 0 {
		t.Fatalf("got %v, want unavailable with Retry-After", err)
	}
	release()
	if _, err := h.hash(ctx, "correct horse"); err != nil {
		t.Fatalf("after the slot is free: %v", err)
	}
}

func TestParametersAreTheFloorOrAbove(t *testing.T) {
	if p := argonParams; p.Memory < 19*1024 || p.Iterations < 2 || p.Parallelism < 1 || p.SaltLength < 16 || p.KeyLength < 32 {
		t.Errorf("below the OWASP floor: %+v", p)
	}
}

func BenchmarkHash(b *testing.B) {
	h := defaultHasher()
	for b.Loop() {
		if _, err := h.hash(context.Background(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

// Compare the two figures: their ratio is what a stranger could measure.
func BenchmarkVerify(b *testing.B) {
	h, ctx := defaultHasher(), context.Background()
	phc, err := h.hash(ctx, "correct horse")
	if err != nil {
		b.Fatal(err)
	}
	for name, stored := range map[string]string{"wrong": phc, "unknown": ""} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := h.verify(ctx, "wrong horse", stored); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
