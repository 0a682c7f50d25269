package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// The opcodes of frames (RFC 6455).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// socket is one connected device. Its fields belong to whoever reads it.
type socket struct {
	*wire
	cursor string // of the welcome
	log    judge
}

// dialSocket opens a WebSocket as person, resumes from cursor ("" = from now)
// and waits for the welcome. from is the source address, nil for any.
func dialSocket(ctx context.Context, t Target, token, cursor string, buffer int, from net.Addr) (*socket, error) {
	w, err := dial(ctx, t, buffer, from)
	if err != nil {
		return nil, err
	}
	s := &socket{wire: w}
	err = s.open(t, token, cursor)
	if err == nil {
		err = w.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		w.close()
		return nil, fmt.Errorf("WebSocket: %w", err)
	}
	return s, nil
}

func (s *socket) open(t Target, token, cursor string) error {
	// The answer to the key is not checked: no cache stands between.
	hello := fmt.Appendf(nil, "GET /api/v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: chat.v1\r\nAuthorization: Bearer %s\r\n\r\n", t.host, token)
	if err := s.write(hello); err != nil {
		return err
	}
	for n := 0; n == 0; {
		if err := s.fill(); err != nil {
			return err
		}
		var a answer
		var err error
		if a, n, err = parseAnswer(s.unread()); err != nil {
			return err
		}
		if n > 0 && a.status != 101 {
			return statusError{status: a.status, text: fmt.Sprintf("%.300s", a.body)}
		}
		s.take(n)
	}
	if err := s.send(opText, fmt.Appendf(nil, `{"type":"hello","cursor":%q}`, cursor)); err != nil {
		return err
	}
	payload, err := s.next()
	if err != nil {
		return err
	}
	var welcome struct{ Type, Cursor string }
	if json.Unmarshal(payload, &welcome) != nil || welcome.Type != "welcome" {
		return fmt.Errorf("instead of a welcome came %.200q", payload)
	}
	_, seq, ok := strings.Cut(welcome.Cursor, "-")
	if s.log.last, err = strconv.ParseUint(seq, 10, 64); err != nil || !ok {
		return fmt.Errorf("a welcome at cursor %q", welcome.Cursor)
	}
	s.cursor = welcome.Cursor
	return nil
}

// send writes one short frame. The mask a client must use is all zeroes, which
// is one of those allowed, so the payload stays as it is.
func (s *socket) send(op byte, payload []byte) error {
	frame := make([]byte, 0, 8+len(payload))
	if len(payload) < 126 {
		frame = append(frame, 0x80|op, 0x80|byte(len(payload)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|op, 0x80|126), uint16(len(payload)))
	}
	frame = append(append(frame, 0, 0, 0, 0), payload...)
	return s.write(frame)
}

var errClosed = errors.New("the server closed the connection")

// next waits for the next text frame, which is valid until the next call.
func (s *socket) next() (payload []byte, err error) {
	for {
		payload, err = s.text()
		if payload != nil || err != nil {
			return payload, err
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// text returns the next text frame that has arrived, nil when there is none
// yet, and answers pings meanwhile. A close frame is an error that wraps errClosed.
func (s *socket) text() (payload []byte, err error) {
	for {
		op, payload, n, err := parseFrame(s.unread())
		if n == 0 || err != nil {
			return nil, err
		}
		s.take(n)
		switch op {
		case opText:
			return payload, nil
		case opPing:
			if err := s.send(opPong, payload); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			code := 1005
			if len(payload) >= 2 {
				code, payload = int(binary.BigEndian.Uint16(payload)), payload[2:]
			}
			return nil, fmt.Errorf("%w: %d %s", errClosed, code, payload)
		default:
			return nil, fmt.Errorf("a frame of kind %d", op)
		}
	}
}

// parseFrame reads the server's frame that data begins with. n is its length,
// 0 while it is incomplete.
func parseFrame(data []byte) (op byte, payload []byte, n int, err error) {
	if len(data) < 2 {
		return 0, nil, 0, nil
	}
	if data[0]&0xf0 != 0x80 || data[1]&0x80 != 0 {
		return 0, nil, 0, fmt.Errorf("a fragmented, compressed or masked frame: % x", data[:2])
	}
	length, head := uint64(data[1]), 2
	switch length {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	if len(data) < head {
		return 0, nil, 0, nil
	}
	switch head {
	case 4:
		length = uint64(binary.BigEndian.Uint16(data[2:]))
	case 10:
		length = binary.BigEndian.Uint64(data[2:])
	}
	if length > maxUnit {
		return 0, nil, 0, fmt.Errorf("a frame of %d bytes", length)
	}
	n = head + int(length)
	if len(data) < n {
		return 0, nil, 0, nil
	}
	return data[0] & 0x0f, data[head:n], n, nil
}

// judge follows the numbers of one device's event log, which are dense.
type judge struct {
	last                  uint64
	holes                 map[uint64]bool // numbers that were skipped and did not come yet
	duplicated, disorders int
}

// see takes the next number in; false when it came before.
func (j *judge) see(seq uint64) bool {
	switch {
	case seq == j.last+1:
		j.last = seq
	case seq > j.last:
		if j.holes == nil {
			j.holes = map[uint64]bool{}
		}
		for n := j.last + 1; n < seq && len(j.holes) < 1_000_000; n++ {
			j.holes[n] = true
		}
		j.last = seq
	case j.holes[seq]:
		delete(j.holes, seq)
		j.disorders++
	default:
		j.duplicated++
		return false
	}
	return true
}

var (
	eventHead = []byte(`{"type":"event"`)
	seqKey    = []byte(`"seq":`)
	clientKey = []byte(`"client_id":"`)
)

// eventSeq is the number of an event frame; ok is false for other frames.
func eventSeq(frame []byte) (seq uint64, ok bool) {
	if !bytes.HasPrefix(frame, eventHead) {
		return 0, false
	}
	i := bytes.Index(frame, seqKey)
	if i < 0 {
		return 0, false
	}
	for _, c := range frame[i+len(seqKey):] {
		if c < '0' || c > '9' {
			break
		}
		seq, ok = seq*10+uint64(c-'0'), true
	}
	return seq, ok
}
