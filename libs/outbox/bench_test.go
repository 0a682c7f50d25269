package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
	"chatapp/libs/testkit"
)

// BenchmarkRelay is one event from PublishParcel to the broker's ack, in
// parcels of the given size, through a real NATS server in this process, whose
// work is part of the figure.
func BenchmarkRelay(b *testing.B) {
	for _, size := range []int{1, 512} {
		b.Run(fmt.Sprintf("parcel=%d", size), func(b *testing.B) {
			d := testkit.OpenSQLite(b, schema(b))
			nats := testkit.Bus(b)
			r, _ := start(b, d, nats)
			data := make([]byte, 450)
			users := make([]string, 400)
			for i := range users {
				users[i] = id.New().String()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += size {
				events := make([]bus.Message, min(size, b.N-n))
				for i := range events {
					user := users[(n+i)%len(users)]
					events[i] = bus.Message{Subject: "chat.messages.v1.logged." + user, ID: fmt.Sprint("0123456789abcdef-", n+i, "-", user), Type: "logged", Time: time.Now(), Data: data}
				}
				r.PublishParcel(outbox.Row{ID: id.New()}, events)
				for r.Waiting() > 4096 {
					time.Sleep(50 * time.Microsecond) // back-pressure, as the database gives it
				}
			}
			testkit.Eventually(b, time.Minute, func() bool { return r.Waiting() == 0 })
		})
	}
}
