package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chatapp/libs/errs"
)

// The limits on signing in. The counters live in the database, so all
// replicas share them; they are keyed by a hash of what was typed, whether or
// not such an account exists, so they tell a stranger nothing.
//
//   - per address: CHAT_LOGIN_RATE_PER_IP attempts a minute;
//   - per name and address: five failures are free, then each further one
//     doubles a pause from 10 s up to 3 min, which in the long run is five
//     attempts in 15 minutes;
//   - per name, from anywhere: past 20 failures a pause of at most 5 s. It
//     does not bind an address the owner signed in from before, nor the first
//     attempt of an address: a stranger cannot lock the owner out.
const (
	ipWindow     = time.Minute
	signUpFactor = 5 // sign-ups a minute and address = this x the login limit

	failureWindow = 15 * time.Minute // since the last failure
	pairFree      = 5
	pairFirst     = 10 * time.Second
	pairLongest   = 3 * time.Minute
	nameFree      = 20
	nameFirst     = time.Second
	nameLongest   = 5 * time.Second

	knownFor = 90 * 24 * time.Hour // how long an address stays the owner's
)

// The kinds of counters.
const (
	kindIP     = "ip"
	kindSignUp = "signup"
	kindPair   = "pair"  // name and address
	kindName   = "name"  // name, from anywhere
	kindKnown  = "known" // a sign-in succeeded here
	kindAsk    = "ask"   // for a mail
	kindMail   = "mail"  // to an address or about a name
	kindOIDC   = "oidc"  // trips to a provider

	kindCode    = "code"    // a guess at an app's code
	kindPasskey = "passkey" // a challenge to passkeys
)

// counter is one row of login_attempts.
type counter struct {
	Key          [sha256.Size]byte
	Kind         string
	Hits         int64
	BlockedUntil time.Time // zero = not blocked
	WindowEnds   time.Time // after it the row counts for nothing
}

// current is the counter as it stands at now: an ended window is a fresh one.
func (c counter) current(now time.Time) counter {
	if !now.Before(c.WindowEnds) {
		c.Hits, c.BlockedUntil = 0, time.Time{}
	}
	return c
}

func attemptKey(kind, name, ip string) [sha256.Size]byte {
	return sha256.Sum256([]byte(kind + "\x00" + name + "\x00" + ip))
}

// attempt is one try to sign in, and its counters.
type attempt struct {
	ip, name, pair, known counter

	free bool // nothing was reserved: there is nothing to take back
}

func newAttempt(name, address string) attempt {
	at := network(address)
	return attempt{
		ip:    counter{Key: attemptKey(kindIP, "", at), Kind: kindIP},
		name:  counter{Key: attemptKey(kindName, name, ""), Kind: kindName},
		pair:  counter{Key: attemptKey(kindPair, name, at), Kind: kindPair},
		known: counter{Key: attemptKey(kindKnown, name, at), Kind: kindKnown},
	}
}

// freeAttempt is an attempt that cannot be a guess (a passkey, another site's
// word, a second step) and so was not counted; its success counts.
func freeAttempt(name, address string) attempt {
	a := newAttempt(name, address)
	a.free = true
	return a
}

// counters lists them in the order in which they are locked.
func (a *attempt) counters() []*counter {
	return []*counter{&a.ip, &a.name, &a.pair, &a.known}
}

// load takes over the stored rows, as they stand at now.
func (a *attempt) load(rows map[[sha256.Size]byte]counter, now time.Time) {
	for _, c := range a.counters() {
		if row, ok := rows[c.Key]; ok {
			*c = row.current(now)
		}
	}
}

// wait is how long this attempt has to wait; 0 = go ahead.
func (a *attempt) wait(now time.Time, perIP int64) time.Duration {
	familiar := a.known.Hits > 0 || a.pair.Hits == 0
	switch {
	case a.ip.Hits >= perIP:
		return a.ip.WindowEnds.Sub(now)
	case a.pair.BlockedUntil.After(now):
		return a.pair.BlockedUntil.Sub(now)
	case !familiar && a.name.BlockedUntil.After(now):
		return a.name.BlockedUntil.Sub(now)
	}
	return 0
}

// reserve counts the attempt as a failure before it is known to be one: a
// burst of parallel guesses must not pass on one look at the counters. limited
// says that this one was the last that is free of a pause.
func (a *attempt) reserve(now time.Time) (limited bool) {
	a.ip = hit(a.ip, now, ipWindow)
	a.pair = hit(a.pair, now, 0)
	a.name = hit(a.name, now, 0)
	a.pair.WindowEnds, a.name.WindowEnds = now.Add(failureWindow), now.Add(failureWindow)
	a.pair.BlockedUntil = pause(a.pair.Hits-pairFree, now, pairFirst, pairLongest)
	a.name.BlockedUntil = pause(a.name.Hits-nameFree, now, nameFirst, nameLongest)
	return a.pair.Hits == pairFree
}

// release takes the reserved failure back. A success also forgets the earlier
// ones from this address and remembers the address as the owner's.
func (a *attempt) release(success bool, now time.Time) {
	if !a.free {
		a.name.Hits, a.name.BlockedUntil = max(0, a.name.Hits-1), time.Time{}
		a.pair.Hits, a.pair.BlockedUntil = max(0, a.pair.Hits-1), time.Time{}
	}
	if success {
		a.pair.Hits, a.pair.BlockedUntil = 0, time.Time{}
		a.known.Hits, a.known.WindowEnds = 1, now.Add(knownFor)
	}
}

func hit(c counter, now time.Time, window time.Duration) counter {
	if c.Hits == 0 {
		c.WindowEnds = now.Add(window)
	}
	c.Hits++
	return c
}

// pause doubles from first with each hit over the free ones.
func pause(over int64, now time.Time, first, longest time.Duration) time.Time {
	if over < 0 {
		return time.Time{}
	}
	return now.Add(min(longest, first<<min(over, 10)))
}

// admitLogin counts an attempt to sign in as name from an address. Error:
// rate-limited with RetryAfter.
func (s *Service) admitLogin(ctx context.Context, name string, from Client) (attempt, error) {
	a := newAttempt(name, from.IP)
	now := s.now()
	// Most refusals are seen without a write: a flood costs one read each.
	rows, err := s.store.counters(ctx, a.counters())
	if err != nil {
		return a, err
	}
	a.load(rows, now)
	wait := a.wait(now, s.perIP)
	if wait == 0 {
		wait, err = s.store.reserve(ctx, &a, now, s.perIP, audit(now, eventLoginLimited, Account{}, from))
	}
	if err != nil {
		return a, err
	}
	if wait > 0 {
		s.count("login", "limited")
		return a, errLimited(wait)
	}
	return a, nil
}

// admitSignUp counts a sign-up from an address. Error: rate-limited.
func (s *Service) admitSignUp(ctx context.Context, address string) error {
	c := counter{Key: attemptKey(kindSignUp, "", network(address)), Kind: kindSignUp}
	now := s.now()
	wait, err := s.store.countWithin(ctx, c, now, s.perIP*signUpFactor, ipWindow)
	if err != nil {
		return err
	}
	if wait > 0 {
		s.count("register", "limited")
		return errLimited(wait)
	}
	return nil
}

// admitOIDC counts a trip to a provider from an address: each stores a row.
// Error: rate-limited.
func (s *Service) admitOIDC(ctx context.Context, address string) error {
	c := counter{Key: attemptKey(kindOIDC, "", network(address)), Kind: kindOIDC}
	wait, err := s.store.countWithin(ctx, c, s.now(), s.perIP*signUpFactor, ipWindow)
	if err == nil && wait > 0 {
		return errLimited(wait)
	}
	return err
}

func errLimited(wait time.Duration) error {
	e := errs.New(errs.RateLimited, fmt.Sprintf("Too many attempts. Try again in %s.", wait.Round(time.Second)+time.Second))
	e.RetryAfter = wait
	return e
}

// network is what counts as one address: for IPv6 the /64, which is what one
// household or server is given.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		prefix, err := ip.Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// loginName is what attempts on one account are counted under.
func loginName(login string) string {
	name := strings.ToLower(strings.TrimSpace(login))
	if _, key, problem := canonicalEmail(login); problem == "" {
		name = key
	}
	return name
}
