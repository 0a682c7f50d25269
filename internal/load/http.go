package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// answer is an HTTP response. The body is empty or incomplete when it came in
// chunks; it is only shown to people.
type answer struct {
	status int
	body   []byte
}

var (
	headEnd          = []byte("\r\n\r\n")
	lineEnd          = []byte("\r\n")
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
	chunked          = []byte("chunked")
)

// Where a body ends that has no Content-Length.
const (
	bodyless      = -1
	chunkedLength = -2
)

// parseAnswer reads the HTTP/1.1 response that data begins with. n is its
// length, 0 while it is incomplete.
func parseAnswer(data []byte) (a answer, n int, err error) {
	end := bytes.Index(data, headEnd)
	if end < 0 {
		return a, 0, nil
	}
	status, length, err := parseHead(data[:end])
	if err != nil {
		return a, 0, err
	}
	a.status = status
	end += len(headEnd)
	switch {
	case status == 101 || status == 204 || status == 304:
		return a, end, nil
	case length == chunkedLength:
		n, err = skipChunks(data[end:])
		if n > 0 {
			n += end
			a.body = data[end:n]
		}
		return a, n, err
	case length < 0:
		return a, 0, fmt.Errorf("an answer of unknown length: %.200q", data[:end])
	case len(data) < end+length:
		return a, 0, nil
	}
	a.body = data[end : end+length]
	return a, end + length, nil
}

// parseHead reads the status line and the fields, of which only those matter
// that say where the body ends.
func parseHead(head []byte) (status, length int, err error) {
	line, rest, _ := bytes.Cut(head, lineEnd)
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not an HTTP/1.1 answer: %.80q", line)
	}
	if status = number(line[9:12]); status < 100 {
		return 0, 0, fmt.Errorf("not an HTTP status: %.80q", line)
	}
	length = bodyless
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, lineEnd)
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return 0, 0, fmt.Errorf("not a header field: %.80q", line)
		}
		name, value := line[:colon], line[colon+1:]
		switch colon { // few fields have these lengths; cheaper than folding every name
		case len(contentLength):
			if bytes.EqualFold(name, contentLength) {
				if length = number(bytes.TrimSpace(value)); length < 0 {
					return 0, 0, fmt.Errorf("not a length: %.80q", line)
				}
			}
		case len(transferEncoding):
			if bytes.EqualFold(name, transferEncoding) && bytes.EqualFold(bytes.TrimSpace(value), chunked) {
				length = chunkedLength
			}
		}
	}
	return status, length, nil
}

// skipChunks finds the end of a chunked body; 0 while it is incomplete.
func skipChunks(body []byte) (n int, err error) {
	for {
		line, _, ok := bytes.Cut(body[n:], lineEnd)
		if !ok {
			return 0, nil
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return 0, fmt.Errorf("not a chunk: %.80q", line)
		}
		n += len(line) + len(lineEnd) + int(size) + len(lineEnd)
		if n > len(body) {
			return 0, nil
		}
		if size == 0 {
			return n, nil
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
