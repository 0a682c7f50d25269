package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"chatapp/libs/errs"
	"chatapp/services/auth/breached"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"
)

const (
	minPassword = 8   // characters, in the normal form
	maxPassword = 256 // bytes; longer ones are refused before any hashing, never cut

	// telling is how many bytes of a name a password must not contain: shorter
	// ones, as Ann, are parts of words.
	telling = 5

	// hashQueue is how long a caller waits for a free hashing slot. Past it,
	// "try again" is a better answer than a page that hangs.
	hashQueue = 3 * time.Second
)

// argonParams is the OWASP floor for argon2id: 19 MiB, two passes, one lane;
// about 27 ms on the reference machine.
var argonParams = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher hashes and checks passwords, at most one per core at a time, so a
// flood of logins costs bounded memory (slots x 19 MiB) and leaves the
// processor to everybody else.
type hasher struct {
	params   argon2id.Params
	slots    *semaphore.Weighted
	queue    time.Duration
	dummy    string       // hash of nothing: what unknown users are compared with
	computed atomic.Int64 // argon2id runs so far
}

func newHasher(params argon2id.Params, slots int64, queue time.Duration) *hasher {
	return &hasher{params: params, slots: semaphore.NewWeighted(slots), queue: queue, dummy: dummyHash(params)}
}

func defaultHasher() *hasher {
	return newHasher(argonParams, int64(runtime.NumCPU()), hashQueue)
}

// hash returns the PHC string of password. Error: unavailable with RetryAfter
// when no slot became free in time.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	phc, err := argon2id.CreateHash(normalPassword(password), &h.params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return phc, nil
}

// verify compares password with phc. An empty phc (unknown user) costs exactly
// as much and is never right. outdated asks for a new hash, because the stored
// one is weaker than today's parameters. Errors are those of hash.
func (h *hasher) verify(ctx context.Context, password, phc string) (ok, outdated bool, err error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	match, params, err := argon2id.CheckHash(normalPassword(password), phc)
	if err != nil {
		return false, false, fmt.Errorf("check a password: %w", err)
	}
	outdated = params.Memory < h.params.Memory || params.Iterations < h.params.Iterations
	return match && known, outdated, nil
}

// acquire waits for a slot; the caller must release it.
func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, h.queue)
	defer cancel()
	if err := h.slots.Acquire(ctx, 1); err != nil {
		busy := errs.Wrap(errs.Unavailable, "Too many people are signing in right now. Try again in a moment.", err)
		busy.RetryAfter = 2 * time.Second
		return nil, busy
	}
	h.computed.Add(1)
	return func() { h.slots.Release(1) }, nil
}

// dummyHash is a well-formed PHC string that no password matches; it needs no
// hashing to make.
func dummyHash(p argon2id.Params) string {
	salt, key := make([]byte, p.SaltLength), make([]byte, p.KeyLength)
	_, _ = rand.Read(salt) // crypto/rand.Read never fails
	_, _ = rand.Read(key)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Iterations, p.Parallelism, b64(salt), b64(key))
}

// normalPassword makes one password of its spellings: an é typed on a Mac and
// on Windows differs in bytes and must not differ here.
func normalPassword(p string) string { return norm.NFC.String(p) }

// checkPassword says whether a new password is good enough for acc. The error
// is weak-password and names the rule that was broken.
func checkPassword(password string, acc Account) error {
	lower := strings.ToLower(password)
	holds := func(name string, shortest int) bool {
		return len(name) >= shortest && strings.Contains(lower, strings.ToLower(name))
	}
	switch {
	case !utf8.ValidString(password):
		return errs.New(errs.InvalidText, "The password is not valid text.")
	case utf8.RuneCountInString(normalPassword(password)) < minPassword:
		return weak(fmt.Sprintf("The password needs at least %d characters.", minPassword))
	case len(password) > maxPassword:
		return weak(fmt.Sprintf("The password is longer than %d bytes.", maxPassword))
	case holds(acc.Username, minUsername):
		return weak("The password must not contain the username.")
	case holds(acc.DisplayName, telling):
		return weak("The password must not contain your name.")
	case breached.Contains(normalPassword(password)):
		return weak("This password is in lists that attackers try first. Choose another.")
	}
	return nil
}

func weak(rule string) error {
	e := errs.New(errs.WeakPassword, rule)
	e.Fields = []errs.Field{{Location: "body.password", Message: rule}}
	return e
}
