package bus_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
)

// guardedBroker has an administrator, and a service that may nothing but
// listen to its inbox.
func guardedBroker(t *testing.T) (admin, service *bus.Bus, k *testkit.Broker) {
	t.Helper()
	k = testkit.NewBroker(t,
		&server.User{Username: "admin", Password: "x"},
		&server.User{Username: "service", Password: "x", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"nothing"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_test.>"}},
		}})
	admin, service = k.Connect(t, nats.UserInfo("admin", "x")), k.Connect(t, nats.UserInfo("service", "x"))
	if err := admin.EnsureStream(t.Context(), bus.Stream{Name: "AUTH", Subjects: []string{"chat.auth.v1.>"}}); err != nil {
		t.Fatal(err)
	}
	if err := admin.EnsureConsumer(t.Context(), bus.Consumer{Stream: "AUTH", Durable: "d"}); err != nil {
		t.Fatal(err)
	}
	return admin, service, k
}

// wantRefusal: an error that names the subject and came long before any timeout.
func wantRefusal(t *testing.T, began time.Time, err error, subject string) {
	t.Helper()
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "no permission") || !strings.Contains(err.Error(), subject) || time.Since(began) > 2*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}

func TestDeniedPublishIsAnErrorNotATimeout(t *testing.T) {
	admin, service, _ := guardedBroker(t)
	began := time.Now()
	wantRefusal(t, began, service.Publish(t.Context(), event(1)), event(1).Subject)
	began, done := time.Now(), make(chan error, 1)
	if err := service.PublishAsync(event(2), func(err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, began, <-done, event(2).Subject)
	publish(t, admin, event(1))
}

func TestDeniedRequestIsAnErrorNotATimeout(t *testing.T) {
	admin, service, _ := guardedBroker(t)
	background(t, func(ctx context.Context) error {
		return admin.Serve(ctx, "chat.x.rpc.v1.ask", "x", func(context.Context, []byte) (any, error) { return 1, nil })
	})
	began := time.Now()
	wantRefusal(t, began, service.Request(t.Context(), "chat.x.rpc.v1.ask", 1, nil), "chat.x.rpc.v1.ask")
	// Another subject's refusal is not this request's business.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := service.Request(ctx, "chat.x.rpc.v1.ask", 1, nil); strings.Contains(err.Error(), "permission") {
		t.Errorf("a request that was given up: %v", err)
	}
}

func TestDeniedServeEndsWithTheRefusal(t *testing.T) {
	_, service, _ := guardedBroker(t)
	began := time.Now()
	err := service.Serve(t.Context(), "chat.x.rpc.v1.ask", "x", func(context.Context, []byte) (any, error) { return 1, nil })
	wantRefusal(t, began, err, "chat.x.rpc.v1.ask")
}

func TestDeniedWaitingForWhatOthersSetUpSaysSo(t *testing.T) {
	_, service, _ := guardedBroker(t)
	service.SetUpByOthers()
	began := time.Now()
	err := service.EnsureStream(t.Context(), bus.Stream{Name: "AUTH"})
	wantRefusal(t, began, err, "$JS.API.STREAM.INFO.AUTH")
}

// lines is a log that can be waited for.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func (l lines) await(t *testing.T, words ...string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case line := <-l:
			missing := 0
			for _, w := range words {
				if !strings.Contains(line, w) {
					missing++
				}
			}
			if missing == 0 {
				return
			}
		case <-limit:
			t.Fatalf("no line with %q", words)
		}
	}
}

// What has no answer at all is refused in the log.
func TestDeniedBroadcastAndConsumerNameTheSubject(t *testing.T) {
	_, _, k := guardedBroker(t)
	log := make(lines, 1000)
	service := k.ConnectLogging(t, slog.New(slog.NewTextHandler(log, nil)), nats.UserInfo("service", "x"))
	service.SetUpByOthers()
	if err := service.Broadcast("chat.messages.v1.logged.ada", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	log.await(t, "level=ERROR", "NATS refused", "chat.messages.v1.logged.ada")
	background(t, func(ctx context.Context) error {
		return service.Consume(ctx, bus.Consumer{Stream: "AUTH", Durable: "d"}, func(context.Context, bus.Message) error { return nil })
	})
	log.await(t, "consumer interrupted", "no permission", "$JS.API.CONSUMER.INFO.AUTH.d")
}
