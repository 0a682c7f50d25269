package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	maxFrame       = 64 << 10 // bytes of one client frame
	maxFrameRate   = 20       // frames per second, control frames included
	maxCloseReason = 123
	maxLinger      = 1 << 20 // bytes thrown away while waiting for the peer to close
)

// socket is one WebSocket. It costs one goroutine, the reader; writing is done
// by a second one that lives only while something is queued.
type socket struct {
	client
	conn  *websocket.Conn
	wire  *corkedConn // under conn
	limit *rate.Limiter

	writeBy time.Time // the write deadline; only the writer uses it

	// Only the reader uses these.
	hello  bool // said
	inside bool // a frame has begun and is not complete
	typist typist
}

func newSocket(f *feed, who authn.Identity, conn *websocket.Conn, wire *corkedConn) *socket {
	s := &socket{conn: conn, wire: wire, limit: rate.NewLimiter(maxFrameRate, maxFrameRate)}
	s.init(f, who, formatSocket)
	s.end = s.close
	s.queue.start = func() { go s.write() }
	return s
}

// write drains the queue, then ends.
func (s *socket) write() {
	for written := 0; ; {
		batch, roomy := s.queue.next(written)
		if roomy {
			s.feed.room(&s.client)
		}
		if len(batch) == 0 {
			return
		}
		if err := s.sendAll(batch); err != nil {
			s.queue.abort()
			if !errors.Is(err, websocket.ErrCloseSent) { // then the reader is waiting for the peer
				s.conn.Close()
			}
			return
		}
		s.feed.hub.metrics.written(batch)
		written = sizeOf(batch)
	}
}

func (s *socket) sendAll(batch []frame) error {
	s.wire.cork()
	for _, f := range batch {
		if err := s.send(f); err != nil {
			return errors.Join(err, s.wire.uncork())
		}
	}
	return s.wire.uncork()
}

func (s *socket) send(f frame) error {
	deadline := time.Now().Add(s.feed.hub.timing.write)
	switch f.kind {
	case framePing:
		return s.conn.WriteControl(websocket.PingMessage, nil, deadline)
	case framePong:
		return s.conn.WriteControl(websocket.PongMessage, f.data, deadline)
	case frameClose:
		return s.conn.WriteControl(websocket.CloseMessage, f.data, deadline)
	}
	// Setting it costs as much as queueing a frame: now and then is enough.
	if deadline.Sub(s.writeBy) > s.feed.hub.timing.write/10 {
		if err := s.conn.SetWriteDeadline(deadline); err != nil {
			return err
		}
		s.writeBy = deadline
	}
	return s.conn.WriteMessage(websocket.TextMessage, f.data)
}

// close sends a close frame after the frame being written and gives the peer a
// moment to answer it; the reader then ends the connection.
func (s *socket) close(code int, reason string) {
	reason = reason[:min(len(reason), maxCloseReason)]
	if !s.queue.finish(frame{kind: frameClose, data: websocket.FormatCloseMessage(code, reason)}) {
		return
	}
	s.feed.hub.metrics.close(code)
	wait := s.feed.hub.timing.linger
	if code == closeSlow {
		wait = s.feed.hub.timing.slow
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	s.deadline(wait)
}

// extend lets the peer be silent for d from now, unless it is to be gone by a
// time already set.
func (s *socket) extend(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.deadline(d)
	}
}

// deadline sets the read deadline; it fails only on a connection that is
// closed, which the reader finds out by itself.
func (s *socket) deadline(d time.Duration) {
	_ = s.conn.SetReadDeadline(time.Now().Add(d))
}

// read is the socket's life: until the peer or this side ends it.
func (s *socket) read() {
	hub := s.feed.hub
	hub.metrics.opened(formatSocket, 1)
	defer func() {
		s.feed.leave(&s.client)
		s.queue.abort()
		s.conn.Close()
		hub.metrics.opened(formatSocket, -1)
		hub.release(s.feed)
	}()
	s.conn.SetReadLimit(maxFrame)
	s.conn.SetPongHandler(func(string) error { return s.control() })
	s.conn.SetPingHandler(func(data string) error {
		s.queue.push(frame{kind: framePong, data: []byte(data)}, maxQueue)
		return s.control()
	})
	s.extend(hub.timing.hello)
	for {
		data, err := s.frame()
		if err == nil {
			err = s.handleApart(data)
		}
		if err != nil {
			s.part(err)
			return
		}
	}
}

// leaving is an error that names the close code of this side.
type leaving struct {
	code   int
	reason string
}

func (l leaving) Error() string { return l.reason }

var errTooFast = leaving{closeTooFast, "more than 20 frames in a second"}

// frame reads one data frame. A frame that has begun must be complete soon: a
// peer that answers pings between endless fragments is no live peer.
func (s *socket) frame() ([]byte, error) {
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, err
	}
	if !s.limit.Allow() {
		return nil, errTooFast
	}
	if kind != websocket.TextMessage {
		return nil, leaving{closeBadFrame, "frames are JSON text"}
	}
	if s.hello {
		s.extend(s.feed.hub.timing.message)
	}
	s.inside = true
	data, err := io.ReadAll(r)
	s.inside = false
	if err != nil {
		return nil, err
	}
	if s.hello {
		s.extend(s.feed.hub.timing.zombie)
	}
	if !utf8.Valid(data) {
		return nil, leaving{closeInvalid, "frames are UTF-8"}
	}
	return data, nil
}

// control is called for the peer's pings and pongs: a sign of life, which must
// not be used to flood us.
func (s *socket) control() error {
	if !s.limit.Allow() {
		return errTooFast
	}
	if s.hello && !s.inside {
		s.extend(s.feed.hub.timing.zombie)
	}
	return nil
}

// handleApart is handle on a stack of its own. Decoding needs a deep one, and a
// stack that has grown to 8 KB does not shrink again below a waiting reader:
// this halves the memory of an idle connection.
func (s *socket) handleApart(data []byte) error {
	done := make(chan error, 1)
	go func() {
		err := error(leaving{closeInternal, "internal error"})
		defer func() {
			if cause := recover(); cause != nil { // one bad frame must not take the others' connections with it
				s.feed.hub.log.Error("panic in a frame's handler", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			}
			done <- err
		}()
		err = s.handle(data)
	}()
	return <-done
}

// handle acts on one client frame; an error ends the socket.
func (s *socket) handle(data []byte) error {
	f, err := parseFrame(data)
	if err != nil {
		return leaving{closeBadFrame, err.Error()}
	}
	if s.hello == (f.Type == "hello") {
		return leaving{closeBadFrame, "hello comes first, and once"}
	}
	switch f.Type {
	case "hello":
		return s.greeting(f)
	case "reauth":
		return s.reauth(f.Token)
	case "typing":
		return s.startedTyping(f.ConversationID)
	case "ack":
		if _, err := parseCursor(f.Cursor); err != nil {
			return leaving{closeBadFrame, "ack without a cursor"}
		}
		s.feed.hub.metrics.acks.Inc()
		return nil
	case "presence":
		return nil // part of the protocol, without effect yet
	}
	return leaving{closeBadFrame, "unknown type of frame"}
}

func (s *socket) greeting(f clientFrame) error {
	as, err := formatSocket.withPayload(f.Payload)
	if err != nil {
		return leaving{closeBadFrame, `payload is "full" or "id"`}
	}
	var at *cursor
	if f.Cursor != "" {
		c, err := parseCursor(f.Cursor)
		if err != nil {
			return leaving{closeBadFrame, "invalid-cursor"}
		}
		at = &c
	}
	s.hello = true
	s.extend(s.feed.hub.timing.zombie)
	s.feed.join(&s.client, at, as)
	return nil
}

// reauth puts a new token of the same user in the place of the old one. The
// second look at it catches a session that ended in between.
func (s *socket) reauth(token string) error {
	ctx, cancel := context.WithTimeout(s.feed.hub.ctx, s.feed.hub.timing.read)
	defer cancel()
	who, err := s.feed.hub.verifier.Verify(ctx, token)
	if err == nil && who.UserID != s.feed.user {
		return leaving{closeOther, "the token is another user's"}
	}
	if err == nil {
		s.renew(who)
		_, err = s.feed.hub.verifier.Verify(ctx, token)
	}
	switch {
	case err == nil:
		return nil
	case errs.Is(err, errs.Unauthenticated):
		return leaving{closeSession, "the token is not valid"}
	case errs.Is(err, errs.SecondStepRequired): // demanded since the last token
		return leaving{closeSession, "a second step has to be set up"}
	}
	s.complain(err)
	return nil
}

func (s *socket) startedTyping(conversation string) error {
	c, err := id.Parse(conversation)
	if err != nil {
		return leaving{closeBadFrame, "typing without a conversation_id"}
	}
	if err := s.typist.typing(s.feed.hub, s.feed.user, c); err != nil {
		s.complain(err)
	}
	return nil
}

// complain answers a frame that was understood but could not be obeyed.
func (s *socket) complain(err error) {
	s.queue.push(frame{data: errorFrame(err)}, maxQueue)
}

// part ends the connection in the manner that the reader's last error asks for.
func (s *socket) part(err error) {
	ours, isOurs := errors.AsType[leaving](err)
	_, closed := errors.AsType[*websocket.CloseError](err)
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	case isOurs:
		s.close(ours.code, ours.reason)
	case closed: // gorilla has answered
		return
	case isNetwork && network.Timeout() && !s.hello:
		s.close(closeBadFrame, "no hello in time")
	case isNetwork:
		return // dead: silent for too long, or reset
	default: // gorilla has sent 1002 or 1009
		s.queue.abort()
	}
	s.awaitClose()
}

// awaitClose reads on until the peer has closed or its time is over. Closing
// with unread input would reset the connection, and the peer would never see
// the code.
func (s *socket) awaitClose() {
	for range 1000 {
		if _, _, err := s.conn.NextReader(); err != nil {
			break
		}
	}
	raw := s.conn.NetConn()
	if err := raw.SetReadDeadline(time.Now().Add(s.feed.hub.timing.linger / 3)); err == nil {
		_, _ = io.CopyN(io.Discard, raw, maxLinger)
	}
}
