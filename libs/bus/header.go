package bus

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatapp/libs/trace"
)

// Header names. CloudEvents attributes in binary mode, W3C trace context, and
// the two of our own request/reply.
const (
	headerID      = "ce-id"
	headerType    = "ce-type"
	headerSource  = "ce-source"
	headerTime    = "ce-time"
	headerSpec    = "ce-specversion"
	headerError   = "Chat-Error"
	headerTimeout = "Chat-Timeout-Ms"
)

// encode makes the NATS message of m.
func encode(m Message) *nats.Msg {
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	h := nats.Header{
		jetstream.MsgIDHeader: {m.ID},
		headerID:              {m.ID},
		headerType:            {m.Type},
		headerSource:          {m.Source},
		headerTime:            {m.Time.UTC().Format(time.RFC3339Nano)},
		headerSpec:            {"1.0"},
	}
	if m.Trace != "" {
		h[trace.Header] = []string{m.Trace}
	}
	return &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
}

// decode reads what encode wrote; foreign messages give empty attributes.
func decode(subject string, h nats.Header, data []byte) Message {
	first := func(key string) string {
		if v := h[key]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	at, _ := time.Parse(time.RFC3339Nano, first(headerTime)) // zero when missing
	return Message{
		Subject: subject, ID: first(headerID), Type: first(headerType), Source: first(headerSource),
		Time: at, Data: data, Trace: first(trace.Header),
	}
}
