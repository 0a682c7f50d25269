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

// BenchmarkRelay is one parcel from PublishParcel until the broker's ack, with
// as many news as there are members in its transaction, through a real NATS
// server in this process, whose work is part of the figure. Per news, not per
// parcel.
func BenchmarkRelay(b *testing.B) {
	for _, size := range []int{2, 512} {
		b.Run(fmt.Sprintf("news=%d", size), func(b *testing.B) {
			d := testkit.OpenSQLite(b, schema(b))
			r, _ := start(b, d, testkit.Bus(b))
			data := make([]byte, 450)
			subjects := make([]string, 400)
			for i := range subjects {
				subjects[i] = "chat.messages.v1.logged." + id.New().String()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += size {
				row := outbox.Row{ID: id.New()}
				r.PublishParcel(row, size*len(data), func() (outbox.Parcel, error) {
					p := outbox.Parcel{Events: []bus.Message{{Subject: "chat.messages.v1.committed.log", ID: row.ID.String(), Type: "committed", Time: time.Now(), Data: make([]byte, size/2*len(data))}}}
					for i := range size {
						p.News = append(p.News, outbox.News{Subject: subjects[(n+i)%len(subjects)], Data: data})
					}
					return p, nil
				})
				if n/size%4096 == 4095 { // back-pressure: the relay takes no more than it can hold
					testkit.Eventually(b, time.Minute, func() bool { return r.Waiting() < 4096 })
				}
			}
			testkit.Eventually(b, time.Minute, func() bool { return r.Waiting() == 0 })
		})
	}
}
