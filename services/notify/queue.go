package notify

import (
	"sync"

	"chatapp/libs/trace"
)

// Bounds of one connection's queue in bytes. A connection that is catching up
// gets only as much as leaves half of it free for what happens meanwhile.
const (
	maxQueue   = 256 << 10
	pacedQueue = maxQueue / 2
	writeBatch = 16 << 10           // written by one system call
	anyRoom    = int(^uint(0) >> 1) // for the few small frames that are always taken
)

// frameKind says what a queued frame is on the wire.
type frameKind uint8

const (
	frameData frameKind = iota
	framePing
	framePong
	frameClose // the last one
)

type frame struct {
	kind frameKind
	data []byte

	pushed int64      // of an entry that was pushed: when it happened
	span   trace.Span // its way to the connection, when somebody follows it
}

// sendQueue is what waits to be written to one connection. Whoever has
// something to say pushes and never blocks; start is called when the queue
// stops being idle and must bring somebody to drain it with next.
type sendQueue struct {
	start func()

	mu     sync.Mutex
	frames []frame
	bytes  int  // accepted and not yet written
	active bool // somebody drains it
	ended  bool // the last frame is in, nothing more is taken
	hungry bool // a push was refused: next will say when there is room
}

// push queues f when it fits into room bytes together with what waits; an
// empty queue takes anything. It reports whether f was taken.
func (q *sendQueue) push(f frame, room int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return false
	}
	if q.bytes > 0 && q.bytes > room-len(f.data) {
		q.hungry = true
		return false
	}
	q.add(f)
	return true
}

// finish drops what waits, makes f the last frame and reports whether this was
// the first call. A frame being written is not interrupted.
func (q *sendQueue) finish(f frame) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return false
	}
	q.ended, q.frames = true, nil
	q.add(f)
	return true
}

// abort drops what waits and takes nothing more: the connection is gone.
func (q *sendQueue) abort() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended, q.frames = true, nil
}

func (q *sendQueue) add(f frame) {
	q.frames = append(q.frames, f)
	q.bytes += len(f.data)
	if !q.active {
		q.active = true
		q.start()
	}
}

// next returns the next frames to write, up to writeBatch bytes or one frame,
// after those of size written. Without any the queue is idle again and the
// caller must stop draining it. Roomy means that a refused push would succeed
// now.
func (q *sendQueue) next(written int) (batch []frame, roomy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= written
	if q.hungry && q.bytes <= pacedQueue/4 {
		q.hungry, roomy = false, true
	}
	if len(q.frames) == 0 {
		q.frames, q.active = nil, false
		return nil, roomy
	}
	n, size := 1, len(q.frames[0].data)
	for n < len(q.frames) && size+len(q.frames[n].data) <= writeBatch {
		size += len(q.frames[n].data)
		n++
	}
	batch, q.frames = q.frames[:n:n], q.frames[n:]
	return batch, roomy
}

// sizeOf is what a batch counts for in the queue.
func sizeOf(batch []frame) (size int) {
	for _, f := range batch {
		size += len(f.data)
	}
	return size
}
