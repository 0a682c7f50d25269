package check

import "slices"

// listing is one row of one reading of the conversation list.
type listing struct {
	op  *Op
	row *Row
}

func (u *user) mark(conv string) *facts {
	f := u.marks[conv]
	if f == nil {
		f = &facts{}
		u.marks[conv] = f
	}
	return f
}

// pageRead judges one page of a history: dense, ending where it was asked to,
// not behind what was known when it was asked for.
func (c *checker) pageRead(o *Op) {
	c.report.Reads++
	v := c.conv(o.Conv)
	wrong := func(m *Message, format string, args ...any) {
		if m == nil {
			m = &Message{Conv: o.Conv}
		}
		c.bad(PageWrong, o.User, m, format, args...)
	}
	for i := range o.Items {
		m := &o.Items[i]
		if m.Conv != o.Conv {
			wrong(m, "the page shows a message of conversation %s", m.Conv)
		}
		if i > 0 && m.Seq != o.Items[i-1].Seq+1 {
			wrong(m, "on a page before %d seq %d follows %d", o.Seq, m.Seq, o.Items[i-1].Seq)
		}
		c.observe(m, o.At, o.User, "a page")
	}
	n := len(o.Items)
	var first, last uint64 = 1, 0
	if n > 0 {
		first, last = o.Items[0].Seq, o.Items[n-1].Seq
	}
	switch {
	case o.Limit > 0 && n > o.Limit:
		wrong(nil, "a page of at most %d holds %d messages", o.Limit, n)
	case o.Seq > 0 && last != o.Seq-1:
		wrong(nil, "the page before %d ends with %d", o.Seq, last)
	case o.Seq == 0 && last < v.known.before(o.Begin):
		wrong(nil, "the latest page ends with %d although %d was known before it was asked for", last, v.known.before(o.Begin))
	case o.HasOlder != (first > 1):
		wrong(nil, "the page begins with %d and says has_older=%t", first, o.HasOlder)
	}
	if o.Seq == 0 {
		v.talks = append(v.talks, call{read: o, begin: o.Begin, end: o.At})
	}
	if o.Final {
		v.readers[o.User] = append(v.readers[o.User], o.Items...)
	}
}

// gotByID: what was accepted or pushed can be read from then on.
func (c *checker) gotByID(o *Op) {
	c.report.Reads++
	old := c.byID[o.Client]
	switch {
	case o.Status == 404 && old != nil && old.first < o.Begin:
		c.bad(Early, o.User, &old.Message, "message %s was known, and GET answered 404", o.Client)
	case o.Message != nil && o.Message.ID != o.Client:
		c.bad(Altered, o.User, o.Message, "GET of message %s answered %s", o.Client, describe(o.Message))
	case o.Message != nil:
		c.observe(o.Message, o.At, o.User, "GET")
	}
}

// marked judges the answer to a read mark.
func (c *checker) marked(o *Op) {
	if len(o.Rows) == 0 {
		return
	}
	if got := o.Rows[0].ReadSeq; got < o.Seq {
		c.bad(ReadMark, o.User, &Message{Conv: o.Conv, Seq: o.Seq}, "the mark was moved to %d and the answer says %d", o.Seq, got)
	}
	c.seeMark(o, o.Conv, o.Rows[0].ReadSeq)
}

// seeMark: a mark never moves back.
func (c *checker) seeMark(o *Op, conv string, value uint64) {
	f := c.user(o.User).mark(conv)
	if known := f.before(o.Begin); value < known {
		c.bad(ReadMark, o.User, &Message{Conv: conv, Seq: value}, "the read mark is %d and was %d before", value, known)
	}
	f.learn(o.At, value)
}

// listed judges what can be judged at once; the rest waits for the histories.
func (c *checker) listed(o *Op) {
	c.report.Reads++
	u := c.user(o.User)
	for i := range o.Rows {
		r := &o.Rows[i]
		if !c.ours(r.Conv) {
			continue
		}
		u.rows = append(u.rows, listing{o, r})
		c.seeMark(o, r.Conv, r.ReadSeq)
		at := &Message{Conv: r.Conv, Seq: r.LastSeq}
		if known := c.convs[r.Conv].known.before(o.Begin); r.LastSeq < known {
			c.bad(ListWrong, o.User, at, "the list says last_seq %d although %d was known before", r.LastSeq, known)
		}
		if r.Last != nil {
			if r.Last.Seq != r.LastSeq || r.Last.Conv != r.Conv {
				c.bad(ListWrong, o.User, r.Last, "the list says last_seq %d and shows message %d of %s", r.LastSeq, r.Last.Seq, r.Last.Conv)
			}
			c.observe(r.Last, o.At, o.User, "the conversation list")
		}
	}
	if o.Final {
		u.final = o
	}
}

// logRead judges a reading of the event log.
func (c *checker) logRead(o *Op) {
	c.report.Reads++
	u, last := c.user(o.User), o.Event
	type mark struct{ conv, user string }
	marks, seqs := map[mark]uint64{}, map[string]uint64{}
	for i := range o.Entries {
		e := &o.Entries[i]
		if e.Event != last+1 {
			c.bad(Hole, o.User, e.Message, "the event log goes from %d to %d", last, e.Event)
		}
		last = e.Event
		c.entry(u, e, o.At, "the event log")
		if m := e.Message; m != nil && c.ours(m.Conv) {
			if before := seqs[m.Conv]; before > 0 && m.Seq <= before {
				c.bad(Order, o.User, m, "in the event log seq %d follows %d", m.Seq, before)
			}
			seqs[m.Conv] = m.Seq
		}
		if e.User != "" {
			k := mark{e.Conv, e.User}
			if e.Seq <= marks[k] {
				c.bad(ReadMark, o.User, &Message{Conv: e.Conv, Seq: e.Seq}, "in the event log the mark of %s moves from %d to %d", c.name(e.User), marks[k], e.Seq)
			}
			marks[k] = e.Seq
		}
	}
	if !o.Final {
		return
	}
	u.log, u.hasLog, u.readTo = o.Entries, true, map[string]uint64{}
	for k, seq := range marks {
		if k.user == o.User {
			u.readTo[k.conv] = seq
		}
	}
}

// checkReads compares lists and logs with the histories.
func (c *checker) checkReads() {
	for _, id := range sortedKeys(c.users) {
		u := c.users[id]
		for _, l := range u.rows {
			c.checkUnread(u, l.row)
		}
		if u.final != nil {
			c.checkFinalList(u)
		}
		if u.hasLog {
			c.checkLog(u)
			c.checkMarks(u)
		}
	}
}

// checkUnread counts the messages of others between the mark and the end.
func (c *checker) checkUnread(u *user, r *Row) {
	v := c.convs[r.Conv]
	if len(v.readers) == 0 || r.LastSeq > v.length || v.base > 0 && r.ReadSeq < v.base {
		return // no history to count in
	}
	var want uint64
	for sender, seqs := range v.senders {
		if sender != u.id {
			want += uint64(upTo(seqs, r.LastSeq) - upTo(seqs, r.ReadSeq))
		}
	}
	if r.Unread != want {
		c.bad(Unread, u.id, &Message{Conv: r.Conv, Seq: r.LastSeq}, "%d unread of %d messages, read up to %d: should be %d", r.Unread, r.LastSeq, r.ReadSeq, want)
	}
}

// upTo is how many of the sorted seqs are at most seq.
func upTo(seqs []uint64, seq uint64) int {
	n, _ := slices.BinarySearch(seqs, seq+1)
	return n
}

// checkFinalList: every conversation, its end and its mark, newest first.
func (c *checker) checkFinalList(u *user) {
	listed := map[string]bool{}
	var above uint64
	var aboveConv string
	for i := range u.final.Rows {
		r := &u.final.Rows[i]
		v := c.convs[r.Conv]
		if v == nil || v.members == nil {
			continue
		}
		listed[r.Conv] = true
		at := &Message{Conv: r.Conv, Seq: r.LastSeq}
		if len(v.readers) > 0 && r.LastSeq != max(v.length, v.base) {
			c.bad(ListWrong, u.id, at, "at the end the list says last_seq %d, the history ends with %d", r.LastSeq, v.length)
		}
		if want := c.finalMark(u, v); v.base == 0 && u.hasLog && r.ReadSeq != want {
			c.bad(ReadMark, u.id, at, "at the end the list says read up to %d, log and history say %d", r.ReadSeq, want)
		}
		if r.Last == nil {
			continue
		}
		if event := u.message[logged{u.epoch, r.Last.ID}]; event > 0 {
			if above > 0 && event > above {
				c.bad(ListWrong, u.id, at, "it is listed below %s although its last message is newer", aboveConv)
			}
			above, aboveConv = event, r.Conv
		}
	}
	for _, id := range sortedKeys(c.convs) {
		if v := c.convs[id]; slices.Contains(v.members, u.id) && v.length > 0 && !listed[id] {
			c.bad(ListWrong, u.id, &Message{Conv: id, Seq: v.length}, "the list does not show this conversation")
		}
	}
}

// checkMarks: every mark that was seen is one that the log tells the person's
// other devices of, or one's own post.
func (c *checker) checkMarks(u *user) {
	told := map[place]bool{}
	for i := range u.log {
		if e := &u.log[i]; e.User == u.id {
			told[place{e.Conv, e.Seq}] = true
		}
	}
	for _, id := range sortedKeys(u.marks) {
		v := c.convs[id]
		if v == nil || v.base > 0 || v.readers[u.id] == nil {
			continue
		}
		for _, f := range *u.marks[id] {
			_, own := slices.BinarySearch(v.senders[u.id], f.value)
			if f.value > 0 && !own && !told[place{id, f.value}] {
				c.bad(ReadMark, u.id, &Message{Conv: id, Seq: f.value}, "the read mark was %d, of which the event log does not tell", f.value)
			}
		}
	}
}

// finalMark is where the read mark must be, by the log and one's own posts.
func (c *checker) finalMark(u *user, v *conv) uint64 {
	want := u.readTo[v.id]
	if own := v.senders[u.id]; len(own) > 0 {
		want = max(want, own[len(own)-1])
	}
	return want
}

// checkLog: one entry for each message that is in the histories, and no other.
func (c *checker) checkLog(u *user) {
	logged := map[string]bool{}
	for i := range u.log {
		if m := u.log[i].Message; m != nil {
			logged[m.ID] = true
		}
	}
	read, there := map[string]bool{}, map[string]bool{}
	for _, id := range sortedKeys(c.convs) {
		v := c.convs[id]
		items, ok := v.readers[u.id]
		read[id] = ok
		for i := range items {
			m := &items[i]
			there[m.ID] = true
			if m.Seq > v.base && !logged[m.ID] {
				c.bad(LogGap, u.id, m, "message %s is in the history and not in the event log", m.ID)
			}
		}
	}
	for i := range u.log {
		if m := u.log[i].Message; m != nil && read[m.Conv] && !there[m.ID] {
			c.bad(LogGap, u.id, m, "message %s is in the event log and not in the history", m.ID)
		}
	}
}
