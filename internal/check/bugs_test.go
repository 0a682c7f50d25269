package check

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// bugs are the mistakes that a message center makes, and what the checker must
// call each (invariant I24). A bug may have further consequences.
var bugs = map[string]ViolationKind{
	"ack-before-commit":           Lost,
	"lost-prefix":                 Lost,
	"lost-middle":                 Lost,
	"lost-postfix":                Lost,
	"no-dedupe":                   Duplicate,
	"key-not-per-sender":          Altered,
	"retry-under-new-key":         Phantom,
	"replay-with-other-seq":       Altered,
	"conflict-accepted":           Conflict,
	"conflict-overwrites":         Altered,
	"refused-but-written":         Conflict,
	"valid-refused":               Refusal,
	"body-truncated":              Altered,
	"body-of-another":             Altered,
	"wrong-sender":                Altered,
	"wrong-conversation":          Altered,
	"max-plus-one-race":           Order,
	"swapped-seq":                 Order,
	"seq-burned":                  Hole,
	"outbox-outside-transaction":  LogGap,
	"log-in-other-order":          Order,
	"logged-twice":                Duplicate,
	"log-hole":                    Hole,
	"leak-to-stranger":            Leak,
	"restored-same-epoch":         Epoch,
	"push-dropped":                Hole,
	"push-dropped-at-the-end":     Missed,
	"push-healed-late":            Stale,
	"push-out-of-order":           Hole,
	"push-of-stale-cache":         Altered,
	"push-before-commit":          Early,
	"client-shows-repeats":        Duplicate,
	"resume-at-head":              Hole,
	"resume-skips-one":            Hole,
	"resume-repeats-to-ui":        Duplicate,
	"reconnect-buffer-lost":       Hole,
	"revoked-session":             Revoked,
	"page-overlaps":               PageWrong,
	"page-skips-equal-timestamps": PageWrong,
	"page-ordered-by-id":          PageWrong,
	"page-of-a-lagging-replica":   PageWrong,
	"has-older-wrong":             PageWrong,
	"get-answers-another":         Altered,
	"read-mark-moves-back":        ReadMark,
	"read-mark-not-logged":        ReadMark,
	"unread-counts-own":           Unread,
	"unread-drifts":               Unread,
	"last-message-stale":          ListWrong,
	"last-seq-stale":              ListWrong,
	"list-in-wrong-order":         ListWrong,
	"list-misses-one":             ListWrong,
}

const modelActions = 400

func TestSeededBugsAreCaught(t *testing.T) {
	if len(bugs) < 30 {
		t.Fatalf("only %d bugs", len(bugs))
	}
	for bug, want := range bugs {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 2; seed++ {
				m := simulate(seed, bug, modelActions)
				r := Check(m.ops)
				if m.fired == 0 {
					t.Fatalf("seed %d: the bug never struck", seed)
				}
				if r.ByKind[want] == 0 {
					t.Errorf("seed %d: struck %d times, want %s, found %v", seed, m.fired, want, r.ByKind)
				}
				for _, v := range r.Violations {
					if v.Kind == want && (v.User == "" || v.Detail == "") {
						t.Errorf("seed %d: says too little: %+v", seed, v)
					}
				}
			}
		})
	}
}

// The model without a bug must be clean, or the table above proves nothing.
// Repeats on the wire are no violation: clients recognise them.
func TestCorrectModelIsClean(t *testing.T) {
	for seed := range uint64(25) {
		for _, bug := range []string{"", "push-repeated-on-the-wire"} {
			m := simulate(seed, bug, modelActions)
			r := Check(m.ops)
			if !r.OK() {
				t.Fatalf("seed %d %s: %v\n%v", seed, bug, r.ByKind, r.Violations[:min(5, len(r.Violations))])
			}
			if r.Acked < 100 || r.Acked+r.Refused != r.Attempted || r.Reconnects == 0 || r.Pushed == 0 || r.Linear.OK == 0 {
				t.Fatalf("seed %d: nothing happened: %+v", seed, r)
			}
			if (bug != "") != (r.WireDuplicates > 0) {
				t.Fatalf("seed %d %q: %d wire duplicates", seed, bug, r.WireDuplicates)
			}
		}
	}
}

func TestHistoryAsLines(t *testing.T) {
	m := simulate(7, "", modelActions)
	var file bytes.Buffer
	if err := Encode(&file, m.ops); err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(file.String(), "\n")
	again, err := Decode(&file)
	if err != nil || lines != len(m.ops) || !reflect.DeepEqual(Check(again), Check(m.ops)) {
		t.Fatalf("%d lines, %d operations, %d read: %v", lines, len(m.ops), len(again), err)
	}
	if _, err := Decode(strings.NewReader("{\"k\":\"send\"}\nnonsense")); err == nil || !strings.Contains(err.Error(), "operation 2") {
		t.Fatal(err)
	}
}

// line makes posts and readings of one conversation; times in order.
func lineOps(steps ...Op) []Op {
	ops := []Op{{Kind: Talk, Conv: "c", Users: []string{"ada", "ben"}}}
	for i, o := range steps {
		o.At = int64(i+1) * 1000
		ops = append(ops, o)
	}
	return ops
}

// Each answer alone is possible here, and no order explains all of them: the
// reading overlaps every post, sees the second and misses the first, although
// the first was answered before the second was begun.
func TestNoLinearOrder(t *testing.T) {
	a := Message{ID: "a", Conv: "c", Seq: 1, Sender: "ada", Client: "ka", Hash: "h"}
	b := Message{ID: "b", Conv: "c", Seq: 2, Sender: "ada", Client: "kb", Hash: "h"}
	posts := []Op{
		{Kind: Send, N: 1, User: "ada", Conv: "c", Client: "ka", Hash: "h"},
		{Kind: OK, N: 1, Message: &a},
		{Kind: Send, N: 2, User: "ada", Conv: "c", Client: "kb", Hash: "h"},
		{Kind: OK, N: 2, Message: &b},
	}
	reading := func(begin int64, items ...Message) Op {
		return Op{Kind: Page, Begin: begin, User: "ben", Conv: "c", Limit: 15, Items: items}
	}
	if r := Check(lineOps(append(posts, reading(500, a))...)); r.Linear.OK != 1 || r.ByKind[Nonlinear] != 0 {
		t.Errorf("a reading between two posts: %+v", r)
	}
	r := Check(lineOps(append(posts, reading(3500, a), reading(5500, a, b))...))
	if r.ByKind[Nonlinear] != 0 {
		t.Errorf("right, and called wrong: %v", r.Violations)
	}
	wrong := append(append([]Op{posts[0], posts[1]}, reading(2500)), posts[2:]...)
	if r := Check(lineOps(wrong...)); r.ByKind[Nonlinear] != 1 {
		t.Errorf("an empty page after an answered post: %v", r.ByKind)
	}
}

// A fault's cost is counted from its window.
func TestFaultsAreMeasured(t *testing.T) {
	m := Message{ID: "a", Conv: "c", Seq: 1, Sender: "ada", Client: "ka", Hash: "h"}
	m2 := Message{ID: "b", Conv: "c", Seq: 2, Sender: "ada", Client: "kb", Hash: "h"}
	s := int64(1e9)
	r := Check([]Op{
		{Kind: Talk, Conv: "c", Users: []string{"ada", "ben"}},
		{Kind: Open, At: 1, User: "ben", Device: "d", Epoch: "e"},
		{Kind: Open, At: 1, User: "ben", Device: "steady", Epoch: "e"},
		{Kind: Fault, At: 1 * s, Name: "kill", N: 9},
		{Kind: Close, At: 2 * s, User: "ben", Device: "d"},
		{Kind: Send, At: 2 * s, N: 1, User: "ada", Conv: "c", Client: "ka", Hash: "h"},
		{Kind: Heal, At: 3 * s, N: 9},
		{Kind: OK, At: 5 * s, N: 1, Message: &m},
		{Kind: Send, At: 5 * s, N: 2, User: "ada", Conv: "c", Client: "kb", Hash: "h"},
		{Kind: Resume, At: 6 * s, User: "ben", Device: "d", Epoch: "e"},
		{Kind: Push, At: 7 * s, User: "ben", Device: "d", Shown: true, Entry: &Entry{Epoch: "e", Event: 1, Message: &m}},
		{Kind: Push, At: 8 * s, User: "ben", Device: "steady", Shown: true, Entry: &Entry{Epoch: "e", Event: 1, Message: &m}},
		{Kind: OK, At: 9 * s, N: 2, Message: &m2},
	})
	if !r.OK() || len(r.Faults) != 1 {
		t.Fatalf("%+v", r)
	}
	f := r.Faults[0]
	for name, got := range map[string]time.Duration{
		"stall 4s": f.SendStall.Max, "gap 3s": f.PushGap.Max, "resume 5s": f.Resume.Max, "recovery 6s": f.Recovery.Max,
	} {
		if _, want, _ := strings.Cut(name, " "); got.String() != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTableNamesWhatIsWrong(t *testing.T) {
	var ok, wrong bytes.Buffer
	if err := Check(simulate(1, "", modelActions).ops).WriteTable(&ok); err != nil || !strings.Contains(ok.String(), "OK: nothing lost") {
		t.Errorf("%v\n%s", err, ok.String())
	}
	r := Check(simulate(1, "lost-middle", modelActions).ops)
	if err := r.WriteTable(&wrong); err != nil {
		t.Fatal(err)
	}
	v := r.Violations[0]
	for _, word := range append([]string{"VIOLATED", "lost", v.User, v.Conversation, v.Detail}, v.IDs...) {
		if !strings.Contains(wrong.String(), word) {
			t.Errorf("%q is not in\n%s", word, wrong.String())
		}
	}
}

// BenchmarkCheck judges a million operations.
func BenchmarkCheck(b *testing.B) {
	ops := big(1_000_000)
	for b.Loop() {
		if r := Check(ops); !r.OK() {
			b.Fatal(r.Violations[0])
		}
	}
	b.ReportMetric(float64(len(ops)), "operations")
}

// big is a right history of about n operations.
func big(n int) []Op {
	ops := []Op{}
	at := int64(0)
	add := func(o Op) { at += 1000; o.At = at; ops = append(ops, o) }
	const people = 50
	name := func(i int) string { return fmt.Sprintf("u%d", i%people) }
	for i := range people {
		add(Op{Kind: Person, User: name(i)})
		add(Op{Kind: Talk, Conv: name(i), Users: []string{name(i), name(i + 1)}})
		add(Op{Kind: Open, User: name(i), Device: name(i) + "/1", Epoch: "e"})
		add(Op{Kind: Open, User: name(i), Device: name(i) + "/2", Epoch: "e"})
	}
	events := map[string]uint64{}
	for k := 0; len(ops) < n; k++ {
		u, v := name(k), name(k+1)
		m := &Message{ID: fmt.Sprintf("m%d", k), Conv: u, Seq: uint64(k/people) + 1, Sender: u, Client: fmt.Sprintf("k%d", k), Hash: "h"}
		add(Op{Kind: Send, N: uint64(k + 1), User: u, Conv: u, Client: m.Client, Hash: "h"})
		add(Op{Kind: OK, N: uint64(k + 1), Message: m})
		for _, to := range []string{u, v} {
			events[to]++
			for _, d := range []string{"/1", "/2"} {
				add(Op{Kind: Push, User: to, Device: to + d, Shown: true, Entry: &Entry{Epoch: "e", Event: events[to], Message: m}})
			}
		}
	}
	return ops
}
