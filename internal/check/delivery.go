package check

import (
	"slices"
	"time"
)

// device is one device of one person.
type device struct {
	id       string
	user     *user
	started  bool
	epoch    string
	cursor   uint64
	from     uint64 // cursor at its first welcome, in this epoch
	spans    []span // when it was connected
	arrivals []arrival
	lastSeq  map[string]uint64 // by conversation
	revoked  int64             // 0 = never
}

// span is a stretch of time; end is never while it lasts.
type span struct{ begin, end int64 }

// arrival says when a device had an event.
type arrival struct {
	event uint64
	at    int64
}

func (c *checker) device(o *Op) *device {
	d := c.devices[o.Device]
	if d == nil {
		d = &device{id: o.Device, user: c.user(o.User), lastSeq: map[string]uint64{}}
		c.devices[o.Device] = d
		c.order = append(c.order, d)
		c.report.Devices++
	}
	return d
}

// connection follows a device through its connections.
func (c *checker) connection(o *Op) {
	d := c.device(o)
	switch o.Kind {
	case Revoke:
		d.revoked = o.At
	case Close:
		d.disconnect(o.At)
	case Resync:
		c.report.Resyncs++
		d.startAt(o)
	case Open:
		d.disconnect(o.At)
		d.startAt(o)
		d.spans = append(d.spans, span{o.At, never})
	case Resume:
		c.report.Reconnects++
		d.disconnect(o.At)
		d.spans = append(d.spans, span{o.At, never})
		switch {
		case !d.started:
			d.startAt(o)
		case o.Epoch != d.epoch:
			c.badDevice(Epoch, d, nil, "it was at %s-%d and was welcomed at %s-%d without being told to start anew", d.epoch, d.cursor, o.Epoch, o.Event)
			d.startAt(o)
		case o.Event > d.cursor:
			c.badDevice(Hole, d, nil, "it was at event %d and was welcomed at %d: what lies between is skipped", d.cursor, o.Event)
			d.cursor = o.Event
		}
	}
}

func (d *device) startAt(o *Op) {
	d.started, d.epoch, d.cursor, d.from = true, o.Epoch, o.Event, o.Event
	d.arrivals, d.lastSeq = nil, map[string]uint64{}
	d.user.epoch = o.Epoch
}

func (d *device) disconnect(at int64) {
	if n := len(d.spans); n > 0 && d.spans[n-1].end == never {
		d.spans[n-1].end = at
	}
}

// pushed judges one event on one device.
func (c *checker) pushed(o *Op) {
	d, e := c.device(o), o.Entry
	if e == nil {
		return
	}
	if d.revoked > 0 && o.At > d.revoked+int64(revokeBound) {
		c.badDevice(Revoked, d, e.Message, "event %d came %s after its session was ended", e.Event, time.Duration(o.At-d.revoked))
	}
	c.entry(d.user, e, o.At, "device "+o.Device)
	if !o.Shown {
		c.report.WireDuplicates++
		return
	}
	c.report.Pushed++
	switch {
	case e.Epoch != d.epoch:
		c.badDevice(Epoch, d, e.Message, "it was at %s-%d and was pushed %s-%d", d.epoch, d.cursor, e.Epoch, e.Event)
		d.epoch, d.cursor, d.from, d.arrivals = e.Epoch, e.Event, e.Event, nil
		d.user.epoch = e.Epoch
		return
	case e.Event <= d.cursor:
		c.badDevice(Duplicate, d, e.Message, "event %d was shown again", e.Event)
		return
	case e.Event > d.cursor+1:
		c.badDevice(Hole, d, e.Message, "event %d was shown after %d", e.Event, d.cursor)
	}
	d.cursor = e.Event
	d.arrivals = append(d.arrivals, arrival{e.Event, o.At})
	if m := e.Message; m != nil && c.ours(m.Conv) {
		if last := d.lastSeq[m.Conv]; last > 0 && m.Seq != last+1 {
			c.badDevice(Order, d, m, "seq %d was shown after %d", m.Seq, last)
		}
		d.lastSeq[m.Conv] = m.Seq
	}
}

// pos is a position in a user's log.
type pos struct {
	epoch string
	event uint64
}

// entry takes in one sight of an entry of a user's log.
func (c *checker) entry(u *user, e *Entry, at int64, where string) {
	p := pos{e.Epoch, e.Event}
	if old, ok := u.events[p]; ok {
		switch {
		case same(old, e):
		case old.Message != nil && e.Message != nil && old.Message.ID == e.Message.ID:
			c.observe(e.Message, at, u.id, where) // altered
		default:
			c.report.add(Violation{
				Kind: Epoch, User: u.id, Name: c.names[u.id], Seq: e.Event, IDs: idsOf(old, e),
				Detail: where + ": this event was something else before, under the same epoch " + e.Epoch,
			})
		}
		return
	}
	u.events[p], u.at[p] = e, at
	m := e.Message
	if m == nil {
		if e.User == u.id && c.ours(e.Conv) {
			u.mark(e.Conv).learn(at, e.Seq)
		}
		return
	}
	if v := c.convs[m.Conv]; v != nil && v.members != nil && !slices.Contains(v.members, u.id) {
		c.bad(Leak, u.id, m, "event %d brought a message of a conversation of others", e.Event)
	}
	c.observe(m, at, u.id, where)
	if old, ok := u.message[pos{e.Epoch, 0}.key(m.ID)]; ok && old != e.Event {
		c.bad(Duplicate, u.id, m, "message %s is in the log as event %d and as event %d", m.ID, old, e.Event)
	}
	u.message[pos{e.Epoch, 0}.key(m.ID)] = e.Event
}

// key tells one message in one epoch of a log.
func (p pos) key(id string) logged { return logged{p.epoch, id} }

type logged struct{ epoch, id string }

func same(a, b *Entry) bool {
	if a.Message != nil && b.Message != nil {
		return *a.Message == *b.Message
	}
	return a.Message == nil && b.Message == nil && a.Conv == b.Conv && a.User == b.User && a.Seq == b.Seq
}

func idsOf(entries ...*Entry) []string {
	var ids []string
	for _, e := range entries {
		if e.Message != nil {
			ids = append(ids, e.Message.ID)
		}
	}
	return ids
}

func (c *checker) badDevice(kind ViolationKind, d *device, m *Message, format string, args ...any) {
	c.bad(kind, d.user.id, m, format, args...)
	if n := len(c.report.Violations); n > 0 && n == c.report.ViolationCount {
		c.report.Violations[n-1].Device = d.id
	}
}

// timeline is a user's log with the time each event was in it at the latest.
type timeline struct {
	events []uint64
	at     []int64
}

// timeline collects what is known of u's log in its newest epoch. An event is
// in the log before the next one, so times are tightened from the end.
func (c *checker) timeline(u *user) timeline {
	var t timeline
	for p := range u.events {
		if p.epoch == u.epoch {
			t.events = append(t.events, p.event)
		}
	}
	slices.Sort(t.events)
	t.at = make([]int64, len(t.events))
	next := never
	for i := len(t.events) - 1; i >= 0; i-- {
		p := pos{u.epoch, t.events[i]}
		at := u.at[p]
		if m := u.events[p].Message; m != nil {
			if s := c.byID[m.ID]; s != nil {
				at = min(at, s.first)
			}
		}
		next = min(next, at)
		t.at[i] = next
	}
	return t
}

// checkDelivery wants everything on every device, and in time.
func (c *checker) checkDelivery() {
	for _, d := range c.order {
		if !d.started || d.revoked > 0 || d.epoch != d.user.epoch {
			continue
		}
		t := d.user.line(c)
		if n := len(t.events); d.user.hasLog && n > 0 && t.events[n-1] > d.cursor {
			e := d.user.events[pos{d.epoch, t.events[n-1]}]
			c.badDevice(Missed, d, e.Message, "events %d to %d never came", d.cursor+1, t.events[n-1])
		}
		c.checkLateness(d, t)
	}
}

// line is the user's timeline, made once.
func (u *user) line(c *checker) timeline {
	if u.lined == nil {
		t := c.timeline(u)
		u.lined = &t
	}
	return *u.lined
}

// checkLateness looks for events that a device missed for longer than it may
// while it was connected; a device is reported once.
func (c *checker) checkLateness(d *device, t timeline) {
	first, a := 0, 0
	for i, event := range t.events {
		if event <= d.from {
			continue
		}
		for a < len(d.arrivals) && d.arrivals[a].event < event {
			a++
		}
		came := c.ended
		if a < len(d.arrivals) && d.arrivals[a].event == event {
			came = d.arrivals[a].at
		}
		for first < len(d.spans) && d.spans[first].end <= t.at[i] {
			first++
		}
		for _, s := range d.spans[first:] {
			if s.begin >= came {
				break
			}
			begin, end := max(s.begin, t.at[i]), min(s.end, came)
			if end-begin > int64(staleSteady) && end > c.allowed(begin, end) {
				c.badDevice(Stale, d, d.user.events[pos{d.epoch, event}].Message, "event %d was missing for %s while the device was connected",
					event, time.Duration(end-begin).Round(time.Millisecond))
				return
			}
		}
	}
}

// allowed is when an event that is missing since begin must be there.
func (c *checker) allowed(begin, end int64) int64 {
	limit := begin + int64(staleSteady)
	for _, w := range c.windows {
		healed := w.healed
		if healed < 0 {
			healed = c.ended
		}
		if w.begin <= end && healed+int64(staleHealed) >= begin {
			limit = max(limit, healed+int64(staleHealed))
		}
	}
	return limit
}
