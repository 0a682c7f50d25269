// Package bench measures ChatApp from outside: the shipped all-in-one as a
// real process, driven over its public API. See README.md for how to run it
// and how to read the figures.
package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// BenchmarkPostToPush sends one message after the other and waits for each on
// the recipient's WebSocket. Besides ns/op (POST sent to push received) it
// reports the quantiles.
func BenchmarkPostToPush(b *testing.B) {
	alice, bob := pair(b)
	device, err := bob.Connect(b.Context(), client.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer device.Close()
	took := make([]time.Duration, 0, 1024)
	for n := 1; b.Loop(); n++ {
		start := time.Now()
		if _, _, err := alice.Post(b.Context(), bob.ID(), client.NewID(), fmt.Sprint("message ", n)); err != nil {
			b.Fatal(err)
		}
		if err := device.WaitMessages(b.Context(), n); err != nil {
			b.Fatal(err)
		}
		took = append(took, device.View().Arrived[n-1].Sub(start))
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds()), fmt.Sprintf("p%d-µs", percent))
	}
}

// BenchmarkPostParallel is the throughput of accepted messages: many writers
// of one person, no listener.
func BenchmarkPostParallel(b *testing.B) {
	alice, bob := pair(b)
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := alice.Post(b.Context(), bob.ID(), client.NewID(), "a message of ordinary length, as people write them"); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// pair starts an all-in-one (no race detector) and signs two people up.
func pair(b *testing.B) (alice, bob *client.Client) {
	b.Helper()
	dir := b.TempDir()
	if err := harness.Build(b.Context(), dir, false, "./cmd/chatapp"); err != nil {
		b.Fatal(err)
	}
	app, base := harness.NewApp("chatapp", filepath.Join(dir, "chatapp"), dir, harness.Env{"CHAT_DATA_DIR": filepath.Join(dir, "data")})
	if err := app.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(app.Kill)
	alice, bob = client.New(client.At(base)), client.New(client.At(base))
	for c, name := range map[*client.Client]string{alice: "alice", bob: "bob"} {
		if err := c.Register(b.Context(), name); err != nil {
			b.Fatal(err)
		}
	}
	return alice, bob
}
