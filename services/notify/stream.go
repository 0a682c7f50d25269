package notify

import (
	"net/http"
	"strings"
	"time"

	"chatapp/libs/limit"
)

// serveStream answers GET /api/v1/events/stream: the same events as the
// WebSocket's, as server-sent events, for clients behind proxies that break
// WebSockets. The handler's goroutine does the writing.
func (h *hub) serveStream(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		if err := h.origins.check(r); err != nil {
			h.refuse(w, r, err)
			return
		}
	}
	at, as, err := position(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	token := bearer(r)
	who, err := h.verifier.Verify(r.Context(), token)
	if err = h.admit(r.Context(), w.Header(), limit.Connect, who, err); err != nil {
		h.refuse(w, r, err)
		return
	}
	f, err := h.reserve(who.UserID)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	defer h.release(f)
	s := &stream{w: w, out: http.NewResponseController(w), wake: make(chan struct{}, 1)}
	s.init(f, who, as)
	s.queue.start = func() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	s.end = s.close
	h.metrics.opened(as, 1)
	defer h.metrics.opened(as, -1)
	f.attach(&s.client)
	defer f.leave(&s.client)
	h.lookAgain(r.Context(), &s.client, token)
	f.join(&s.client, at, as)
	s.serve(r)
}

// position reads where the stream starts: Last-Event-ID, which a reconnecting
// EventSource sends, wins over the after of the address it was given once.
func position(r *http.Request) (*cursor, format, error) {
	query := r.URL.Query()
	as, err := formatStream.withPayload(query.Get("payload"))
	if err != nil {
		return nil, as, err
	}
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = query.Get("after")
	}
	if text == "" {
		return nil, as, nil
	}
	at, err := parseCursor(text)
	return &at, as, err
}

// stream is one SSE response.
type stream struct {
	client
	w    http.ResponseWriter
	out  *http.ResponseController
	wake chan struct{} // the queue is no longer idle
}

// close ends the stream after the frame being written. A server that stops
// says when to come back; everything else speaks for itself on reconnecting.
func (s *stream) close(code int, reason string) {
	last := []byte(": " + reason + "\n\n")
	if code == closeRestart {
		last = append([]byte("retry: "+strings.TrimPrefix(reason, retryAfter)+"\n"), last...)
	}
	if s.queue.finish(frame{kind: frameClose, data: last}) {
		s.feed.hub.metrics.close(code)
	}
}

// serve writes until the queue ends or the client is gone.
func (s *stream) serve(r *http.Request) {
	defer s.queue.abort()
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	if s.out.Flush() != nil {
		return
	}
	for written := 0; ; {
		batch, roomy := s.queue.next(written)
		if roomy {
			s.feed.room(&s.client)
		}
		if len(batch) == 0 {
			select {
			case <-s.wake:
			case <-r.Context().Done():
				return
			}
		}
		for _, f := range batch {
			if s.send(f) != nil {
				return
			}
		}
		if s.out.Flush() != nil || closes(batch) {
			return
		}
		s.feed.hub.metrics.written(batch)
		written = sizeOf(batch)
	}
}

func closes(batch []frame) bool { return len(batch) > 0 && batch[len(batch)-1].kind == frameClose }

func (s *stream) send(f frame) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(s.feed.hub.timing.write)); err != nil {
		return err
	}
	data := f.data
	if f.kind == framePing {
		data = []byte(": heartbeat\n\n")
	}
	_, err := s.w.Write(data)
	return err
}
