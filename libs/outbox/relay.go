package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/id"
)

// Limits of the relay. Memory is bounded: what does not fit stays in the table
// only, and the sweep finds it there.
const (
	queueEvents = 32768
	queueBytes  = 64 << 20
	inFlight    = 4096
	deleteEvery = 50 * time.Millisecond // SQLite syncs once per delete: batch them
	deleteRows  = 1000
	drainTime   = 6 * time.Second // longer than the bus waits for an ack
)

// Relay publishes a service's outbox. One per process; several processes may
// relay the same table.
type Relay struct {
	d   *db.DB
	b   *bus.Bus
	src string
	log *slog.Logger

	unpack Unpack

	mu     sync.Mutex
	queue  []*parcel
	events int                // in queue
	bytes  int                // in queue
	busy   map[id.ID]struct{} // queued or in flight here: not for the sweep
	acked  []id.ID
	failed bool // a publish failed since the last successful sweep

	wake  chan struct{} // queue has rows
	acks  chan struct{} // acked has ids
	sweep chan struct{} // look at the table now
	slots chan struct{} // one token per publish in flight
}

// Unpack returns the events that a row stands for, from what the row refers to.
// Events whose source is gone for good are left out.
type Unpack func(ctx context.Context, row Row) ([]bus.Message, error)

// parcel is one row under way: it is delivered when each of its events is.
type parcel struct {
	row    id.ID
	events []bus.Message
	bytes  int
	sent   int  // events handed to the bus; only Run uses it
	left   int  // events whose fate is not known; guarded by the relay's lock
	failed bool // guarded by the relay's lock
}

// NewRelay makes the relay of service; Run starts it. Rows that do not hold
// their event but refer to several need an unpack; for others it is nil.
func NewRelay(d *db.DB, b *bus.Bus, service string, log *slog.Logger, unpack Unpack) *Relay {
	return &Relay{
		d: d, b: b, src: "chatapp/" + service, log: log.With("part", "outbox"),
		busy: map[id.ID]struct{}{}, unpack: unpack,
		wake:  make(chan struct{}, 1),
		acks:  make(chan struct{}, 1),
		sweep: make(chan struct{}, 1),
		slots: make(chan struct{}, inFlight),
	}
}

// Publish hands over rows that are committed, each of which is one event. It
// never blocks and never fails: rows that cannot be taken now (queue full,
// broker away) are found by the sweep. Call it after the commit only. Order is
// kept as far as possible.
func (r *Relay) Publish(rows []Row) {
	for _, row := range rows {
		r.PublishParcel(row, []bus.Message{row.Event()})
	}
}

// PublishParcel is Publish for a row that stands for the given events.
func (r *Relay) PublishParcel(row Row, events []bus.Message) {
	p := &parcel{row: row.ID, events: events, left: len(events)}
	for _, e := range events {
		p.bytes += len(e.Data)
	}
	r.mu.Lock()
	if r.events >= queueEvents || r.bytes >= queueBytes {
		r.failed = true
	} else {
		r.queue = append(r.queue, p)
		r.events, r.bytes = r.events+len(events), r.bytes+p.bytes
		r.busy[row.ID] = struct{}{}
	}
	r.mu.Unlock()
	poke(r.wake)
}

// Waiting is how many events are queued or under way in this process.
func (r *Relay) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events + len(r.slots)
}

// Run relays until ctx ends, then publishes what it already holds (a few
// seconds at most) and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	defer r.b.OnDisturbance(func() { poke(r.sweep) })()
	var work sync.WaitGroup
	stopDelete := make(chan struct{})
	work.Go(func() { r.sweeping(ctx) })
	var deleting sync.WaitGroup
	deleting.Go(func() { r.deleting(context.WithoutCancel(ctx), stopDelete) })
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-r.wake:
			r.publishQueued(ctx)
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	r.publishQueued(drain)
	for range inFlight { // every slot back = every ack in
		select {
		case r.slots <- struct{}{}:
		case <-drain.Done():
		}
	}
	work.Wait()
	close(stopDelete)
	deleting.Wait()
	for range len(r.slots) {
		<-r.slots
	}
	return nil
}

// publishQueued publishes all that is queued, waiting for a slot when too much
// is in flight.
func (r *Relay) publishQueued(ctx context.Context) {
	for {
		r.mu.Lock()
		parcels := r.queue
		r.queue, r.events, r.bytes = nil, 0, 0
		r.mu.Unlock()
		if len(parcels) == 0 {
			return
		}
		for i, p := range parcels {
			for ; p.sent < len(p.events); p.sent++ {
				select {
				case r.slots <- struct{}{}:
					r.publish(p, p.events[p.sent])
				case <-ctx.Done():
					r.giveBack(parcels[i:])
					return
				}
			}
		}
	}
}

// giveBack puts parcels in front of the queue again.
func (r *Relay) giveBack(parcels []*parcel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(parcels, r.queue...)
	for _, p := range parcels {
		r.events, r.bytes = r.events+len(p.events), r.bytes+p.bytes
	}
}

// publish sends one event; the slot is given back when its fate is known.
func (r *Relay) publish(p *parcel, m bus.Message) {
	settle := func(err error) {
		r.settle(p, err)
		select {
		case <-r.slots:
		default: // Run gave up waiting for this one and took all slots back
		}
	}
	if err := r.send(m, settle); err != nil {
		settle(err)
	}
}

func (r *Relay) send(m bus.Message, settle func(error)) error {
	m.Source = r.src
	return r.b.PublishAsync(m, settle)
}

// Event is the one event of a row that holds it.
func (row Row) Event() bus.Message {
	return bus.Message{Subject: row.Subject, ID: row.MsgID, Type: row.Type, Time: row.CreatedAt, Data: row.Payload}
}

// settle notes the outcome of one event. A row one of whose events failed is
// forgotten here and left to the sweep.
func (r *Relay) settle(p *parcel, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if !r.failed {
			r.log.Warn("events could not be published; they stay in the outbox and will be", "error", err)
		}
		p.failed, r.failed = true, true
	}
	if p.left--; p.left > 0 {
		return
	}
	if p.failed {
		delete(r.busy, p.row)
		return
	}
	r.acked = append(r.acked, p.row)
	poke(r.acks)
}

// deleting removes acknowledged rows in batches until stop, then the rest.
func (r *Relay) deleting(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			r.deleteAcked(ctx)
			return
		case <-r.acks:
		}
		// Let more acks arrive: a delete is a transaction of its own.
		select {
		case <-stop:
		case <-time.After(deleteEvery):
		}
		r.deleteAcked(ctx)
	}
}

func (r *Relay) deleteAcked(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	r.mu.Lock()
	ids := r.acked
	r.acked = nil
	r.mu.Unlock()
	for len(ids) > 0 {
		n := min(len(ids), deleteRows)
		err := r.d.Tx(ctx, deleteRowsFn(ids[:n]))
		if err != nil {
			// Published but not deleted: the sweep publishes them once more,
			// which the broker recognises.
			r.log.Warn("published events could not be deleted from the outbox", "error", err, "rows", len(ids))
			n = len(ids)
		}
		r.mu.Lock()
		for _, v := range ids[:n] {
			delete(r.busy, v)
		}
		r.mu.Unlock()
		ids = ids[n:]
	}
}

// poke wakes a loop without ever blocking.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
