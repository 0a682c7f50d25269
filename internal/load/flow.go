package load

import (
	"context"
	"fmt"
	"strings"
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
	*wire
	index   int
	from    int    // index of the person who writes
	request []byte // the next request, complete
	id      []byte // the client_id inside request

	current uint64        // number of the message under way
	sentAt  time.Duration // when it was sent or should have been; since the run's start
	waiting int           // closed loop: answer and pushes still to come
	asking  bool          // an answer is still to come

	accepted, rejected uint64 // answers 201, and others
	got                [sides]uint64
}

func newFlow(ctx context.Context, t Target, index, from int, who, to Person, size int) (*flow, error) {
	w, err := dial(ctx, t, 2048, nil)
	if err != nil {
		return nil, err
	}
	f := &flow{wire: w, index: index, from: from}
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

// text is what people write, of the given length; it ends in no space, because
// those are trimmed.
func text(size int) string {
	const words = "shall we meet at the station tomorrow, or is eight too early? "
	return strings.Repeat(words, size/len(words)+1)[:size-1] + "."
}

// post sends message n; at is the time its latency counts from.
func (f *flow) post(run uint32, n uint64, at time.Duration) error {
	putID(f.id, run, f.index, n)
	f.sentAt, f.current, f.waiting, f.asking = at, n, 1+sides, true
	return f.write(f.request)
}

// complete reports whether everything that was accepted has arrived.
func (f *flow) complete() bool {
	return !f.asking && f.got[sender] >= f.accepted && f.got[partner] >= f.accepted
}
