package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// Bounds of the end of a run.
const (
	restAtMost  = 40 * time.Second // for devices to have everything: more than staleness allows
	readRetries = 30 * time.Second
	getAtMost   = 5000 // messages got by id; more are picked evenly
	readers     = 8
)

// Finish stops the writing, waits until every device has everything, reads
// everything back and judges the run. A device that never gets everything is a
// violation, not an error: an error means that no verdict is possible.
func (r *Run) Finish(ctx context.Context) (*check.Report, error) {
	defer r.others.Wait()
	defer r.stop.all()
	r.stop.writing()
	if err := r.idle(ctx); err != nil {
		return nil, fmt.Errorf("posts are still under way: %w", err)
	}
	close(r.settled)
	unreadable := r.rest(ctx)
	unreadable = append(unreadable, r.readBack(ctx)...)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading everything back: %w", err)
	}
	r.stop.all()
	r.others.Wait()
	for _, p := range r.people {
		_ = p.main.Logout(ctx) // what is left of a session ends by itself
	}
	history, err := r.rec.history()
	if err != nil {
		return nil, fmt.Errorf("writing the history: %w", err)
	}
	report := check.Check(history)
	for _, v := range unreadable {
		report.Add(v)
	}
	if report.OK() {
		r.ownFindings(report)
	}
	return report, nil
}

// idle waits until every job has ended.
func (r *Run) idle(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		r.writers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		r.stop.all()
		<-done
		return ctx.Err()
	}
}

// rest waits until every device has what is in its person's log.
func (r *Run) rest(ctx context.Context) (wrong []check.Violation) {
	devices, cancel := context.WithTimeout(ctx, restAtMost)
	defer cancel()
	for _, p := range r.people {
		var list client.Conversations
		err := r.untilRead(ctx, func() (err error) {
			list, err = p.main.Conversations(ctx)
			return err
		})
		epoch, head, parse := client.ParseCursor(list.Cursor)
		if err != nil || parse != nil {
			wrong = append(wrong, r.unreadable(p, "the head of the event log", err, parse))
			continue
		}
		for _, d := range p.devices {
			// The checker reports a device that does not get there.
			_ = d.wait(devices, func() bool { return d.epoch == epoch && d.event >= head })
		}
	}
	return wrong
}

// untilRead repeats a reading for a while: faults may just have been healed.
func (r *Run) untilRead(ctx context.Context, read func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readRetries)
	defer cancel()
	for {
		err := read()
		if err == nil || pause(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

func (r *Run) unreadable(p *person, what string, errs ...error) check.Violation {
	return check.Violation{Kind: check.Unreadable, User: p.main.ID(), Name: p.account.Login, Detail: fmt.Sprintf("%s could not be read at the end: %v", what, errs)}
}

// readBack reads histories, logs, lists and messages, as every member, over
// every way in.
func (r *Run) readBack(ctx context.Context) (wrong []check.Violation) {
	type reading struct {
		p    *person
		what string
		read func() error
	}
	var all []reading
	n := 0
	for _, p := range r.people {
		next := func() *device { n++; return p.devices[n%len(p.devices)] }
		for _, t := range p.talks {
			d := next()
			all = append(all, reading{p, "the history of " + t.id, func() error { return r.wholeHistory(ctx, d, t) }})
		}
		log, list := next(), next()
		all = append(all,
			reading{p, "the event log", func() error { return r.wholeLog(ctx, log) }},
			reading{p, "the conversation list", func() error { return r.list(ctx, list, true) }})
	}
	for _, g := range r.toGet() {
		all = append(all, reading{g.d.person, "message " + g.id, func() error { return r.get(ctx, g) }})
	}
	work, failed := make(chan reading), make(chan check.Violation)
	go func() {
		defer close(work)
		for _, x := range all {
			work <- x
		}
	}()
	for range readers {
		go func() {
			for x := range work {
				if err := r.untilRead(ctx, x.read); err != nil {
					failed <- r.unreadable(x.p, x.what, err)
				}
			}
			failed <- check.Violation{}
		}()
	}
	for left := readers; left > 0; {
		if v := <-failed; v.Kind != "" {
			wrong = append(wrong, v)
		} else {
			left--
		}
	}
	return wrong
}

// toGet picks accepted messages to get by id, each as one of its members.
func (r *Run) toGet() []get {
	r.rec.mu.Lock()
	defer r.rec.mu.Unlock()
	byUser := map[string]*device{}
	for i, p := range r.people {
		byUser[p.main.ID()] = p.devices[i%len(p.devices)]
	}
	var all []get
	for i := range r.rec.ops {
		if o := &r.rec.ops[i]; o.Kind == check.OK && o.Message != nil {
			if d := byUser[o.Message.Sender]; d != nil {
				all = append(all, get{d, o.Message.ID})
			}
		}
	}
	if step := len(all)/getAtMost + 1; step > 1 {
		some := all[:0:0]
		for i := 0; i < len(all); i += step {
			some = append(some, all[i])
		}
		return some
	}
	return all
}

// wholeHistory pages back to the first message of the run.
func (r *Run) wholeHistory(ctx context.Context, d *device, t *talk) error {
	var pages []check.Op
	for before := uint64(0); ; {
		begin := r.rec.now()
		v, err := d.client.Page(ctx, t.id, before, 100)
		if err != nil {
			return err // and nothing is written down: the whole is read again
		}
		pages = append(pages, check.Op{
			Kind: check.Page, Begin: begin, User: d.person.main.ID(), Conv: t.id, Seq: before, Limit: 100,
			Items: messages(v.Items), HasOlder: v.HasOlder, Final: true,
		})
		if !v.HasOlder || len(v.Items) == 0 || v.Items[0].Seq <= t.base+1 {
			break
		}
		if next := v.Items[0].Seq; before == 0 || next < before {
			before = next
		} else {
			break // the page is judged wrong by the checker; do not walk for ever
		}
	}
	for _, o := range slices.Backward(pages) {
		r.rec.add(o)
	}
	return nil
}

// wholeLog reads the person's event log from where it stood at the start.
func (r *Run) wholeLog(ctx context.Context, d *device) error {
	o := check.Op{Kind: check.Log, Begin: r.rec.now(), User: d.person.main.ID(), Final: true}
	if epoch, event, err := client.ParseCursor(d.person.start); err == nil {
		o.Epoch, o.Event = epoch, event
	}
	entries, _, err := d.client.Events(ctx, d.person.start)
	if err != nil {
		return err
	}
	for _, e := range entries {
		o.Entries = append(o.Entries, *entry(e))
	}
	r.rec.add(o)
	return nil
}

// ownFindings adds what the client found wrong and the history cannot show:
// frames that are not what the protocol says.
func (r *Run) ownFindings(report *check.Report) {
	for _, p := range r.people {
		for _, d := range p.devices {
			d.mu.Lock()
			for _, f := range d.faults {
				report.Add(check.Violation{Kind: check.Unreadable, User: p.main.ID(), Name: p.account.Login, Device: d.name, Detail: f})
			}
			d.mu.Unlock()
		}
	}
}
