// Package check judges a recorded history of simulated people: was every
// accepted message delivered, once, in order, on every device?
//
// It is pure: operations in (in memory or as JSONL), a Report out; it knows no
// network and no clock, so a recorded run can be judged again. All of it is
// O(n log n) in the number of operations.
//
//	op.go        what a history is made of, and its JSONL form
//	report.go    what comes out: counters, violations, faults; the table
//	messages.go  the set of messages: lost, phantom, duplicate, altered, conflicts
//	order.go     the order of a conversation: dense, and true to real time
//	delivery.go  what each device was pushed: holes, repeats, leaks, lateness
//	converge.go  what was read: pages, lists, unread counts, read marks, logs
//	faults.go    stalls, gaps and recovery around each injected fault
//	linear.go    linearizability of small windows (porcupine)
//
// The checker is itself tested by seeded bugs: see bugs_test.go.
package check

import (
	"cmp"
	"slices"
	"time"
)

// The bounds of invariant I7: how long a connected device may miss an event,
// in steady state and after the cause of a fault is gone; and I10.
const (
	staleSteady = 5 * time.Second
	staleHealed = 30 * time.Second
	revokeBound = 5 * time.Second
)

// checker is the state of one Check.
type checker struct {
	report *Report
	names  map[string]string // user id -> name

	sends    map[uint64]*send
	attempts map[key]*attempt
	keys     []key // of attempts, in order of first invocation
	byID     map[string]*seen
	byPlace  map[place]string // (conversation, seq) -> message id
	convs    map[string]*conv
	users    map[string]*user
	devices  map[string]*device
	order    []*device
	windows  []*window
	ended    int64 // time of the last operation
}

// key is what makes a message the same for ever.
type key struct{ sender, client string }

// place is where a message stands.
type place struct {
	conv string
	seq  uint64
}

// Check judges a history. Operations may come in any order; they are sorted by
// time. A history that was cut off is judged as far as it goes.
func Check(history []Op) *Report {
	if !slices.IsSortedFunc(history, byTime) {
		history = slices.Clone(history)
		slices.SortStableFunc(history, byTime)
	}
	c := &checker{
		report: &Report{}, names: map[string]string{},
		sends: map[uint64]*send{}, attempts: map[key]*attempt{}, byID: map[string]*seen{}, byPlace: map[place]string{},
		convs: map[string]*conv{}, users: map[string]*user{}, devices: map[string]*device{},
	}
	for i := range history {
		c.take(&history[i])
	}
	c.settle()
	c.checkOrder()
	c.checkHistories()
	c.checkDelivery()
	c.checkReads()
	c.measure()
	c.checkLinear()
	return c.report
}

func byTime(a, b Op) int { return cmp.Compare(a.At, b.At) }

// take sorts one operation into the state, judging what can be judged alone.
func (c *checker) take(o *Op) {
	c.ended = o.At
	c.report.Operations++
	switch o.Kind {
	case Person:
		c.names[o.User] = o.Name
		c.user(o.User)
		c.report.People++
	case Talk:
		c.talk(o)
	case Send:
		c.invoked(o)
	case OK, Fail, Info:
		c.answered(o)
	case Open, Resume, Resync, Close, Revoke:
		c.connection(o)
	case Push:
		c.pushed(o)
	case Page:
		c.pageRead(o)
	case Get:
		c.gotByID(o)
	case Read:
		c.marked(o)
	case List:
		c.listed(o)
	case Log:
		c.logRead(o)
	case Fault:
		c.windows = append(c.windows, &window{kind: o.Name, n: o.N, begin: o.At, healed: -1})
	case Heal:
		for _, w := range c.windows {
			if w.n == o.N {
				w.healed = o.At
			}
		}
	}
}

// conv is a conversation that the run writes into.
type conv struct {
	id      string
	members []string
	base    uint64 // messages up to here are older than the run
	readers map[string][]Message
	known   facts  // when which seq was known to be there
	talks   []call // posts and reads, for linear.go
	senders map[string][]uint64
	length  uint64
}

func (c *checker) talk(o *Op) {
	v := c.conv(o.Conv)
	v.members, v.base = o.Users, o.Seq
	c.report.Conversations++
}

func (c *checker) conv(id string) *conv {
	v := c.convs[id]
	if v == nil {
		v = &conv{id: id, readers: map[string][]Message{}, senders: map[string][]uint64{}}
		c.convs[id] = v
	}
	return v
}

// ours reports whether a conversation was declared by the run.
func (c *checker) ours(id string) bool {
	v := c.convs[id]
	return v != nil && v.members != nil
}

// facts say what a number that only grows had reached by which time.
type facts []fact

type fact struct {
	at    int64
	value uint64
}

// learn notes that the number had reached value at a time, not before the
// times learned so far.
func (f *facts) learn(at int64, value uint64) {
	if n := len(*f); n == 0 || value > (*f)[n-1].value {
		*f = append(*f, fact{at, value})
	}
}

// before is what was known before a time.
func (f facts) before(at int64) uint64 {
	i, _ := slices.BinarySearchFunc(f, at, func(f fact, t int64) int { return cmp.Compare(f.at, t) })
	if i == 0 {
		return 0
	}
	return f[i-1].value
}

// user is one person of the run.
type user struct {
	id      string
	epoch   string
	events  map[pos]*Entry
	at      map[pos]int64 // when each was first seen
	message map[logged]uint64
	lined   *timeline
	log     []Entry // the final reading
	hasLog  bool
	marks   map[string]*facts // read marks, by conversation
	rows    []listing
	final   *Op               // the last reading of the conversation list
	readTo  map[string]uint64 // by conversation, from the final log
}

func (c *checker) user(id string) *user {
	u := c.users[id]
	if u == nil {
		u = &user{id: id, events: map[pos]*Entry{}, at: map[pos]int64{}, message: map[logged]uint64{}, marks: map[string]*facts{}}
		c.users[id] = u
	}
	return u
}
