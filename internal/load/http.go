package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// httpConn is one keep-alive connection, one request at a time.
type httpConn struct {
	conn net.Conn
	in   *bufio.Reader
	said []byte // beginning of the last body that was not a 2xx
}

func dialHTTP(ctx context.Context, t Target) (*httpConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	return &httpConn{conn: conn, in: bufio.NewReaderSize(conn, 4096)}, nil
}

var (
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
	chunked          = []byte("chunked")
)

// response reads one answer to its end and returns its status. The body is
// skipped; of an answer that is no success its beginning is kept for people.
func (c *httpConn) response() (status int, err error) {
	status, length, err := readHead(c.in)
	if err != nil {
		return 0, err
	}
	c.said = c.said[:0]
	switch {
	case status == 101 || status == 204 || status == 304:
		return status, nil
	case length == chunkedLength:
		return status, c.skipChunks()
	case length < 0:
		return status, errors.New("an answer without a length")
	case status >= 300:
		if peek, err := c.in.Peek(min(length, 300)); err == nil {
			c.said = append(c.said, peek...)
		}
	}
	_, err = c.in.Discard(length)
	return status, err
}

// chunkedLength stands for a body that comes in chunks.
const chunkedLength = -2

// readHead reads the status line and the fields, of which only those matter
// that say where the body ends. length is -1 when none does.
func readHead(in *bufio.Reader) (status, length int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not an HTTP/1.1 answer: %.80q", line)
	}
	if status = number(line[9:12]); status < 100 {
		return 0, 0, fmt.Errorf("not an HTTP status: %.80q", line)
	}
	length = -1
	for {
		line, err = in.ReadSlice('\n')
		if err != nil {
			return 0, 0, noEOF(err)
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			if len(bytes.TrimSpace(line)) == 0 {
				return status, length, nil
			}
			return 0, 0, fmt.Errorf("not a header field: %.80q", line)
		}
		switch len(name) { // few fields have these lengths; cheaper than folding every name
		case len(contentLength):
			if bytes.EqualFold(name, contentLength) {
				length = number(bytes.TrimSpace(value))
			}
		case len(transferEncoding):
			if bytes.EqualFold(name, transferEncoding) && bytes.EqualFold(bytes.TrimSpace(value), chunked) {
				length = chunkedLength
			}
		}
	}
}

func (c *httpConn) skipChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return noEOF(err)
		}
		size, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil {
			return fmt.Errorf("not a chunk: %.80q", line)
		}
		if _, err := c.in.Discard(int(n) + 2); err != nil { // and its line end
			return noEOF(err)
		}
		if n == 0 {
			return nil
		}
	}
}

// number reads decimal digits; -1 when there is anything else.
func number(b []byte) int {
	if len(b) == 0 || len(b) > 9 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// noEOF says that the end came too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
