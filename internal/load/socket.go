package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// The opcodes of frames (RFC 6455).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maxPush is the longest frame a server of ours sends, with room to spare.
const maxPush = 1 << 20

// socket is one connected device. Its fields belong to the goroutine that reads it.
type socket struct {
	conn   net.Conn
	in     *bufio.Reader
	big    []byte // for frames that do not fit into in
	cursor string // of the welcome
	log    judge
}

// dialSocket opens a WebSocket as person, resumes from cursor ("" = from now)
// and waits for the welcome. from is the source address, nil for any.
func dialSocket(ctx context.Context, t Target, token, cursor string, buffer int, from net.Addr) (*socket, error) {
	d := net.Dialer{LocalAddr: from}
	conn, err := d.DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, buffer)}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	if err == nil {
		err = s.open(t, token, cursor)
	}
	if err == nil {
		err = conn.SetDeadline(noDeadline)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("WebSocket: %w", err)
	}
	return s, nil
}

func (s *socket) open(t Target, token, cursor string) error {
	// The answer to the key is not checked: no cache stands between.
	if _, err := fmt.Fprintf(s.conn, "GET /api/v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: chat.v1\r\nAuthorization: Bearer %s\r\n\r\n", t.host, token); err != nil {
		return err
	}
	status, _, err := readHead(s.in)
	if err != nil {
		return err
	}
	if status != 101 {
		body, _ := s.in.Peek(s.in.Buffered())
		return fmt.Errorf("the handshake was answered %d %.300s", status, body)
	}
	if err := s.write(opText, fmt.Appendf(nil, `{"type":"hello","cursor":%q}`, cursor)); err != nil {
		return err
	}
	op, payload, err := s.next()
	if err != nil {
		return err
	}
	var welcome struct{ Type, Cursor string }
	if op != opText || json.Unmarshal(payload, &welcome) != nil || welcome.Type != "welcome" {
		return fmt.Errorf("instead of a welcome came %.200q", payload)
	}
	_, seq, ok := strings.Cut(welcome.Cursor, "-")
	if s.log.last, err = strconv.ParseUint(seq, 10, 64); err != nil || !ok {
		return fmt.Errorf("a welcome at cursor %q", welcome.Cursor)
	}
	s.cursor = welcome.Cursor
	return nil
}

// write sends one short frame. The mask a client must use is all zeroes, which
// is one of those allowed, so the payload stays as it is.
func (s *socket) write(op byte, payload []byte) error {
	frame := make([]byte, 0, 8+len(payload))
	if len(payload) < 126 {
		frame = append(frame, 0x80|op, 0x80|byte(len(payload)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|op, 0x80|126), uint16(len(payload)))
	}
	frame = append(append(frame, 0, 0, 0, 0), payload...)
	_, err := s.conn.Write(frame)
	return err
}

var errClosed = errors.New("the server closed the connection")

// next returns the next text frame, valid until the next call, and answers
// pings meanwhile. A close frame is an error that wraps errClosed.
func (s *socket) next() (op byte, payload []byte, err error) {
	for {
		if op, payload, err = s.frame(); err != nil {
			return 0, nil, err
		}
		switch op {
		case opText:
			return op, payload, nil
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return 0, nil, err
			}
		case opPong:
		case opClose:
			code := 1005
			if len(payload) >= 2 {
				code, payload = int(binary.BigEndian.Uint16(payload)), payload[2:]
			}
			return 0, nil, fmt.Errorf("%w: %d %s", errClosed, code, payload)
		default:
			return 0, nil, fmt.Errorf("a frame of kind %d", op)
		}
	}
}

// frame reads one frame.
func (s *socket) frame() (op byte, payload []byte, err error) {
	head, err := s.in.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	if head[0]&0xf0 != 0x80 || head[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("a fragmented, compressed or masked frame: % x", head)
	}
	op = head[0] & 0x0f
	n, skip := int(head[1]), 2
	switch n {
	case 126:
		if head, err = s.in.Peek(4); err != nil {
			return 0, nil, noEOF(err)
		}
		n, skip = int(binary.BigEndian.Uint16(head[2:])), 4
	case 127:
		if head, err = s.in.Peek(10); err != nil {
			return 0, nil, noEOF(err)
		}
		long := binary.BigEndian.Uint64(head[2:])
		if long > maxPush {
			return 0, nil, fmt.Errorf("a frame of %d bytes", long)
		}
		n, skip = int(long), 10
	}
	if skip+n <= s.in.Size() {
		if payload, err = s.in.Peek(skip + n); err != nil {
			return 0, nil, noEOF(err)
		}
		payload = payload[skip:]
		_, err = s.in.Discard(skip + n) // the bytes stay where they are until the next read
		return op, payload, err
	}
	if cap(s.big) < n {
		s.big = make([]byte, n)
	}
	if _, err = s.in.Discard(skip); err == nil {
		_, err = io.ReadFull(s.in, s.big[:n])
	}
	return op, s.big[:n], noEOF(err)
}

// judge follows the numbers of one device's event log, which are dense.
type judge struct {
	last                  uint64
	holes                 map[uint64]bool // numbers that were skipped and did not come yet
	duplicated, disorders int
}

// see takes the next number in.
func (j *judge) see(seq uint64) {
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
	}
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
