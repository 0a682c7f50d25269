package check

import (
	"cmp"
	"slices"
)

// The reading side of the model: each reading begins, looks, and answers at
// three different times.

func (m *model) page(who string, t *modelTalk, before uint64, limit int, final bool) {
	begin := m.now
	look := func() { m.lookAtPage(who, t, before, limit, final, begin) }
	if final {
		look()
		return
	}
	m.soon(look)
}

func (m *model) lookAtPage(who string, t *modelTalk, before uint64, limit int, final bool, begin int64) {
	all := slices.Clone(t.log)
	slices.SortStableFunc(all, compareSeq)
	if len(all) > 3 && m.hit("lost-prefix", 1) {
		all = all[2:]
	}
	if len(all) > 3 && final && m.hit("lost-postfix", 1) {
		all = all[:len(all)-2]
	}
	if n := len(all); n > 4 && final && m.hit("lost-middle", 1) {
		all = slices.Delete(all, n/2, n/2+1)
	}
	if n := len(all); n > 3 && !final && m.hit("page-of-a-lagging-replica", 2) {
		all = all[:n-3]
	}
	edge := before
	switch {
	case before > 1 && m.hit("page-overlaps", 1):
		edge++
	case before > 2 && m.hit("page-skips-equal-timestamps", 1):
		edge--
	case len(all) > 6 && m.hit("page-ordered-by-id", 2): // ids are not in commit order
		n := len(all)
		all[n-3], all[n-4] = all[n-4], all[n-3]
	}
	if edge > 0 {
		all = slices.DeleteFunc(all, func(x Message) bool { return x.Seq >= edge })
	}
	items := all[max(0, len(all)-limit):]
	older := len(items) > 0 && items[0].Seq > 1
	if older && m.hit("has-older-wrong", 3) {
		older = false
	}
	o := Op{Kind: Page, Begin: begin, User: who, Conv: t.id, Seq: before, Limit: limit, Items: items, HasOlder: older, Final: final}
	if !final {
		m.soon(func() { m.op(o) })
		return
	}
	m.op(o)
	if len(items) > 0 && items[0].Seq > 1 {
		m.page(who, t, items[0].Seq, limit, final)
	}
}

func (m *model) get(who, id string) {
	begin := m.now
	m.soon(func() {
		o := Op{Kind: Get, Begin: begin, User: who, Client: id, Status: 404}
		for _, t := range m.talks {
			for i := range t.log {
				if t.log[i].ID == id {
					found := t.log[i]
					o.Status, o.Message = 200, &found
				}
			}
		}
		if m.hit("push-before-commit", 10) {
			o.Status, o.Message = 404, nil
		}
		if o.Message != nil && m.hit("get-answers-another", 10) {
			other := *o.Message
			other.ID += "-other"
			o.Message = &other
		}
		m.soon(func() { m.op(o) })
	})
}

func (m *model) length(t *modelTalk) uint64 {
	if len(t.log) == 0 {
		return 0
	}
	return slices.MaxFunc(t.log, compareSeq).Seq
}

// readTo is the read mark: explicit, or one's own last post.
func (m *model) readTo(who string, t *modelTalk) uint64 {
	seq := m.marks[who][t.id]
	for _, x := range t.log {
		if x.Sender == who {
			seq = max(seq, x.Seq)
		}
	}
	return seq
}

func (m *model) mark(who string, t *modelTalk) {
	seq := m.length(t)
	if seq == 0 {
		return
	}
	seq = 1 + m.rng.Uint64N(seq)
	begin := m.now
	m.soon(func() {
		if m.hit("read-mark-moves-back", 2) {
			for i := range t.log { // own posts count no more, either
				seq = min(seq, t.log[i].Seq)
			}
			m.marks[who][t.id] = seq
			o := Op{Kind: Read, Begin: begin, User: who, Conv: t.id, Seq: seq, Rows: []Row{{Conv: t.id, ReadSeq: seq}}}
			m.soon(func() { m.op(o) })
			return
		}
		if seq > m.readTo(who, t) {
			m.marks[who][t.id] = seq
			if !m.hit("read-mark-not-logged", 1) {
				m.logAll(t, Entry{Conv: t.id, User: who, Seq: seq})
			}
		}
		o := Op{Kind: Read, Begin: begin, User: who, Conv: t.id, Seq: seq, Rows: []Row{{Conv: t.id, ReadSeq: m.readTo(who, t)}}}
		m.soon(func() { m.op(o) })
	})
}

func (m *model) list(who string, final bool) {
	begin := m.now
	look := func() {
		o := Op{Kind: List, Begin: begin, User: who, Rows: m.rows(who), Final: final}
		if final {
			m.op(o)
			return
		}
		m.soon(func() { m.op(o) })
	}
	if final {
		look()
		return
	}
	m.soon(look)
}

func (m *model) rows(who string) []Row {
	var rows []Row
	activity := map[string]uint64{}
	for _, e := range m.logs[who] {
		if e.Message != nil {
			activity[e.Message.Conv] = e.Event
		}
	}
	for _, t := range m.talks {
		if !slices.Contains(t.members, who) || len(t.log) == 0 {
			continue
		}
		r := Row{Conv: t.id, LastSeq: m.length(t), ReadSeq: m.readTo(who, t)}
		last := slices.MaxFunc(t.log, compareSeq)
		r.Last = &last
		for _, x := range t.log {
			if x.Seq > r.ReadSeq && (x.Sender != who || m.bug == "unread-counts-own") {
				r.Unread++
			}
		}
		m.spoilRow(who, t, &r)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(activity[b.Conv], activity[a.Conv]) })
	if len(rows) > 1 && m.hit("list-in-wrong-order", 1) {
		slices.Reverse(rows)
	}
	if len(rows) > 1 && m.hit("list-misses-one", 1) {
		rows = rows[1:]
	}
	return rows
}

// spoilRow is what a broken list shows.
func (m *model) spoilRow(who string, t *modelTalk, r *Row) {
	switch {
	case m.bug == "unread-counts-own":
		// Own posts do not move the mark either, or there would be none to count.
		r.ReadSeq = m.marks[who][t.id]
		r.Unread = 0
		for _, x := range t.log {
			if x.Seq > r.ReadSeq {
				r.Unread++
			}
		}
		m.fired++
	case m.hit("unread-drifts", 3):
		r.Unread++
	case len(t.log) > 1 && m.hit("last-message-stale", 2):
		r.Last = &t.log[len(t.log)-2]
	case r.LastSeq > 1 && m.hit("last-seq-stale", 2):
		r.LastSeq--
		r.Last = nil
		r.Unread = min(r.Unread, r.LastSeq-min(r.LastSeq, r.ReadSeq))
	}
}

// finish connects everybody, lets everything arrive, and reads it back.
func (m *model) finish() {
	for _, d := range m.devs {
		m.connect(d)
	}
	m.drain()
	m.now += 1000 * ms
	for _, p := range m.people {
		for _, t := range m.talks {
			if slices.Contains(t.members, p) {
				m.page(p, t, 0, 20, true)
			}
		}
		m.list(p, true)
		m.op(Op{Kind: Log, Begin: m.now, User: p, Epoch: m.epoch, Entries: m.logs[p], Final: true})
	}
	m.drain()
}
