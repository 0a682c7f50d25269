package check

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// ViolationKind names what was broken.
type ViolationKind string

// The kinds of violations.
const (
	Lost       ViolationKind = "lost"       // accepted, and not in the history
	Phantom    ViolationKind = "phantom"    // in the history, and never posted
	Duplicate  ViolationKind = "duplicate"  // one post, two messages; or shown twice
	Altered    ViolationKind = "altered"    // text, sender, conversation or place differ
	Conflict   ViolationKind = "conflict"   // a retry with another text took effect
	Refusal    ViolationKind = "refusal"    // a valid post was refused for good
	Order      ViolationKind = "order"      // seq against real time, or used twice
	Hole       ViolationKind = "hole"       // a number is missing between two others
	Missed     ViolationKind = "missed"     // a device never got it
	Stale      ViolationKind = "stale"      // a connected device got it too late
	Early      ViolationKind = "early"      // shown or accepted before it could be read
	Leak       ViolationKind = "leak"       // came to somebody who is not a member
	Epoch      ViolationKind = "epoch"      // one position of a log stands for two things
	LogGap     ViolationKind = "log"        // event log and history disagree
	PageWrong  ViolationKind = "page"       // a page overlaps, skips, or is behind
	ListWrong  ViolationKind = "list"       // conversation list: order, last message, absence
	Unread     ViolationKind = "unread"     // unread is not what follows the read mark
	ReadMark   ViolationKind = "read-mark"  // a read mark moved back or differs
	Revoked    ViolationKind = "revoked"    // an ended session still gets events
	Nonlinear  ViolationKind = "nonlinear"  // no order of the operations explains the answers
	Unreadable ViolationKind = "unreadable" // something could not be read at the end
)

// Violation is one broken promise: whose, where, and in one sentence what.
type Violation struct {
	Kind         ViolationKind `json:"kind"`
	User         string        `json:"user,omitempty"`
	Name         string        `json:"name,omitempty"` // the user's, when known
	Device       string        `json:"device,omitempty"`
	Conversation string        `json:"conversation,omitempty"`
	Seq          uint64        `json:"seq,omitempty"`
	IDs          []string      `json:"ids,omitempty"`
	Detail       string        `json:"detail"`
}

// Quantiles sum up durations; all zero when Count is 0. JSON is in nanoseconds.
type Quantiles struct {
	Count int           `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// FaultStat sums up all faults of one kind. Each fault contributes its longest
// value to SendStall and PushGap, and its Recovery; Resume has one value per
// connection that broke.
type FaultStat struct {
	Kind      string    `json:"kind"`
	Count     int       `json:"count"`
	SendStall Quantiles `json:"send_stall"` // first attempt to answer
	PushGap   Quantiles `json:"push_gap"`   // accepted to arrival on a device that stayed connected
	Resume    Quantiles `json:"resume"`     // connection broken to resumed without a gap
	Recovery  Quantiles `json:"recovery"`   // cause gone to everything well again
}

// LinearStat says how much of the run was searched for a linear order: windows
// that have one, and windows whose search was given up.
type LinearStat struct {
	Windows int `json:"windows"`
	OK      int `json:"ok"`
	Unknown int `json:"unknown"`
}

// maxViolations bounds the list; ViolationCount goes on counting.
const maxViolations = 1000

// Report is the verdict on a history.
type Report struct {
	Operations     int           `json:"operations"`
	People         int           `json:"people"`
	Devices        int           `json:"devices"`
	Conversations  int           `json:"conversations"`
	Duration       time.Duration `json:"duration_ns"`
	Attempted      int           `json:"attempted"` // messages: a retry is the same message
	Acked          int           `json:"acked"`
	Refused        int           `json:"refused"`   // for good
	Unknown        int           `json:"unknown"`   // never answered
	Recovered      int           `json:"recovered"` // of those, the ones that were written
	Pushed         int           `json:"pushed"`    // events shown on devices
	WireDuplicates int           `json:"wire_duplicates"`
	Reconnects     int           `json:"reconnects"`
	Resyncs        int           `json:"resyncs"`
	Reads          int           `json:"reads"` // pages, messages, lists, logs

	Send    Quantiles   `json:"send"`    // first attempt to answer
	Deliver Quantiles   `json:"deliver"` // first attempt to arrival on another person's connected device
	Faults  []FaultStat `json:"faults,omitempty"`
	Linear  LinearStat  `json:"linear"`

	ViolationCount int                   `json:"violation_count"`
	ByKind         map[ViolationKind]int `json:"by_kind,omitempty"`
	Violations     []Violation           `json:"violations,omitempty"` // the first 1,000
}

// OK reports whether every promise held.
func (r *Report) OK() bool { return r.ViolationCount == 0 }

func (r *Report) add(v Violation) {
	r.ViolationCount++
	if r.ByKind == nil {
		r.ByKind = map[ViolationKind]int{}
	}
	r.ByKind[v.Kind]++
	if len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, v)
	}
}

// Add notes a violation that was found outside of the history.
func (r *Report) Add(v Violation) { r.add(v) }

// quantiles sorts values.
func quantiles(values []int64) Quantiles {
	if len(values) == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	at := func(q float64) time.Duration {
		return time.Duration(values[max(0, int(math.Ceil(q*float64(len(values))))-1)])
	}
	return Quantiles{Count: len(values), P50: at(0.50), P99: at(0.99), Max: time.Duration(values[len(values)-1])}
}

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// sortedKeys makes a walk over a map the same in every run.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
