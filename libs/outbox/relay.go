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
	queueRows   = 16384
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

	service string
	metrics metrics

	unpack Unpack

	mu     sync.Mutex
	queue  []*pending
	bytes  int                // in queue
	busy   map[id.ID]struct{} // queued or in flight here: not for the sweep
	acked  []id.ID
	failed bool // a publish failed since the last successful sweep

	wake  chan struct{} // queue has rows
	acks  chan struct{} // acked has ids
	sweep chan struct{} // look at the table now
	slots chan struct{} // one token per publish in flight
}

// Parcel is what one row stands for.
type Parcel struct {
	// Events are stored in the stream. The row is done when all are acknowledged.
	Events []bus.Message
	// News is broadcast to whoever listens, before the events and once; a sweep
	// does it after them. What nobody heard is not lost: listeners compare.
	News []News
}

// News is a message that is not stored.
type News struct {
	Subject string
	Data    []byte
	Trace   string // the W3C traceparent of what caused it, or ""
}

// Unpack makes the parcel of a row from what the row refers to.
type Unpack func(ctx context.Context, row Row) (Parcel, error)

// pending is one row under way.
type pending struct {
	row    id.ID
	unpack func() (Parcel, error)
	bytes  int // about
	left   int // events whose fate is not known; guarded by the relay's lock
	failed bool
}

// NewRelay makes the relay of service; Run starts it. Rows that do not hold
// their event but refer to something need an unpack; for others it is nil.
func NewRelay(d *db.DB, b *bus.Bus, service string, log *slog.Logger, unpack Unpack) *Relay {
	return &Relay{
		d: d, b: b, src: "chatapp/" + service, log: log.With("part", "outbox"),
		service: service, metrics: newMetrics(service),
		busy: map[id.ID]struct{}{}, unpack: unpack,
		wake:  make(chan struct{}, 1),
		acks:  make(chan struct{}, 1),
		sweep: make(chan struct{}, 1),
		slots: make(chan struct{}, inFlight),
	}
}

// Publish hands over rows that are committed and hold an event each. It never
// blocks and never fails: rows that cannot be taken now (queue full, broker
// away) are found by the sweep. Call it after the commit only. Order is kept as
// far as possible.
func (r *Relay) Publish(rows []Row) {
	for _, row := range rows {
		r.PublishParcel(row, len(row.Payload), func() (Parcel, error) { return row.parcel(), nil })
	}
}

// PublishParcel is Publish for a row that stands for a parcel of about the
// given size in bytes. unpack is called once, on the relay's goroutine.
func (r *Relay) PublishParcel(row Row, size int, unpack func() (Parcel, error)) {
	r.mu.Lock()
	if len(r.queue) >= queueRows || r.bytes >= queueBytes {
		r.failed = true
		r.metrics.skipped.Inc()
	} else {
		r.queue = append(r.queue, &pending{row: row.ID, unpack: unpack, bytes: size})
		r.bytes += size
		r.busy[row.ID] = struct{}{}
	}
	r.mu.Unlock()
	poke(r.wake)
}

// parcel is that of a row that holds its event.
func (row Row) parcel() Parcel {
	return Parcel{Events: []bus.Message{{Subject: row.Subject, ID: row.MsgID, Type: row.Type, Time: row.CreatedAt, Data: row.Payload}}}
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
		rows := r.queue
		r.queue, r.bytes = nil, 0
		r.mu.Unlock()
		if len(rows) == 0 {
			return
		}
		for i, p := range rows {
			if ctx.Err() != nil {
				r.giveBack(rows[i:])
				return
			}
			r.publish(p)
		}
	}
}

// giveBack puts rows in front of the queue again.
func (r *Relay) giveBack(rows []*pending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(rows, r.queue...)
	for _, p := range rows {
		r.bytes += p.bytes
	}
}

// publish sends what one row stands for. Each event holds a slot until its fate
// is known, which is within the bus's ack timeout.
func (r *Relay) publish(p *pending) {
	var parcel Parcel
	err := r.b.Ready() // then it need not even be made
	if err == nil {
		parcel, err = p.unpack()
	}
	if err != nil || len(parcel.Events) == 0 {
		p.left = 1
		r.settle(p, err)
		return
	}
	p.left = len(parcel.Events)
	r.broadcast(parcel)
	for _, m := range parcel.Events {
		r.slots <- struct{}{}
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
}

// broadcast tells the news; without a connection nobody hears it.
func (r *Relay) broadcast(p Parcel) {
	for _, n := range p.News {
		if r.b.BroadcastTraced(n.Subject, n.Data, n.Trace) != nil {
			return
		}
	}
}

func (r *Relay) send(m bus.Message, settle func(error)) error {
	m.Source = r.src
	return r.b.PublishAsync(m, func(err error) {
		if err == nil {
			r.metrics.published.Inc()
		}
		settle(err)
	})
}

// settle notes the outcome of one event. A row one of whose events failed is
// forgotten here and left to the sweep.
func (r *Relay) settle(p *pending, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.metrics.failed.Inc()
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
