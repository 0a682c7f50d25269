package check

import (
	"fmt"
	"slices"
	"strings"
)

// send is one post with all its retries.
type send struct {
	op      *Op
	attempt *attempt
	end     int64 // 0 = still open
	outcome Kind
	message *Message
}

// attempt is everything that was posted under one key.
type attempt struct {
	key     key
	sends   []*send
	invoked int64 // first
	message *Message
	acked   bool
	ok      int64 // first
}

// seen is a message, as it was first seen.
type seen struct {
	Message
	first int64
}

func (c *checker) invoked(o *Op) {
	k := key{o.User, o.Client}
	a := c.attempts[k]
	if a == nil {
		a = &attempt{key: k, invoked: o.At}
		c.attempts[k] = a
		c.keys = append(c.keys, k)
	}
	s := &send{op: o, attempt: a}
	a.sends = append(a.sends, s)
	c.sends[o.N] = s
}

func (c *checker) answered(o *Op) {
	s := c.sends[o.N]
	if s == nil || s.end != 0 {
		return
	}
	s.end, s.outcome, s.message = o.At, o.Kind, o.Message
	if o.Kind == Fail && s.op.Name != Conflicting {
		c.bad(Refusal, s.op.User, &Message{Conv: s.op.Conv, Client: s.op.Client}, "a valid post was refused for good with status %d", o.Status)
	}
	replay := s.attempt.acked && s.op.At > s.attempt.ok // says nothing new about the order
	if v := c.convs[s.op.Conv]; v != nil && o.Kind != Fail && !replay {
		v.talks = append(v.talks, call{send: s, begin: s.op.At, end: s.end})
	}
	if o.Kind != OK || o.Message == nil {
		return
	}
	m, a := o.Message, s.attempt
	if m.Sender != s.op.User || m.Client != s.op.Client || (s.op.Conv != "" && m.Conv != s.op.Conv) {
		c.bad(Altered, s.op.User, m, "a post under key %s into %s was answered with a message of %s, key %s, in %s",
			s.op.Client, s.op.Conv, c.name(m.Sender), m.Client, m.Conv)
		return
	}
	if m.Hash != s.op.Hash || s.op.Name == Conflicting {
		kind, what := Altered, "the text was changed on the way"
		if a.acked || s.op.Name == Conflicting {
			kind, what = Conflict, "a retry with another text was accepted instead of refused"
		}
		c.bad(kind, s.op.User, m, "the answer to a post has text %s, posted was %s: %s", m.Hash, s.op.Hash, what)
		return
	}
	if a.acked && a.message.ID != m.ID {
		c.bad(Duplicate, s.op.User, m, "two posts under key %s were answered with two messages, %s and %s", m.Client, a.message.ID, m.ID)
	}
	if !a.acked {
		a.acked, a.ok, a.message = true, o.At, m
	}
	c.user(s.op.User).mark(m.Conv).learn(o.At, m.Seq) // one's own posts are read
	c.observe(m, o.At, s.op.User, "the answer to a post")
}

// observe takes in one sight of a message, wherever it was.
func (c *checker) observe(m *Message, at int64, who, where string) {
	a := c.attempts[key{m.Sender, m.Client}]
	v := c.convs[m.Conv]
	if !c.ours(m.Conv) && a == nil || v != nil && m.Seq <= v.base && a == nil {
		return // other people's, or older than the run
	}
	old := c.byID[m.ID]
	if old != nil {
		if old.Message != *m {
			c.bad(Altered, who, m, "%s shows %s, seen before as %s", where, describe(m), describe(&old.Message))
		}
		return
	}
	c.byID[m.ID] = &seen{*m, at}
	c.judgeNew(m, a, who, where)
	p := place{m.Conv, m.Seq}
	if other, ok := c.byPlace[p]; ok && other != m.ID {
		c.bad(Order, who, m, "seq %d holds two messages, %s and %s", m.Seq, other, m.ID)
	} else {
		c.byPlace[p] = m.ID
	}
	c.conv(m.Conv).known.learn(at, m.Seq)
}

// judgeNew compares a message that was never seen before with what was posted.
func (c *checker) judgeNew(m *Message, a *attempt, who, where string) {
	if a == nil {
		c.bad(Phantom, who, m, "%s shows %s, which nobody posted", where, describe(m))
		return
	}
	sent := slices.ContainsFunc(a.sends, func(s *send) bool { return s.op.Hash == m.Hash })
	first := a.sends[0].op
	if !sent {
		c.bad(Altered, who, m, "%s shows text %s under key %s, posted was %s", where, m.Hash, m.Client, first.Hash)
	}
	if first.Conv != "" && first.Conv != m.Conv {
		c.bad(Altered, who, m, "%s shows in %s what was posted into %s", where, m.Conv, first.Conv)
	}
	if a.message != nil && a.message.ID != m.ID {
		c.bad(Duplicate, who, m, "%s shows %s a second time, first as %s", where, describe(m), a.message.ID)
	}
	if a.message == nil {
		a.message = m
	}
}

func describe(m *Message) string {
	return fmt.Sprintf("message %s (seq %d in %s from %s, key %s, text %s)", m.ID, m.Seq, m.Conv, m.Sender, m.Client, m.Hash)
}

// settle counts the outcomes once everything was taken in.
func (c *checker) settle() {
	r := c.report
	for _, k := range c.keys {
		a := c.attempts[k]
		r.Attempted++
		failed := true
		for _, s := range a.sends {
			failed = failed && s.outcome == Fail
			if s.end == 0 {
				if v := c.convs[s.op.Conv]; v != nil {
					v.talks = append(v.talks, call{send: s, begin: s.op.At, end: never})
				}
			}
		}
		switch {
		case a.acked:
			r.Acked++
		case failed:
			r.Refused++
			if a.message != nil {
				c.bad(Conflict, k.sender, a.message, "message %s is there although its post was refused for good", a.message.ID)
			}
		case a.message != nil:
			r.Recovered++
		default:
			r.Unknown++
		}
	}
	r.Unknown += r.Recovered // never answered, whatever became of them
}

// checkHistories judges the final reading of every conversation by each of its
// members: dense, nothing acknowledged missing, everybody sees the same.
func (c *checker) checkHistories() {
	acked := map[string][]*Message{}
	for _, k := range c.keys {
		if a := c.attempts[k]; a.acked {
			acked[a.message.Conv] = append(acked[a.message.Conv], a.message)
		}
	}
	for _, id := range sortedKeys(c.convs) {
		v := c.convs[id]
		for _, who := range sortedKeys(v.readers) {
			c.checkHistory(v, who, v.readers[who], acked[id])
		}
		c.count(v)
	}
}

func (c *checker) checkHistory(v *conv, who string, items []Message, acked []*Message) {
	slices.SortFunc(items, func(a, b Message) int { return compare(a.Seq, b.Seq) })
	there := make(map[string]int, len(items))
	next := v.base + 1
	var first, last uint64
	for i := range items {
		m := &items[i]
		if m.Seq <= v.base {
			continue
		}
		if n := there[m.ID]; n > 0 {
			c.bad(Duplicate, who, m, "the history holds message %s more than once", m.ID)
		}
		there[m.ID]++
		if first == 0 {
			first = m.Seq
		}
		switch {
		case m.Seq > next:
			c.bad(Hole, who, m, "the history goes from seq %d to %d", next-1, m.Seq)
		case m.Seq < next:
			c.bad(Order, who, m, "the history holds seq %d twice", m.Seq)
		}
		last, next = m.Seq, m.Seq+1
	}
	v.length = max(v.length, last)
	for _, m := range acked {
		if there[m.ID] > 0 {
			continue
		}
		where := "middle"
		switch {
		case last == 0 || m.Seq > last:
			where = "postfix"
		case m.Seq < first:
			where = "prefix"
		}
		c.bad(Lost, who, m, "message %s was accepted as seq %d and is not in the history (%s)", m.ID, m.Seq, where)
	}
}

// count prepares counting unread messages: where each sender's are.
func (c *checker) count(v *conv) {
	longest := []Message(nil)
	for _, who := range sortedKeys(v.readers) {
		if items := v.readers[who]; len(items) > len(longest) {
			longest = items
		}
	}
	for _, m := range longest {
		v.senders[m.Sender] = append(v.senders[m.Sender], m.Seq)
	}
}

func (c *checker) name(user string) string {
	if n := c.names[user]; n != "" {
		return n
	}
	return user
}

// bad notes a violation that concerns message m (nil: none).
func (c *checker) bad(kind ViolationKind, who string, m *Message, format string, args ...any) {
	v := Violation{Kind: kind, User: who, Name: c.names[who], Detail: fmt.Sprintf(format, args...)}
	if m != nil {
		v.Conversation, v.Seq = m.Conv, m.Seq
		if m.ID != "" {
			v.IDs = append(v.IDs, m.ID)
		}
		if m.Client != "" && !strings.Contains(v.Detail, m.Client) {
			v.IDs = append(v.IDs, m.Client)
		}
	}
	c.report.add(v)
}
