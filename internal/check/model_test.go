package check

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
)

// model is a small correct ChatApp with its clients, in virtual time: posts
// that are retried, devices that lose their connection and resume, reads. Every
// choice comes from the seed. One bug can be switched on; hit says where.
type model struct {
	bug   string
	fired int
	rng   *rand.Rand
	now   int64
	queue timers
	order int

	ops    []Op
	people []string
	devs   []*modelDevice
	talks  []*modelTalk
	keys   map[key]*Message
	logs   map[string][]Entry
	marks  map[string]map[string]uint64
	epoch  string
	n      uint64
	taken  []sentOnce
	lent   map[string]bool // client ids that two people use
}

type sentOnce struct {
	user, client, hash string
	talk               *modelTalk
}

type modelTalk struct {
	id      string
	members []string
	log     []Message
}

type modelDevice struct {
	name, user string
	up, steady bool
	generation int
	cursor     uint64 // of the client
	sent       uint64 // by the server, on this connection
	free       int64  // when the wire is free again
}

const ms = int64(1e6)

// timers is a heap of what happens when.
type timers []timer

type timer struct {
	at    int64
	order int
	do    func()
}

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	return t[i].at < t[j].at || t[i].at == t[j].at && t[i].order < t[j].order
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	old := *t
	x := old[len(old)-1]
	*t = old[:len(old)-1]
	return x
}

func (m *model) at(t int64, do func()) {
	m.order++
	heap.Push(&m.queue, timer{max(t, m.now), m.order, do})
}

// soon happens after 1 to 4 ms.
func (m *model) soon(do func()) { m.at(m.now+ms+m.rng.Int64N(3*ms), do) }

func (m *model) drain() {
	for m.queue.Len() > 0 {
		x := heap.Pop(&m.queue).(timer)
		m.now = x.at
		x.do()
	}
}

// hit reports whether the bug strikes now: once in odds.
func (m *model) hit(bug string, odds int) bool {
	if m.bug != bug || m.rng.IntN(odds) != 0 {
		return false
	}
	m.fired++
	return true
}

func (m *model) op(o Op) {
	m.now++ // no two operations at the same time
	o.At = m.now
	m.ops = append(m.ops, o)
}

// simulate runs a world to its end and returns its history.
func simulate(seed uint64, bug string, actions int) *model {
	m := &model{
		bug: bug, rng: rand.New(rand.NewPCG(seed, 24)), keys: map[key]*Message{}, logs: map[string][]Entry{},
		marks: map[string]map[string]uint64{}, lent: map[string]bool{}, epoch: "e1",
	}
	for _, p := range []string{"ada", "ben", "cleo"} {
		m.people = append(m.people, p)
		m.marks[p] = map[string]uint64{}
		m.op(Op{Kind: Person, User: p, Name: p})
		for i := range 2 {
			m.devs = append(m.devs, &modelDevice{name: fmt.Sprintf("%s/%d", p, i+1), user: p})
		}
	}
	m.devs[0].steady = true
	for _, members := range [][]string{{"ada", "ben"}, {"ben", "cleo"}, {"ada", "cleo"}, {"ada"}} {
		t := &modelTalk{id: fmt.Sprintf("c%d", len(m.talks)+1), members: members}
		m.talks = append(m.talks, t)
		m.op(Op{Kind: Talk, Conv: t.id, Users: members})
	}
	for _, d := range m.devs {
		m.connect(d)
	}
	for i := range actions {
		m.at(int64(i)*5*ms+m.rng.Int64N(5*ms), m.act)
	}
	m.at(int64(actions)*2*ms, func() {
		if m.hit("revoked-session", 1) {
			m.op(Op{Kind: Revoke, User: m.devs[0].user, Device: m.devs[0].name})
			m.at(m.now+10_000*ms, func() { m.post("ada", m.talks[0], m.key(), "late", "") })
		}
		if m.hit("restored-same-epoch", 1) {
			m.restore()
		}
	})
	m.drain()
	m.finish()
	return m
}

func (m *model) key() string { m.n++; return fmt.Sprintf("k%d", m.n) }

// act is one random thing that somebody does.
func (m *model) act() {
	t := m.talks[m.rng.IntN(len(m.talks))]
	who := t.members[m.rng.IntN(len(t.members))]
	switch n := m.rng.IntN(20); {
	case n < 9:
		m.post(who, t, m.key(), fmt.Sprintf("h%d", m.n), "")
	case n < 11 && len(m.taken) > 0:
		m.postAgain(who, t)
	case n < 13:
		m.page(who, t, 0, 15, false)
	case n < 15:
		m.mark(who, t)
	case n < 16:
		m.list(who, false)
	case n < 18:
		d := m.devs[m.rng.IntN(len(m.devs))]
		if d.up && !d.steady {
			d.up, d.generation = false, d.generation+1
			m.op(Op{Kind: Close, User: d.user, Device: d.name})
			m.at(m.now+20*ms+m.rng.Int64N(50*ms), func() { m.connect(d) })
		}
	default:
		m.post(who, t, m.key(), fmt.Sprintf("h%d", m.n), "")
		m.post(who, t, m.key(), fmt.Sprintf("h%d", m.n), "")
	}
}

// postAgain uses a key that was accepted before: for the same text, for
// another one, or as somebody else.
func (m *model) postAgain(who string, t *modelTalk) {
	s := &m.taken[m.rng.IntN(len(m.taken))]
	switch n := m.rng.IntN(3); {
	case n == 0:
		m.post(s.user, s.talk, s.client, s.hash, "")
	case n == 1:
		m.post(s.user, s.talk, s.client, s.hash+"x", Conflicting)
	case s.user != who && !m.lent[s.client]:
		m.lent[s.client] = true
		m.post(who, t, s.client, fmt.Sprintf("b%d", len(m.ops)), "")
	}
}

// post is a post with its retries.
func (m *model) post(who string, t *modelTalk, client, hash, name string) {
	m.n++
	n := m.n
	m.op(Op{Kind: Send, N: n, Name: name, User: who, Conv: t.id, Client: client, Hash: hash})
	var try func(left int)
	try = func(left int) {
		m.soon(func() {
			msg, status := m.commit(who, t, client, hash)
			if left > 0 && m.rng.IntN(6) == 0 { // the answer is lost
				if m.hit("retry-under-new-key", 2) {
					client = m.key()
				}
				m.at(m.now+20*ms, func() { try(left - 1) })
				return
			}
			m.soon(func() {
				if status >= 400 {
					m.op(Op{Kind: Fail, N: n, Status: status})
					return
				}
				answer := *msg
				m.op(Op{Kind: OK, N: n, Status: status, Message: &answer})
				if name == "" && !m.lent[client] {
					m.taken = append(m.taken, sentOnce{user: who, client: client, hash: hash, talk: t})
				}
			})
		})
	}
	try(3)
}

// commit is the write path.
func (m *model) commit(who string, t *modelTalk, client, hash string) (*Message, int) {
	k := key{who, client}
	if m.bug == "key-not-per-sender" {
		k.sender = ""
	}
	if old := m.keys[k]; old != nil && !m.hit("no-dedupe", 2) {
		return m.replay(old, hash)
	}
	if m.hit("valid-refused", 20) {
		return nil, 422
	}
	msg := &Message{ID: fmt.Sprintf("m%d-%d", m.now, len(m.ops)), Conv: t.id, Seq: uint64(len(t.log)) + 1, Sender: who, Client: client, Hash: hash}
	m.spoil(msg, t)
	if m.hit("ack-before-commit", 10) {
		return msg, 201 // and the process died
	}
	if n := len(t.log); n > 0 && m.hit("swapped-seq", 8) {
		msg.Seq, t.log[n-1].Seq = t.log[n-1].Seq, msg.Seq
	}
	m.keys[k] = msg
	t.log = append(t.log, *msg)
	m.emit(t, msg)
	if m.hit("refused-but-written", 20) {
		return nil, 422
	}
	return msg, 201
}

// replay answers a post whose key is known.
func (m *model) replay(old *Message, hash string) (*Message, int) {
	switch {
	case old.Hash == hash && m.hit("replay-with-other-seq", 1):
		other := *old
		other.Seq++
		return &other, 200
	case old.Hash == hash || m.hit("key-not-per-sender", 1):
		return old, 200
	case m.hit("conflict-accepted", 1):
		return old, 201
	case m.hit("conflict-overwrites", 1):
		for i := range m.talks {
			for j := range m.talks[i].log {
				if x := &m.talks[i].log[j]; x.ID == old.ID {
					x.Hash = hash
				}
			}
		}
		return nil, 409
	}
	return nil, 409
}

// spoil is what a broken write path does to a message.
func (m *model) spoil(msg *Message, t *modelTalk) {
	n := len(t.log)
	switch {
	case m.hit("body-truncated", 10):
		msg.Hash = "h"
	case n > 0 && m.hit("body-of-another", 10):
		msg.Hash = t.log[n-1].Hash
	case m.hit("wrong-sender", 10):
		msg.Sender = "dora"
	case m.hit("wrong-conversation", 10):
		msg.Conv = m.talks[m.rng.IntN(len(m.talks))].id + "x"
	case n > 0 && m.hit("max-plus-one-race", 10):
		msg.Seq = t.log[n-1].Seq
	case m.hit("seq-burned", 30) || n > 0 && t.log[n-1].Seq > uint64(n):
		msg.Seq = uint64(n) + 2
	}
}

// emit writes the members' logs.
func (m *model) emit(t *modelTalk, msg *Message) {
	if len(t.log) > 1 && m.hit("log-in-other-order", 10) {
		earlier := t.log[len(t.log)-2]
		msg, earlier = &earlier, *msg
		m.at(m.now+ms, func() { m.logAll(t, Entry{Message: &earlier}) })
	}
	if m.hit("outbox-outside-transaction", 10) {
		return
	}
	copied := *msg
	m.logAll(t, Entry{Message: &copied})
	if m.hit("logged-twice", 10) {
		m.logAll(t, Entry{Message: &copied})
	}
	if m.hit("leak-to-stranger", 10) && len(t.members) == 2 {
		for _, p := range m.people {
			if !slices.Contains(t.members, p) {
				m.log(p, Entry{Message: &copied})
			}
		}
	}
}

func (m *model) logAll(t *modelTalk, e Entry) {
	for _, u := range t.members {
		m.log(u, e)
	}
}

func (m *model) log(user string, e Entry) {
	e.Epoch, e.Event = m.epoch, uint64(len(m.logs[user]))+1
	if log := m.logs[user]; len(log) > 0 {
		e.Event = log[len(log)-1].Event + 1
	}
	if m.hit("log-hole", 30) {
		e.Event++
	}
	m.logs[user] = append(m.logs[user], e)
	for _, d := range m.devs {
		if d.user == user && d.up {
			m.send(d)
		}
	}
}

// send puts on d's wire what is not on it yet, in order.
func (m *model) send(d *modelDevice) {
	for _, e := range m.logs[d.user] {
		if e.Event <= d.sent {
			continue
		}
		d.sent = e.Event
		d.free = max(d.free, m.now) + ms/2 + m.rng.Int64N(ms)
		m.wire(d, e, d.free)
	}
}

// wire is the way of one event to a device.
func (m *model) wire(d *modelDevice, e Entry, at int64) {
	switch {
	case m.hit("push-dropped", 20):
		return
	case d.steady && m.bug == "push-dropped-at-the-end" && len(m.ops) > 1000:
		m.fired++
		return
	case d.steady && m.fired == 0 && m.hit("push-healed-late", 10):
		at += 20_000 * ms
		d.free = at
	case m.hit("push-out-of-order", 20):
		at += 5 * ms
	case e.Message != nil && m.hit("push-of-stale-cache", 20):
		changed := *e.Message
		changed.Hash += "-old"
		e.Message = &changed
	}
	generation := d.generation
	m.at(at, func() {
		if d.generation == generation {
			m.deliver(d, e)
		}
	})
	if m.bug == "client-shows-repeats" || m.hit("push-repeated-on-the-wire", 10) {
		m.at(at+ms, func() {
			if d.generation == generation {
				m.deliver(d, e)
			}
		})
	}
}

// deliver is the client's side of a push.
func (m *model) deliver(d *modelDevice, e Entry) {
	shown := e.Event > d.cursor || m.hit("client-shows-repeats", 1)
	m.op(Op{Kind: Push, User: d.user, Device: d.name, Entry: &e, Shown: shown})
	d.cursor = max(d.cursor, e.Event)
	if e.Message != nil && m.rng.IntN(3) == 0 {
		m.get(d.user, e.Message.ID)
	}
}

// connect is a welcome: subscribe first, then read the log from the cursor.
func (m *model) connect(d *modelDevice) {
	if d.up {
		return
	}
	first := d.generation == 0
	d.up, d.generation, d.free = true, d.generation+1, m.now
	d.sent = d.cursor
	at := d.cursor
	head := uint64(0)
	if log := m.logs[d.user]; len(log) > 0 {
		head = log[len(log)-1].Event
	}
	switch {
	case first:
		m.op(Op{Kind: Open, User: d.user, Device: d.name, Epoch: m.epoch, Event: at})
		m.send(d)
		return
	case head > at && m.hit("resume-at-head", 2): // subscribed after the log was read
		at, d.sent, d.cursor = head, head, head
	case head > at && m.hit("resume-skips-one", 2):
		d.sent++
	case at > 0 && m.hit("resume-repeats-to-ui", 2):
		d.sent, d.cursor = at-1, at-1
	}
	m.op(Op{Kind: Resume, User: d.user, Device: d.name, Epoch: m.epoch, Event: at})
	if at < head && m.hit("reconnect-buffer-lost", 2) {
		d.sent = min(head, at+2)
	}
	m.send(d)
}

// restore goes back to a backup and keeps the epoch: what comes next gets the
// numbers of what is gone.
func (m *model) restore() {
	for _, t := range m.talks {
		cut := max(0, len(t.log)-3)
		for _, x := range t.log[cut:] {
			delete(m.keys, key{x.Sender, x.Client})
		}
		t.log = t.log[:cut]
	}
	for u, log := range m.logs {
		m.logs[u] = log[:max(0, len(log)-4)]
	}
}

func compareSeq(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) }
