package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxKeys bounds the memory of one service: about 130 bytes each.
	maxKeys = 1 << 16
	parts   = 32 // each with a lock of its own
	sample  = 16 // buckets looked at to find one to forget
)

// entry is what one bucket is for.
type entry struct {
	class Class
	who   Key
}

// table is a bounded set of buckets. To forget a bucket is to fill it, so
// among a few that chance chose the one goes that will be full first: one that
// somebody has just emptied outlives any number that were hardly used, however
// many networks an attacker has.
type table struct {
	parts [parts]part
	most  int // buckets in a part
}

type part struct {
	mu      sync.Mutex
	buckets map[entry]*rate.Limiter
}

func newTable(keys int) *table {
	t := &table{most: max(1, keys/parts)}
	for i := range t.parts {
		t.parts[i].buckets = map[entry]*rate.Limiter{}
	}
	return t
}

// take spends a token of e's bucket, if there is one, and says how many are left.
func (t *table) take(e entry, p *policy, now time.Time) (ok bool, tokens float64) {
	part := &t.parts[e.hash()%parts]
	part.mu.Lock()
	defer part.mu.Unlock()
	b := part.buckets[e]
	if b == nil {
		if len(part.buckets) >= t.most {
			part.forget(now)
		}
		b = rate.NewLimiter(rate.Limit(p.perSecond), p.burst)
		part.buckets[e] = b
	}
	ok = b.AllowN(now, 1)
	return ok, b.TokensAt(now)
}

// forget removes the bucket of the sample that will be full first.
func (p *part) forget(now time.Time) {
	var (
		chosen entry
		least  float64
		seen   int
	)
	for e, b := range p.buckets { // in an order that changes each time
		missing := (float64(b.Burst()) - b.TokensAt(now)) / float64(b.Limit())
		if seen == 0 || missing < least {
			chosen, least = e, missing
		}
		if seen++; seen == sample || least <= 0 {
			break
		}
	}
	delete(p.buckets, chosen)
}

// size is the number of buckets.
func (t *table) size() int {
	n := 0
	for i := range t.parts {
		t.parts[i].mu.Lock()
		n += len(t.parts[i].buckets)
		t.parts[i].mu.Unlock()
	}
	return n
}
