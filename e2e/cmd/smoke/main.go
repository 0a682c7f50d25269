// Command smoke shows in a few seconds that the all-in-one does its main job:
// it starts the binary in an empty temporary directory, signs two people up
// over the public API, sends 100 messages, receives them in order over the
// WebSocket, reads one by id, stops the binary, and prints one line.
//
//	smoke [path of the chatapp binary]      without a path it builds one
//
// Exit code 0 means that all of it happened within the time limit; otherwise
// it is 1 and the reason is on standard error.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

const (
	messages = 100
	limit    = 2 * time.Minute // for all of it, but a build
)

func main() {
	line, err := smoke(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "smoke FAILED:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

// smoke does everything in a directory that is gone afterwards.
func smoke(ctx context.Context, args []string) (line string, err error) {
	dir, err := os.MkdirTemp("", "chatapp-smoke-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bin", "chatapp")
	if len(args) > 0 {
		if binary, err = filepath.Abs(args[0]); err != nil {
			return "", err
		}
	} else if err := harness.Build(ctx, filepath.Dir(binary), false, "./cmd/chatapp"); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	app, base := harness.NewApp("chatapp", binary, dir, nil)
	app.Dir = filepath.Join(dir, "empty")
	if err := os.Mkdir(app.Dir, 0o755); err != nil {
		return "", err
	}
	if err := app.Start(ctx); err != nil {
		return "", err
	}
	defer app.Kill()
	up := time.Since(began)
	latencies, err := mainJob(ctx, base)
	if err != nil {
		return "", fmt.Errorf("%w; the end of its log:\n%s", err, app.Tail(2000))
	}
	if err := app.Stop(ctx); err != nil {
		return "", err
	}
	slices.Sort(latencies)
	return fmt.Sprintf("smoke ok: %d messages, POST to push p50 %v p99 %v; ready in %v, all done in %v", len(latencies),
		quantile(latencies, 50), quantile(latencies, 99), up.Round(time.Millisecond), time.Since(began).Round(time.Millisecond)), nil
}

func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(10 * time.Microsecond)
}

// mainJob lets two people chat and returns, per message, the time from before
// the POST until the other person's socket had it.
func mainJob(ctx context.Context, base string) ([]time.Duration, error) {
	alice, bob := client.New(client.At(base)), client.New(client.At(base))
	if err := alice.Register(ctx, "alice"); err != nil {
		return nil, fmt.Errorf("alice signs up: %w", err)
	}
	if err := bob.Register(ctx, "bob"); err != nil {
		return nil, fmt.Errorf("bob signs up: %w", err)
	}
	device, err := bob.Connect(ctx, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("bob's WebSocket: %w", err)
	}
	defer device.Close()
	posted, began := map[string]client.Message{}, map[string]time.Time{}
	for i := range messages {
		start := time.Now()
		m, status, err := alice.Post(ctx, bob.ID(), client.NewID(), fmt.Sprintf("message %d", i+1))
		if err != nil || status != http.StatusCreated {
			return nil, fmt.Errorf("POST %d: status %d, %v", i+1, status, err)
		}
		posted[m.ID], began[m.ID] = m, start
	}
	if err := device.WaitMessages(ctx, messages); err != nil {
		return nil, err
	}
	view := device.View()
	if err := view.Check(posted); err != nil {
		return nil, fmt.Errorf("bob's WebSocket: %w", err)
	}
	latencies := make([]time.Duration, messages)
	for i, m := range view.Messages {
		latencies[i] = view.Arrived[i].Sub(began[m.ID])
	}
	return latencies, readBack(ctx, bob, view.Messages[messages/2], posted)
}

// readBack reads one message by id, the whole history, and the UI's page.
func readBack(ctx context.Context, bob *client.Client, pushed client.Message, posted map[string]client.Message) error {
	got, err := bob.Message(ctx, pushed.ID)
	if err != nil || got != pushed {
		return fmt.Errorf("read by id %+v, pushed %+v: %v", got, pushed, err)
	}
	if err := bob.CheckHistory(ctx, pushed.ConversationID, posted); err != nil {
		return err
	}
	page, err := bob.Do(ctx, http.MethodGet, "/", nil, nil)
	if err != nil || page.Status != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		return fmt.Errorf("the UI page: %+v, %v", page, err)
	}
	return nil
}
