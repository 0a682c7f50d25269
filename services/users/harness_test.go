package users

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

const patience = 20 * time.Second

// world is a schema, a bus, and the auth service's side of it: the accounts
// that exist and the RPC that tells of them.
type world struct {
	db     *db.DB
	bus    *bus.Bus
	tokens *testkit.Tokens
	events *testkit.Recorder

	stopNATS func()

	mu       sync.Mutex
	accounts map[string]events.Registered
}

// person is somebody with an account and a token.
type person struct {
	account events.Registered
	id      id.ID
	token   string
}

func (p person) profileChanged() string {
	return events.Subject(events.ServiceUsers, events.NameProfileChanged, p.id.String())
}

func (p person) registered() string {
	return events.Subject(events.ServiceAuth, events.NameRegistered, p.id.String())
}

// eachWorld runs fn on every database with a fresh bus.
func eachWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		nats := testkit.NATS(t)
		b := testkit.Join(t, nats)
		w := &world{
			db: d, bus: b, stopNATS: nats.Shutdown, tokens: testkit.NewTokens(t), events: testkit.Record(t, b),
			accounts: map[string]events.Registered{},
		}
		fn(t, w)
	})
}

// background runs fn until the test ends and waits for it.
func background(t *testing.T, fn func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("background work: %v", err)
		}
	})
}

// serveAccounts makes auth answer.
func (w *world) serveAccounts(t *testing.T) {
	background(t, func(ctx context.Context) error {
		return w.bus.Serve(ctx, events.RPCAccount, events.ServiceAuth, func(_ context.Context, request []byte) (any, error) {
			var r events.UserRequest
			if err := json.Unmarshal(request, &r); err != nil {
				return nil, err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if a, ok := w.accounts[r.UserID]; ok {
				return a, nil
			}
			return nil, errs.New(errs.NotFound, "There is no such account.")
		})
	})
	testkit.Eventually(t, patience, func() bool {
		err := w.bus.Request(t.Context(), events.RPCAccount, events.UserRequest{}, nil)
		return errs.Is(err, errs.NotFound)
	})
}

// service starts one replica.
func (w *world) service(t *testing.T) *Service {
	s := w.idle(t)
	testkit.Run(t, s)
	return s
}

// idle builds a replica without background work.
func (w *world) idle(t *testing.T) *Service {
	s, err := New(run.Deps{Log: testkit.Log(t), DB: w.db, Bus: w.bus, Verifier: w.tokens.Verifier})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signUp makes an account that auth knows and has not told of yet.
func (w *world) signUp(username, displayName string) person {
	user := id.New()
	p := person{
		id: user, token: w.tokens.For(user, username),
		account: events.Registered{
			UserID: user.String(), Username: username, DisplayName: displayName,
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		},
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accounts[p.account.UserID] = p.account
	return p
}

// registered publishes the account's event; copies of it differ in message id,
// so that the broker does not drop them for us.
func (w *world) registered(t *testing.T, p person, copies int) {
	t.Helper()
	data, err := json.Marshal(p.account)
	if err != nil {
		t.Fatal(err)
	}
	w.publish(t, p.id.String(), data, copies)
}

func (w *world) publish(t *testing.T, key string, data []byte, copies int) {
	t.Helper()
	for range copies {
		err := w.bus.Publish(t.Context(), bus.Message{
			Subject: events.Subject(events.ServiceAuth, events.NameRegistered, key),
			ID:      id.New().String(), Type: events.NameRegistered, Source: "chatapp/auth", Time: time.Now(), Data: data,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// admitAll puts people into the schema directly.
func admitAll(t *testing.T, s *Service, people ...person) {
	t.Helper()
	for _, p := range people {
		profile, err := fromAccount(p.account)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.admit(t.Context(), profile); err != nil {
			t.Fatal(err)
		}
	}
}

// get asks for a path and decodes a 200.
func get[T any](t *testing.T, h http.Handler, path, token string) T {
	t.Helper()
	var v T
	r := testkit.Call(t, h, http.MethodGet, path, token, nil)
	if r.Status != http.StatusOK {
		t.Fatalf("GET %s: %d", path, r.Status)
	}
	r.JSON(&v)
	return v
}

// named is the change of a display name.
func named(name string) change { return change{DisplayName: &name} }
