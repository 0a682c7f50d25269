package limit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/config"
)

// Class is a kind of work with a budget of its own.
type Class uint8

// The classes. All but Anonymous are counted on the account.
const (
	Read      Class = iota // what only looks
	Write                  // what changes something
	Search                 // what looks through many rows
	Expensive              // what costs a password hash, a mail or a large answer
	Connect                // opening a WebSocket or an event stream
	Contact                // a conversation with somebody new
	Anonymous              // without a valid token: counted on the network
	classes
)

var names = [classes]string{"read", "write", "search", "expensive", "connect", "contact", "anonymous"}

var sentences = [classes]string{
	"Too many requests.", "Too many changes at once.", "Too many searches.", "Too many requests of this kind.",
	"Too many connections one after the other.", "Too many new conversations.", "Too many requests from your network.",
}

// String is the class's name in header fields and metrics.
func (c Class) String() string { return names[c] }

// Rates say what callers may do. The other classes follow from the numbers.
type Rates struct {
	On         bool
	PerAccount int // requests a second and account that only read
	PerIP      int // requests a second and network without a valid token
	Contacts   int // new conversations a minute and account
}

// FromConfig are the rates that the operator chose. The zero Config means off.
func FromConfig(c config.Config) Rates {
	return Rates{On: c.RateLimit == "on", PerAccount: c.RatePerAccount, PerIP: c.RatePerIP, Contacts: c.RateContacts}
}

// burstFor is for how many seconds' worth of requests may come at once: opening
// the app loads many things, and then nothing for a while.
const burstFor = 4

// policies derives what each class allows.
func (r Rates) policies() (all [classes]policy) {
	account, network := float64(r.PerAccount), float64(r.PerIP)
	for c, perSecond := range map[Class]float64{
		Read: account, Write: account / 2, Search: account / 10, Expensive: account / 50, Connect: account / 20, Anonymous: network,
	} {
		all[c] = newPolicy(c, perSecond, max(leastBurst, int(burstFor*perSecond)))
	}
	all[Contact] = newPolicy(Contact, float64(r.Contacts)/60, r.Contacts)
	return all
}

// policy is what one class allows.
type policy struct {
	name      string
	perSecond float64
	burst     int
	field     []string   // RateLimit-Policy
	states    [][]string // RateLimit by what is left; nil when there are too many
}

const (
	leastBurst = 10   // of small rates: a page that is opened asks for a few things at once
	mostStates = 4096 // values of RateLimit that are made beforehand
)

func newPolicy(c Class, perSecond float64, burst int) policy {
	p := policy{name: c.String(), perSecond: perSecond, burst: burst}
	p.field = []string{fmt.Sprintf(`"%s";q=%d;w=%d`, p.name, p.burst, ceil(p.refill(float64(p.burst))))}
	if p.burst < mostStates {
		p.states = make([][]string, p.burst+1)
		for left := range p.states {
			p.states[left] = p.makeState(left)
		}
	}
	return p
}

// refill is how long so many tokens take to come.
func (p *policy) refill(tokens float64) time.Duration {
	return time.Duration(tokens / p.perSecond * float64(time.Second))
}

// state is the value of RateLimit while so many requests are left.
func (p *policy) state(left int) []string {
	if left < len(p.states) {
		return p.states[left]
	}
	return p.makeState(left)
}

func (p *policy) makeState(left int) []string {
	full := ceil(p.refill(float64(p.burst - left)))
	return []string{`"` + p.name + `";r=` + strconv.Itoa(left) + `;t=` + strconv.Itoa(full)}
}

// ceil is d in whole seconds, rounded up: 0 only for 0.
func ceil(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return max(1, int(math.Ceil(d.Seconds()-rounding)))
}

// newCounts registers the metric, or takes over that of another service of
// this process.
func newCounts(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_http_limited_total", Help: "Requests refused with 429 by the rate limits in memory, by service and class.",
	}, []string{"service", "class"})
	if r == nil {
		return c
	}
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](r.Register(c)); ok {
		if same, ok := already.ExistingCollector.(*prometheus.CounterVec); ok {
			return same
		}
	}
	return c
}
