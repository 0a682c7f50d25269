package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// What people do besides plain posts, per post.
const (
	repeatShare   = 0.05 // the same key again, after it was accepted
	togetherShare = 0.04 // the same key twice at the same time
	conflictShare = 0.02 // the key of an accepted message with another text
	borrowedShare = 0.02 // the key of somebody else's message: keys are per sender
	readShare     = 0.25
	pageShare     = 0.15
	listShare     = 0.05
)

// givenUpAfter is how long a post without an answer is retried.
const givenUpAfter = 2 * time.Minute

// pace hands out jobs at the rate asked for until writing ends. What the
// workers cannot take in time is left out rather than made up for.
func (r *Run) pace() {
	defer close(r.jobs)
	rng := r.random(1)
	tick := time.NewTicker(max(time.Millisecond, time.Duration(float64(time.Second)/r.o.Rate)))
	defer tick.Stop()
	last, due := time.Now(), 0.0
	for {
		select {
		case <-r.writing.Done():
			return
		case now := <-tick.C:
			due = min(due+r.o.Rate*now.Sub(last).Seconds(), max(1, r.o.Rate/10))
			last = now
		}
		for ; due >= 1; due-- {
			for _, job := range r.next(rng) {
				select {
				case r.jobs <- job:
				case <-r.writing.Done():
					return
				}
			}
		}
	}
}

// next makes one post and what goes with it.
func (r *Run) next(rng *rand.Rand) []func(context.Context) {
	t := r.talks[rng.IntN(len(r.talks))]
	p := t.members[rng.IntN(len(t.members))]
	on := func(p *person) *client.Client { return p.devices[rng.IntN(len(p.devices))].client }
	s := sent{by: p, clientID: client.NewID(), body: text(rng)}
	c, c2 := on(p), on(p)
	old, again := t.accepted(rng)
	kind := rng.Float64()
	var jobs []func(context.Context)
	add := func(job func(context.Context)) { jobs = append(jobs, job) }
	switch {
	case kind < togetherShare:
		add(func(ctx context.Context) { r.post(ctx, c, t, s, "") })
		add(func(ctx context.Context) { r.post(ctx, c2, t, s, "") })
	case again && kind < togetherShare+repeatShare:
		add(func(ctx context.Context) { r.post(ctx, on2(old, c2, p), t, old, "") })
	case again && kind < togetherShare+repeatShare+conflictShare:
		old.body += " changed"
		add(func(ctx context.Context) { r.post(ctx, on2(old, c2, p), t, old, check.Conflicting) })
	case again && old.by != p && !old.lent && kind < togetherShare+repeatShare+conflictShare+borrowedShare:
		s.clientID, s.lent = old.clientID, true
		t.lend(old)
		add(func(ctx context.Context) { r.post(ctx, c, t, s, "") })
	default:
		add(func(ctx context.Context) { r.post(ctx, c, t, s, "") })
	}
	reader := r.people[rng.IntN(len(r.people))]
	where, d := reader.talks[rng.IntN(len(reader.talks))], reader.devices[rng.IntN(len(reader.devices))]
	if rng.Float64() < readShare {
		add(func(ctx context.Context) { r.mark(ctx, d, where) })
	}
	if rng.Float64() < pageShare {
		add(func(ctx context.Context) { _, _ = r.page(ctx, d, where, 0, 15, false) })
	}
	if rng.Float64() < listShare {
		add(func(ctx context.Context) { _ = r.list(ctx, d, false) })
	}
	return jobs
}

// lend notes that the key of s was used by somebody else, once.
func (t *talk) lend(s sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.sent {
		if t.sent[i].clientID == s.clientID {
			t.sent[i].lent = true
		}
	}
}

// on2 is the client of whoever sent s: c when that is p.
func on2(s sent, c *client.Client, p *person) *client.Client {
	if s.by == p {
		return c
	}
	return s.by.devices[0].client
}

// text is a message's text: mostly short, sometimes long, not only ASCII.
func text(rng *rand.Rand) string {
	n := 1 + rng.IntN(12)
	if rng.IntN(50) == 0 {
		n = 300
	}
	words := []string{"verify", "grüße", "下午好", "🎉", "and so on", "<b>", "'; --", "line\nbreak", "ok", "日本", "\"quoted\"", "tail"}
	var b strings.Builder
	fmt.Fprintf(&b, "%08x", rng.Uint32())
	for range n {
		b.WriteString(" " + words[rng.IntN(len(words))])
	}
	return b.String()
}

// accepted picks one of the last accepted posts of t.
func (t *talk) accepted(rng *rand.Rand) (sent, bool) {
	pick := rng.Uint64()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.sent) == 0 {
		return sent{}, false
	}
	return t.sent[pick%uint64(len(t.sent))], true
}

// remember keeps the last 50 accepted posts.
func (t *talk) remember(s sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent = append(t.sent, s); len(t.sent) > 50 {
		t.sent = slices.Clone(t.sent[25:])
	}
}

// post posts s until it is answered for good, always under the same key.
func (r *Run) post(ctx context.Context, c *client.Client, t *talk, s sent, name string) {
	n := r.rec.number()
	r.rec.add(check.Op{Kind: check.Send, N: n, Name: name, User: s.by.main.ID(), Conv: t.id, Client: s.clientID, Hash: hash(s.body)})
	wait := 10 * time.Millisecond
	for giveUp := time.Now().Add(givenUpAfter); ; {
		m, status, err := c.Post(ctx, t.other(s.by).main.ID(), s.clientID, s.body)
		switch {
		case err == nil:
			r.rec.add(check.Op{Kind: check.OK, N: n, Status: status, Message: message(m)})
			if name == "" {
				t.remember(s)
			}
			return
		case definite(status):
			r.rec.add(check.Op{Kind: check.Fail, N: n, Status: status})
			return
		}
		r.rec.retried()
		pauseFor := wait
		if p, ok := errors.AsType[*client.Problem](err); ok && status == http.StatusTooManyRequests {
			pauseFor = max(wait, p.RetryAfter)
		}
		if time.Now().After(giveUp) || pause(ctx, pauseFor) != nil {
			r.rec.add(check.Op{Kind: check.Info, N: n, Status: status})
			return
		}
		wait = min(2*wait, 500*time.Millisecond)
	}
}

// definite reports whether an answer says for good that nothing was written.
// 401 is not: a session may be refreshed meanwhile.
func definite(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusUnauthorized && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// mark moves the read mark of t to what d has seen of it.
func (r *Run) mark(ctx context.Context, d *device, t *talk) {
	d.mu.Lock()
	seq := d.last[t.id]
	d.mu.Unlock()
	if seq == 0 {
		return
	}
	var v client.Conversation
	begin := r.rec.now()
	err := d.client.JSON(ctx, http.MethodPut, "/api/v1/conversations/"+t.id+"/read", map[string]uint64{"seq": seq}, &v)
	if err == nil {
		r.rec.add(check.Op{Kind: check.Read, Begin: begin, User: d.person.main.ID(), Conv: t.id, Seq: seq, Rows: []check.Row{{Conv: t.id, ReadSeq: v.ReadSeq, Unread: v.Unread}}})
	}
}

// page reads one page of t before a seq (0: the latest).
func (r *Run) page(ctx context.Context, d *device, t *talk, before uint64, limit int, final bool) (client.Page, error) {
	begin := r.rec.now()
	v, err := d.client.Page(ctx, t.id, before, limit)
	if err == nil {
		r.rec.add(check.Op{
			Kind: check.Page, Begin: begin, User: d.person.main.ID(), Conv: t.id, Seq: before, Limit: limit,
			Items: messages(v.Items), HasOlder: v.HasOlder, Final: final,
		})
	}
	return v, err
}

// list reads the conversation list; the whole of it when final.
func (r *Run) list(ctx context.Context, d *device, final bool) error {
	begin := r.rec.now()
	o := check.Op{Kind: check.List, Begin: begin, User: d.person.main.ID(), Final: final}
	for cursor := ""; ; {
		v, err := d.client.ConversationsAfter(ctx, cursor)
		if err != nil {
			return err
		}
		for _, c := range v.Items {
			o.Rows = append(o.Rows, row(c))
		}
		if v.NextCursor == nil || !final {
			break
		}
		cursor = *v.NextCursor
	}
	r.rec.add(o)
	return nil
}

// get is a message to be got by its id.
type get struct {
	d  *device
	id string
}

// getPushed gets what devices were pushed, until ctx ends.
func (r *Run) getPushed(ctx context.Context) {
	for {
		select {
		case g := <-r.gets:
			_ = r.get(ctx, g)
		case <-ctx.Done():
			return
		}
	}
}

// get gets one message by id. Only an answer is written down.
func (r *Run) get(ctx context.Context, g get) error {
	o := check.Op{Kind: check.Get, Begin: r.rec.now(), User: g.d.person.main.ID(), Client: g.id, Status: http.StatusOK}
	m, err := g.d.client.Message(ctx, g.id)
	switch p, ok := errors.AsType[*client.Problem](err); {
	case err == nil:
		o.Message = message(m)
	case ok && p.Status == http.StatusNotFound:
		o.Status = p.Status
	default:
		return err
	}
	r.rec.add(o)
	return nil
}
