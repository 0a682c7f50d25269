// Package limit keeps one caller from taking what all of them need: token
// buckets in this process's memory, one for each class of work and caller.
//
// Who is counted decides who can be locked out. A request with a valid token is
// counted on its account and on nothing else; only requests without one are
// counted on the network they come from. So a stranger can spend neither the
// owner's budget nor, from the same office, a colleague's.
//
// Each replica counts for itself: with n of them a caller has up to n times the
// budget. That is enough against floods. What must hold exactly (guesses at
// passwords, mails) is counted in the database by the auth service.
//
// Files: limit (taking), table (the bounded set of buckets), policy (what each
// class allows, and the header fields about it).
package limit

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// Key is who is counted: an account, or the network of an address.
type Key [16]byte

// Account is the key of a verified caller.
func Account(user id.ID) Key { return Key(user) }

// Network is the key of an address: for IPv6 its /64, which is what one
// household or server is given. What is no address shares one key.
func Network(address string) Key {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return Key{}
	}
	k := Key(ip.Unmap().As16())
	if !ip.Unmap().Is4() {
		clear(k[8:])
	}
	return k
}

// Limiter holds the buckets of one service. A nil one allows everything.
type Limiter struct {
	policies [classes]policy
	table    *table
	limited  [classes]prometheus.Counter
	now      func() time.Time
}

// New makes the limiter of a service; nil when rates are off. m may be nil.
func New(service string, rates Rates, m prometheus.Registerer) *Limiter {
	if !rates.On {
		return nil
	}
	l := &Limiter{policies: rates.policies(), table: newTable(maxKeys), now: time.Now}
	counts := newCounts(m)
	for c := range classes {
		l.limited[c] = counts.WithLabelValues(service, c.String())
	}
	return l
}

// Verdict is the answer to one request.
type Verdict struct {
	class Class
	left  int           // whole requests that are possible at once
	wait  time.Duration // 0 = go ahead
}

// Take spends one request of class c. It does not allocate, except for the
// first of a key.
func (l *Limiter) Take(c Class, who Key) Verdict {
	if l == nil {
		return Verdict{class: c}
	}
	p := &l.policies[c]
	now := l.now()
	ok, tokens := l.table.take(entry{c, who}, p, now)
	v := Verdict{class: c, left: max(0, int(math.Floor(tokens+rounding)))}
	if !ok {
		l.limited[c].Inc()
		v.wait = max(time.Millisecond, p.refill(1-tokens))
	}
	return v
}

// rounding hides that a bucket of floats holds 4.9999999 of 5 tokens.
const rounding = 1e-6

// Err is nil when the request may go on. Error: rate-limited with RetryAfter.
func (v Verdict) Err() error {
	if v.wait == 0 {
		return nil
	}
	e := errs.New(errs.RateLimited, fmt.Sprintf("%s Try again in %s.", sentences[v.class], seconds(v.wait)))
	e.RetryAfter = v.wait
	return e
}

// seconds says a pause in words, rounded up as Retry-After is.
func seconds(d time.Duration) string {
	n := int(math.Ceil(d.Seconds()))
	if n == 1 {
		return "a second"
	}
	return fmt.Sprintf("%d seconds", n)
}

// Announce sets the fields RateLimit and RateLimit-Policy of an answer, as
// draft-ietf-httpapi-ratelimit-headers-10 has them. The values are shared by all
// answers: nobody may append to them.
func (l *Limiter) Announce(h http.Header, v Verdict) {
	if l == nil {
		return
	}
	p := &l.policies[v.class]
	h["Ratelimit-Policy"] = p.field
	h["Ratelimit"] = p.state(v.left)
}

// Check is Take for code that only wants to know whether to go on. Error:
// rate-limited with RetryAfter.
func (l *Limiter) Check(c Class, who Key) error { return l.Take(c, who).Err() }

// hash spreads keys over the parts of the table. The first bytes of an id are a
// time and the last ones of a network are zero, so all of them count.
func (e entry) hash() uint64 {
	h := binary.BigEndian.Uint64(e.who[:8])*0x9e3779b97f4a7c15 ^ binary.BigEndian.Uint64(e.who[8:])*0xc2b2ae3d27d4eb4f ^ uint64(e.class)<<7
	return h ^ h>>29 ^ h>>43
}
