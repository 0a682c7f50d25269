package notify

import "sync"

// Bounds of one connection's queue in bytes. A connection that is catching up
// gets only as much as leaves half of it free for what happens meanwhile.
const (
	maxQueue   = 256 << 10
	pacedQueue = maxQueue / 2
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

// next returns the next frame to write after the one of size written. Without
// one the queue is idle again and the caller must stop draining it. Roomy
// means that a refused push would succeed now.
func (q *sendQueue) next(written int) (f frame, ok, roomy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= written
	if q.hungry && q.bytes <= pacedQueue/4 {
		q.hungry, roomy = false, true
	}
	if len(q.frames) == 0 {
		q.frames, q.active = nil, false
		return frame{}, false, roomy
	}
	f = q.frames[0]
	q.frames[0] = frame{}
	q.frames = q.frames[1:]
	return f, true, roomy
}
