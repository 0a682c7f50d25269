package check

import (
	"slices"
	"time"
)

// window is one injected fault.
type window struct {
	kind      string
	n         uint64
	begin     int64
	healed    int64 // -1 = never
	recovered int64
}

// values collects what the faults of one kind cost.
type values struct {
	count                       int
	stall, gap, resume, recover []int64
}

// measure fills the report's durations.
func (c *checker) measure() {
	c.report.Duration = time.Duration(c.ended)
	posts := c.posts()
	all := make([]int64, 0, len(posts))
	for _, p := range posts {
		all = append(all, p.end-p.begin)
	}
	c.report.Send = quantiles(all)
	c.report.Deliver = quantiles(c.deliveries())
	if len(c.windows) == 0 {
		return
	}
	resumes := c.resumes()
	for _, w := range c.windows {
		c.recovery(w, posts, resumes)
	}
	byKind := map[string]*values{}
	for _, w := range c.windows {
		v := byKind[w.kind]
		if v == nil {
			v = &values{}
			byKind[w.kind] = v
		}
		c.cost(w, v, posts, resumes)
	}
	for _, kind := range sortedKeys(byKind) {
		v := byKind[kind]
		c.report.Faults = append(c.report.Faults, FaultStat{
			Kind: kind, Count: v.count, SendStall: quantiles(v.stall), PushGap: quantiles(v.gap),
			Resume: quantiles(v.resume), Recovery: quantiles(v.recover),
		})
	}
}

// posts are the answered posts, from first attempt to answer, by begin.
func (c *checker) posts() []span {
	var all []span
	for _, s := range c.sends {
		if s.outcome == OK {
			all = append(all, span{s.op.At, s.end})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return compare(a.begin, b.begin) })
	return all
}

// deliveries are the times from a post's first attempt to its arrival on
// another person's device that was connected all the while.
func (c *checker) deliveries() []int64 {
	var all []int64
	for _, d := range c.order {
		s := 0
		for _, a := range d.arrivals {
			e := d.user.events[pos{d.epoch, a.event}]
			if e == nil || e.Message == nil || e.Message.Sender == d.user.id {
				continue
			}
			t := c.attempts[key{e.Message.Sender, e.Message.Client}]
			if t == nil {
				continue
			}
			for s < len(d.spans) && d.spans[s].end < a.at {
				s++
			}
			if s < len(d.spans) && d.spans[s].begin <= t.invoked {
				all = append(all, a.at-t.invoked)
			}
		}
	}
	return all
}

// resumed is one connection that broke and came back.
type resumed struct {
	broke, back int64
	whole       int64 // when the last event was in that had been missed
}

// resumes finds every broken connection and when its device was whole again.
func (c *checker) resumes() []resumed {
	var all []resumed
	for _, d := range c.order {
		t := d.user.line(c)
		for i := 1; i < len(d.spans); i++ {
			r := resumed{broke: d.spans[i-1].end, back: d.spans[i].begin}
			r.whole = max(r.back, d.whole(t, r.back))
			all = append(all, r)
		}
	}
	return all
}

// whole is when d had every event that was in the log at a time; 0 = it had
// them all by then.
func (d *device) whole(t timeline, at int64) int64 {
	n, _ := slices.BinarySearch(t.at, at+1)
	if n == 0 {
		return 0
	}
	i, found := slices.BinarySearchFunc(d.arrivals, t.events[n-1], func(a arrival, e uint64) int { return compare(a.event, e) })
	if !found {
		return 0
	}
	return d.arrivals[i].at
}

// recovery finds when all was well again after w's cause was gone: a post was
// begun and answered, and every device that was there at the end of it was
// connected and had everything.
func (c *checker) recovery(w *window, posts []span, resumes []resumed) {
	w.recovered = w.healed
	if w.healed < 0 {
		w.recovered = c.ended
		return
	}
	i, _ := slices.BinarySearchFunc(posts, w.healed, func(s span, t int64) int { return compare(s.begin, t) })
	firstOK := never
	for _, p := range posts[i:] {
		if p.begin > firstOK {
			break
		}
		firstOK = min(firstOK, p.end)
	}
	if firstOK != never {
		w.recovered = max(w.recovered, firstOK)
	}
	for _, d := range c.order {
		if d.started && d.revoked == 0 && d.epoch == d.user.epoch {
			w.recovered = max(w.recovered, d.whole(d.user.line(c), w.healed))
		}
	}
	for _, r := range resumes {
		if r.broke <= w.healed && r.back > w.healed {
			w.recovered = max(w.recovered, r.whole)
		}
	}
}

// cost adds what w cost to the values of its kind.
func (c *checker) cost(w *window, v *values, posts []span, resumes []resumed) {
	v.count++
	var stall int64
	for _, p := range posts {
		if p.begin > w.recovered {
			break
		}
		if p.end >= w.begin {
			stall = max(stall, p.end-p.begin)
		}
	}
	v.stall = append(v.stall, stall)
	v.gap = append(v.gap, c.gap(w))
	for _, r := range resumes {
		if r.broke >= w.begin && r.broke <= w.recovered {
			v.resume = append(v.resume, r.whole-r.broke)
		}
	}
	if w.healed >= 0 {
		v.recover = append(v.recover, w.recovered-w.healed)
	}
}

// gap is the longest time from an event's being in the log to its arrival on a
// device that was connected all the while, of the events of w's time.
func (c *checker) gap(w *window) int64 {
	var longest int64
	for _, d := range c.order {
		if !d.started || d.epoch != d.user.epoch {
			continue
		}
		t := d.user.line(c)
		i, _ := slices.BinarySearch(t.at, w.begin)
		a, s := 0, 0
		for ; i < len(t.at) && t.at[i] <= w.recovered; i++ {
			for a < len(d.arrivals) && d.arrivals[a].event < t.events[i] {
				a++
			}
			for s < len(d.spans) && d.spans[s].end <= t.at[i] {
				s++
			}
			if a == len(d.arrivals) || s == len(d.spans) {
				break
			}
			if at := d.arrivals[a].at; d.arrivals[a].event == t.events[i] && d.spans[s].begin <= t.at[i] && d.spans[s].end >= at {
				longest = max(longest, at-t.at[i])
			}
		}
	}
	return longest
}
