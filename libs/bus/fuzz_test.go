package bus

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// FuzzDecode: headers of anybody give a message, and one that is written the
// same again.
func FuzzDecode(f *testing.F) {
	f.Add("ce-id", "1", "ce-time", "2026-01-01T00:00:00Z", []byte("x"))
	f.Add("ce-time", "yesterday", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string, data []byte) {
		m := decode("chat.x", nats.Header{k1: {v1}, k2: {v2}}, data)
		if m.Time.IsZero() || m.Time.Year() > 9999 || m.Time.Year() < 0 {
			return // has no written form: encode would take the present
		}
		again := encode(m)
		if n := decode(again.Subject, again.Header, again.Data); n.ID != m.ID || n.Type != m.Type || !n.Time.Equal(m.Time) || n.Trace != m.Trace {
			t.Fatalf("%+v, then %+v", m, n)
		}
	})
}
