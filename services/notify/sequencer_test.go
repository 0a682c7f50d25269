package notify

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"chatapp/libs/errs"
)

// world is the database of the property test: the log of one user, which may
// grow, lose its oldest entries, and be replaced by an older copy of itself
// under a new epoch. Nothing here is shared with the code under test.
type world struct {
	epoch   uint64
	head    uint64
	trimmed uint64    // entries up to here are gone
	written []*entry  // everything ever written, in all epochs
	heads   []cursor  // every head there ever was
	last    *question // asked and not yet answered
	before  snapshot  // of the moment the question was asked
	told    uint64    // highest entry of this epoch that the sequencer was shown
}

type snapshot struct{ epoch, head, trimmed uint64 }

func (w *world) now() snapshot { return snapshot{w.epoch, w.head, w.trimmed} }

func (w *world) commit() {
	w.head++
	w.written = append(w.written, testEntry(cursor{w.epoch, w.head}))
	w.heads = append(w.heads, cursor{w.epoch, w.head})
}

// push shows an entry to the sequencer. What it is shown while it knows of this
// epoch, or of none, it must bring to everybody without any further word.
func (w *world) push(s *sequencer, e *entry) {
	if e.at.epoch == w.epoch && (!s.known || s.head.epoch == w.epoch) {
		w.told = max(w.told, e.at.seq)
	}
	s.offer(e)
}

func testEntry(at cursor) *entry {
	return &entry{at: at, raw: fmt.Appendf(nil, `{"cursor":%q,"seq":%d,"type":"t"}`, at, at.seq)}
}

// entries is what a database in state s answers after a position; ok is false
// when it refuses, with the reason.
func (s snapshot) entries(after cursor, limit int) ([]*entry, errs.Slug) {
	switch {
	case after.epoch != s.epoch || after.seq > s.head:
		return nil, errs.CursorAhead
	case after.seq < s.trimmed:
		return nil, errs.CursorExpired
	}
	var page []*entry
	for seq := after.seq + 1; seq <= s.head && len(page) < limit; seq++ {
		page = append(page, testEntry(cursor{s.epoch, seq}))
	}
	return page, ""
}

// device is a sink that judges everything it gets.
type device struct {
	t       *rapid.T
	w       *world
	name    int
	lane    *lane
	at      cursor
	forged  bool // joined with a position that never was
	moved   bool // greeted somewhere else than it asked for: must be told why
	greeted bool
	blocked bool // its queue has no room
	dead    bool
	got     int
}

func (d *device) greet(at cursor) {
	if d.greeted {
		d.t.Fatalf("device %d greeted twice", d.name)
	}
	if at.epoch == d.w.epoch && at.seq > d.w.head {
		d.t.Fatalf("device %d greeted at %v, the log ends at %d", d.name, at, d.w.head)
	}
	d.moved = at != d.at && d.at != (cursor{})
	d.greeted, d.at = true, at
}

func (d *device) give(e *entry, paced bool) bool {
	switch {
	case !d.greeted || d.dead || d.moved:
		d.t.Fatalf("device %d: entry %v before the greeting or after the end", d.name, e.at)
	case e.at.epoch != d.at.epoch || e.at.seq != d.at.seq+1:
		d.t.Fatalf("device %d at %v was given %v", d.name, d.at, e.at)
	case d.blocked:
		d.dead = !paced
		return false
	}
	d.at = e.at
	d.got++
	return true
}

func (d *device) resync(reason errs.Slug, head cursor) {
	honest := d.moved || d.at.epoch != d.w.epoch || d.at.seq < d.w.trimmed || d.forged
	if !d.greeted || !honest {
		d.t.Fatalf("device %d at %v (world %+v) was resynced to %v: %s", d.name, d.at, d.w.now(), head, reason)
	}
	d.at, d.forged, d.moved = head, false, false
}

func TestSequencerGivesEveryDeviceTheDenseSequenceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{epoch: 1}
		s := &sequencer{}
		var devices []*device
		pick := func() *device {
			if len(devices) == 0 {
				return nil
			}
			return rapid.SampledFrom(devices).Draw(t, "device")
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(*rapid.T) { w.commit() },
			"commit and push": func(*rapid.T) {
				w.commit()
				w.push(s, w.written[len(w.written)-1])
			},
			"push": func(t *rapid.T) { // late, again, of an epoch that is gone
				if len(w.written) > 0 {
					w.push(s, rapid.SampledFrom(w.written).Draw(t, "entry"))
				}
			},
			"report a head": func(t *rapid.T) {
				if len(w.heads) > 0 {
					s.hearHead(rapid.SampledFrom(w.heads).Draw(t, "head"))
				}
			},
			"ask":    func(*rapid.T) { w.ask(s) },
			"answer": func(t *rapid.T) { w.answer(t, s) },
			"fail":   func(*rapid.T) { w.last = nil },
			"join":   func(t *rapid.T) { devices = append(devices, join(t, w, s, len(devices))) },
			"leave": func(*rapid.T) {
				if d := pick(); d != nil {
					s.leave(d.lane)
					d.dead = true
				}
			},
			"block": func(*rapid.T) {
				if d := pick(); d != nil {
					d.blocked = true
				}
			},
			"unblock": func(*rapid.T) {
				if d := pick(); d != nil {
					d.blocked = false
					s.room(d.lane)
				}
			},
			"trim": func(t *rapid.T) { w.trimmed = rapid.Uint64Range(w.trimmed, w.head).Draw(t, "trim") },
			"restore": func(t *rapid.T) {
				if w.epoch < 4 {
					w.epoch++
					w.told = 0
					w.head = rapid.Uint64Range(w.trimmed, w.head).Draw(t, "restored head")
					w.heads = append(w.heads, cursor{w.epoch, w.head})
				}
			},
			"": func(t *rapid.T) {
				if len(s.held) > maxHeld || s.heldBytes > maxHeldBytes {
					t.Fatalf("holds %d entries, %d bytes", len(s.held), s.heldBytes)
				}
			},
		})
		settleAll(t, w, s, devices)
	})
}

func join(t *rapid.T, w *world, s *sequencer, name int) *device {
	d := &device{t: t, w: w, name: name}
	d.lane = &lane{to: d}
	switch rapid.IntRange(0, 3).Draw(t, "kind of cursor") {
	case 0:
		d.lane.atHead = true
	case 1:
		d.lane.at, d.forged = cursor{w.epoch, w.head + uint64(rapid.IntRange(1, 3).Draw(t, "ahead"))}, true
	case 2:
		d.lane.at, d.forged = cursor{99, 1}, true
	default:
		d.lane.at = cursor{w.epoch, rapid.Uint64Range(0, w.head).Draw(t, "cursor")}
	}
	d.at = d.lane.at
	s.join(d.lane)
	return d
}

func (w *world) ask(s *sequencer) {
	if w.last != nil {
		return
	}
	if q, ok := s.want(); ok {
		w.last, w.before = &q, w.now()
	}
}

// answer replies to the open question from the state at the time of asking,
// from the present one, or with entries of the first and the head of the other.
func (w *world) answer(t *rapid.T, s *sequencer) {
	if w.last == nil {
		return
	}
	q, limit := *w.last, rapid.IntRange(1, 4).Draw(t, "limit")
	w.last = nil
	read, head := w.before, w.before
	switch rapid.IntRange(0, 2).Draw(t, "read at") {
	case 0:
		read, head = w.now(), w.now()
	case 1:
		if w.before.epoch == w.epoch {
			head = w.now()
		}
	}
	tip := cursor{head.epoch, head.head}
	if q.headOnly {
		s.page(tip, nil, tip)
		return
	}
	if page, refused := read.entries(q.after, limit); refused != "" {
		s.lost(q.after, refused, tip)
	} else {
		s.page(q.after, page, tip)
	}
}

// settleAll ends all faults and checks that everybody ends up at the head.
func settleAll(t *rapid.T, w *world, s *sequencer, devices []*device) {
	for _, d := range devices {
		if d.blocked = false; !d.dead {
			s.room(d.lane)
		}
	}
	w.last = nil
	w.answerAll(t, s)
	for _, d := range devices {
		if !d.dead && d.at.epoch == w.epoch && d.at.seq < w.told {
			t.Fatalf("device %d ended at %v although %d was shown", d.name, d.at, w.told)
		}
	}
	s.hearHead(cursor{w.epoch, w.head}) // as the healing does
	w.answerAll(t, s)
	for _, d := range devices {
		if !d.dead && d.at != (cursor{w.epoch, w.head}) {
			t.Fatalf("device %d ended at %v, the log at %v", d.name, d.at, cursor{w.epoch, w.head})
		}
		if !d.dead && d.at != d.lane.at {
			t.Fatalf("device %d: lane says %v, device %v", d.name, d.lane.at, d.at)
		}
	}
	if len(s.held) != 0 || s.heldBytes != 0 {
		t.Fatalf("everybody is up to date and %d entries (%d bytes) are held", len(s.held), s.heldBytes)
	}
}

// answerAll answers until nothing is asked any more.
func (w *world) answerAll(t *rapid.T, s *sequencer) {
	for range 1000 {
		if w.ask(s); w.last == nil {
			return
		}
		w.answer(t, s)
	}
	t.Fatalf("the sequencer asks for ever")
}
