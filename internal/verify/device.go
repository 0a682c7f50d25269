package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// How devices behave: the mean time between two changes, and how often a
// change is to an SSE stream instead of a dropped socket.
const (
	meanStretch = 4 * time.Second
	streamShare = 0.2
)

// device is one device of a person: a socket that comes back by itself, and
// now and then a stream.
type device struct {
	run    *Run
	name   string
	person *person
	client *client.Client
	rng    *rand.Rand // of live

	mu        sync.Mutex
	picks     *rand.Rand
	connected bool
	socket    *client.Device
	cut       context.CancelFunc // ends the stream; nil = no stream
	cursor    string
	epoch     string
	event     uint64
	last      map[string]uint64 // highest seq seen, by conversation
	faults    []string          // what the client itself found wrong
	changed   chan struct{}
}

// equip gives the i-th person devices, not yet connected.
func (r *Run) equip(p *person, i int) {
	for j := range r.o.Devices {
		n := i*r.o.Devices + j
		p.devices = append(p.devices, &device{
			run: r, name: fmt.Sprintf("%s/%d", p.account.Login, j+1), person: p, client: p.main.At(r.from(n)...),
			rng: r.random(uint64(1000 + n)), picks: r.random(uint64(100_000 + n)), last: map[string]uint64{}, changed: make(chan struct{}),
		})
	}
}

// connect starts every device and waits until all are welcomed.
func (r *Run) connect(ctx context.Context) error {
	for _, p := range r.people {
		for _, d := range p.devices {
			r.others.Go(func() { d.live(ctx) })
		}
	}
	welcome, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, p := range r.people {
		for _, d := range p.devices {
			if err := d.wait(welcome, func() bool { return d.epoch != "" }); err != nil {
				return fmt.Errorf("device %s was not welcomed: %w", d.name, err)
			}
		}
	}
	return nil
}

// live keeps the device connected in one way or another until ctx ends.
func (d *device) live(ctx context.Context) {
	for ctx.Err() == nil {
		d.overSocket(ctx)
		if ctx.Err() == nil && !d.settled() {
			d.overStream(ctx)
		}
	}
}

// settled reports whether the device is to stay connected from now on.
func (d *device) settled() bool {
	select {
	case <-d.run.settled:
		return true
	default:
		return false
	}
}

// stretch is a random time until something changes.
func (d *device) stretch() time.Duration {
	return 200*time.Millisecond + time.Duration(d.rng.ExpFloat64()*float64(meanStretch))
}

// overSocket is connected over WebSocket, dropping the connection now and then,
// until it is time for a stream.
func (d *device) overSocket(ctx context.Context) {
	socket, err := d.client.Connect(ctx, client.Options{Cursor: d.at(), Observe: d.observe})
	if err != nil {
		_ = pause(ctx, 200*time.Millisecond) // the session was refused: a new one is on its way
		return
	}
	d.mu.Lock()
	d.socket = socket
	d.mu.Unlock()
	defer func() {
		socket.Close()
		faults := socket.View().Faults
		d.mu.Lock()
		defer d.mu.Unlock()
		d.socket, d.faults = nil, append(d.faults, faults...)
	}()
	settled := d.run.settled
	for ctx.Err() == nil && !socket.View().Ended() {
		next := time.NewTimer(min(d.stretch(), 10*time.Second))
		select {
		case <-ctx.Done():
		case <-settled:
			settled = nil
		case <-next.C:
			switch {
			case d.settled():
			case d.rng.Float64() < streamShare:
				next.Stop()
				return
			default:
				socket.Drop()
			}
		}
		next.Stop()
	}
}

// overStream follows the SSE stream for a while; a failure ends it.
func (d *device) overStream(all context.Context) {
	ctx, cut := context.WithTimeout(all, d.stretch())
	defer cut()
	d.mu.Lock()
	d.cut = cut
	d.mu.Unlock()
	go func() {
		select {
		case <-d.run.settled:
			cut()
		case <-ctx.Done():
		}
	}()
	welcomed := false
	_ = d.client.Follow(ctx, d.at(), func(n client.Notice) bool { // whatever ended it, the device goes on
		welcomed = welcomed || n.What == client.Welcomed
		d.observe(n)
		return true
	})
	d.mu.Lock()
	d.cut = nil
	d.mu.Unlock()
	if welcomed {
		d.observe(client.Notice{What: client.Broken})
	}
}

// at is the cursor to go on from; "" the first time.
func (d *device) at() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cursor
}

// observe writes down what happens to the device. What came over a stream is
// deduplicated here, as client.Device does for a socket.
func (d *device) observe(n client.Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := check.Op{User: d.person.main.ID(), Device: d.name}
	switch n.What {
	case client.Broken:
		o.Kind, d.connected = check.Close, false
	case client.Arrived:
		o.Kind, o.Entry = check.Push, entry(*n.Entry)
		o.Shown = n.Fresh && (o.Entry.Epoch != d.epoch || o.Entry.Event > d.event)
		if o.Shown {
			d.moveTo(n.Cursor)
			d.saw(o.Entry.Message)
		}
	default:
		d.connected = true
		d.moveTo(n.Cursor)
		o.Kind, o.Epoch, o.Event = check.Open, d.epoch, d.event
		if n.What == client.Resynced {
			o.Kind = check.Resync
		} else if n.Resumed {
			o.Kind = check.Resume
		}
	}
	d.run.rec.add(o)
	close(d.changed)
	d.changed = make(chan struct{})
}

// moveTo sets the cursor. One that cannot be read leaves the device where it
// is; the next resume will show it.
func (d *device) moveTo(cursor string) {
	if epoch, event, err := client.ParseCursor(cursor); err == nil {
		d.cursor, d.epoch, d.event = cursor, epoch, event
	}
}

// saw remembers how far a conversation has come, and lets some messages be got
// by id at once: a push may not come before its message can be read.
func (d *device) saw(m *check.Message) {
	if m == nil {
		return
	}
	d.last[m.Conv] = max(d.last[m.Conv], m.Seq)
	if d.picks.Uint32N(8) == 0 {
		select {
		case d.run.gets <- get{d, m.ID}:
		default: // enough are under way
		}
	}
}

// wait blocks until ok, which is asked under the lock after each change.
func (d *device) wait(ctx context.Context, ok func() bool) error {
	for {
		d.mu.Lock()
		done, changed := ok(), d.changed
		d.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drop cuts the connection, whatever it is.
func (d *device) drop() {
	d.mu.Lock()
	socket, cut := d.socket, d.cut
	d.mu.Unlock()
	if socket != nil {
		socket.Drop()
	}
	if cut != nil {
		cut()
	}
}

// adopt goes on with a refreshed session.
func (d *device) adopt(s client.Session) {
	d.client.Adopt(s)
	d.mu.Lock()
	socket := d.socket
	d.mu.Unlock()
	if socket != nil {
		frame, _ := json.Marshal(map[string]string{"type": "reauth", "token": s.AccessToken}) // cannot fail
		_ = socket.Send(string(frame))                                                        // not connected: the next handshake has the token
	}
}
