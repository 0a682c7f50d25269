package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// The search for a linear order is exponential in the worst case, so it is
// done on windows of a conversation between two moments in which nothing was
// under way, and given up after a while; Report.Linear says how often.
const (
	windowOps     = 120
	windowsAtMost = 200
	windowTime    = 250 * time.Millisecond
	givenUpAtMost = 20 // then the rest is not searched
)

// call is a post or a reading of the latest page.
type call struct {
	send       *send
	read       *Op
	begin, end int64
}

// lineState is what a window knows of a conversation: its length when that is
// known, and the keys that were appended within the window.
type lineState struct {
	known bool
	base  uint64
	keys  []string
}

// lineModel is an append-only list with two operations: append a key, unless
// it is there (returns its place), and read the end.
var lineModel = porcupine.Model{
	Init: func() any { return lineState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in := state.(lineState), input.(call)
		if in.read != nil {
			return s.read(in.read)
		}
		return s.post(in.send)
	},
	Equal: func(a, b any) bool {
		x, y := a.(lineState), b.(lineState)
		return x.known == y.known && x.base == y.base && slices.Equal(x.keys, y.keys)
	},
}

func (s lineState) post(p *send) (bool, any) {
	k := p.op.User + "/" + p.op.Client
	seq := uint64(0)
	if p.outcome == OK && p.message != nil {
		seq = p.message.Seq
	}
	if i := slices.Index(s.keys, k); i >= 0 {
		return seq == 0 || seq == s.base+uint64(i)+1, s
	}
	if !s.known && seq > 0 {
		if seq <= uint64(len(s.keys)) {
			return true, s // older than what the window appended, so than the window
		}
		s.known, s.base = true, seq-1-uint64(len(s.keys))
	}
	if seq > 0 && seq <= s.base {
		return true, s // the key is older than the window
	}
	keys := append(slices.Clone(s.keys), k)
	return seq == 0 || seq == s.base+uint64(len(keys)), lineState{s.known, s.base, keys}
}

func (s lineState) read(o *Op) (bool, any) {
	var last uint64
	if n := len(o.Items); n > 0 {
		last = o.Items[n-1].Seq
	}
	if !s.known {
		if last < uint64(len(s.keys)) {
			return false, s
		}
		s.known, s.base = true, last-uint64(len(s.keys))
	}
	if last != s.base+uint64(len(s.keys)) {
		return false, s
	}
	for i := range o.Items {
		m := &o.Items[i]
		if m.Seq <= s.base {
			continue
		}
		// A page that is out of order may hold what comes after its last message.
		if m.Seq > last || s.keys[m.Seq-s.base-1] != m.Sender+"/"+m.Client {
			return false, s
		}
	}
	return true, s
}

// checkLinear searches windows of every conversation.
func (c *checker) checkLinear() {
	var all []line
	for _, id := range sortedKeys(c.convs) {
		if c.ours(id) {
			all = append(all, cut(id, c.convs[id].talks)...)
		}
	}
	if step := (len(all) + windowsAtMost - 1) / windowsAtMost; step > 1 {
		var some []line
		for i := 0; i < len(all); i += step {
			some = append(some, all[i])
		}
		all = some
	}
	stat := &c.report.Linear
	for _, w := range all {
		stat.Windows++
		if stat.Unknown >= givenUpAtMost {
			stat.Unknown++
			continue
		}
		c.search(w, stat)
	}
}

// line is a window of one conversation.
type line struct {
	conv  string
	calls []call
}

func (c *checker) search(w line, stat *LinearStat) {
	ops := make([]porcupine.Operation, len(w.calls))
	for i, k := range w.calls {
		ops[i] = porcupine.Operation{ClientId: i, Input: k, Call: k.begin, Return: k.end}
	}
	switch porcupine.CheckOperationsTimeout(lineModel, ops, windowTime) {
	case porcupine.Ok:
		stat.OK++
	case porcupine.Unknown:
		stat.Unknown++
	default:
		first := w.calls[0]
		c.report.add(Violation{Kind: Nonlinear, Conversation: w.conv, Detail: fmt.Sprintf(
			"no order of the %d posts and readings between %s and %s explains their answers",
			len(w.calls), time.Duration(first.begin), time.Duration(w.calls[len(w.calls)-1].begin))})
	}
}

// cut divides the calls of a conversation where nothing was under way. What is
// longer than a window can be is left out: the sweep of order.go covers it.
// Posts without an answer never end, so nothing after one is cut.
func cut(conv string, calls []call) []line {
	slices.SortStableFunc(calls, func(a, b call) int { return compare(a.begin, b.begin) })
	var all []line
	var busy int64
	start := 0
	flush := func(end int) {
		if n := end - start; n > 1 && n <= windowOps {
			all = append(all, line{conv, calls[start:end]})
		}
		start = end
	}
	for i, k := range calls {
		if i > start && k.begin > busy && i-start >= windowOps/4 {
			flush(i)
		}
		end := k.end
		if k.send != nil && k.send.outcome != OK {
			end = never
		}
		busy = max(busy, end)
	}
	flush(len(calls))
	return all
}
