package load

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// The two devices at which a message must arrive.
const (
	sender = iota
	partner
	sides
)

// flow is one sender: one HTTP connection on which one person writes to one
// other. Several flows may share the two people.
type flow struct {
	index   int
	from    int    // index of the person who writes
	request []byte // the next request, complete
	id      []byte // the client_id inside request
	http    *httpConn

	current atomic.Uint64 // number of the message under way
	sentAt  atomic.Int64  // when it was sent or should have been; since the run's start
	waiting atomic.Int32  // closed loop: pushes still to come
	done    chan struct{} // closed loop: both came

	accepted atomic.Uint64 // answers 201
	rejected atomic.Uint64 // other answers
	got      [sides]atomic.Uint64
}

func newFlow(ctx context.Context, t Target, index, from int, who, to Person, size int) (*flow, error) {
	conn, err := dialHTTP(ctx, t)
	if err != nil {
		return nil, err
	}
	f := &flow{index: index, from: from, http: conn, done: make(chan struct{}, 1)}
	f.request, f.id = request(t, who, to, size)
	return f, nil
}

// request makes the bytes of a POST, and shows where in them the id stands.
func request(t Target, who, to Person, size int) (whole, id []byte) {
	const mark = "00000000-0000-0000-0000-000000000000"
	body := fmt.Sprintf(`{"to":"%s","client_id":"%s","body":"%s"}`, to.ID, mark, text(size))
	all := fmt.Sprintf("POST /api/v1/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		t.host, who.Token, len(body), body)
	at := strings.LastIndex(all, mark)
	whole = []byte(all)
	return whole, whole[at : at+len(mark)]
}

// text is what people write, of the given length.
func text(size int) string {
	const words = "shall we meet at the station tomorrow, or is eight too early? "
	return strings.TrimSpace(strings.Repeat(words, size/len(words)+1)[:size-1]) + strings.Repeat(".", 1+trailing(words, size))
}

// trailing is how many spaces text cuts off the end.
func trailing(words string, size int) int {
	if size > 1 && words[(size-2)%len(words)] == ' ' {
		return 1
	}
	return 0
}

// send writes message n; at is the time its latency counts from.
func (f *flow) send(run uint32, n uint64, at time.Duration) error {
	putID(f.id, run, f.index, n)
	f.sentAt.Store(int64(at))
	f.current.Store(n)
	_, err := f.http.conn.Write(f.request)
	return err
}
