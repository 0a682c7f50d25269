package users

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestAccountBecomesProfile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		w.registered(t, ada, 1)
		w.registered(t, bob, 1)
		m := w.events.Expect(t, ada.profileChanged(), ada.registered(), bob.registered(), bob.profileChanged())
		wantEvent(t, m[0].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "Ada", Version: 1})
		if m[0].Type != events.NameProfileChanged || m[0].Source != "chatapp/users" || m[0].ID == "" {
			t.Errorf("%+v", m[0])
		}
		wantFound(t, s, ada, "", "bob")
		testkit.Eventually(t, patience, func() bool { return w.count(t, "outbox") == 0 })
	})
}

// TestEventIsInTheTransaction: with nobody relaying, the event of a change is
// in the outbox; a replica that comes later publishes it.
func TestEventIsInTheTransaction(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		if _, err := s.change(t.Context(), ada.id, named("Grace")); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "outbox"); n != 2 {
			t.Fatalf("%d rows in the outbox, want 2", n)
		}
		w.events.Expect(t)
		w.service(t)
		m := w.events.Expect(t, ada.profileChanged(), ada.profileChanged())
		if got := []uint64{version(t, m[0].Data), version(t, m[1].Data)}; !slices.Equal(slices.Sorted(slices.Values(got)), []uint64{1, 2}) {
			t.Errorf("versions %v", got)
		}
		testkit.Eventually(t, patience, func() bool { return w.count(t, "outbox") == 0 })
	})
}

// TestBrokerOutage: without NATS people who are known here go on as always,
// their changes wait in the outbox, and the replica stays ready for them.
func TestBrokerOutage(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		w.events.Expect(t, ada.profileChanged())
		testkit.Eventually(t, patience, func() bool { return w.count(t, "outbox") == 0 })
		w.stopNATS()
		testkit.Eventually(t, patience, func() bool { return !s.bus.Connected() })
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("not ready: %v", err)
		}
		testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", ada.token, map[string]string{"display_name": "Grace"}).Want(http.StatusOK)
		if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me.DisplayName != "Grace" {
			t.Errorf("the name is %q", me.DisplayName)
		}
		wantProblem(t, s, http.MethodGet, "/api/v1/users/"+id.New().String(), ada.token, nil, 503, "unavailable")
		if n := w.count(t, "outbox"); n != 1 {
			t.Errorf("%d rows in the outbox, want 1", n)
		}
	})
}

func version(t *testing.T, data []byte) uint64 {
	t.Helper()
	var p events.ProfileChanged
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p.Version
}

// count is the number of rows of a table.
func (w *world) count(t *testing.T, table string) int64 {
	t.Helper()
	var n int64
	if err := w.db.R.Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRedelivery: every event one to five times in any order, mixed with
// changes, gives the state of once in order, and one event per version.
func TestRedelivery(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		var people, deliveries []person
		var want []string
		for i := range 8 {
			p := w.signUp(fmt.Sprintf("user%d", i), fmt.Sprintf("Name %d", i))
			people = append(people, p)
			want = append(want, p.profileChanged())
			for range 1 + rand.IntN(5) {
				deliveries = append(deliveries, p)
				want = append(want, p.registered())
			}
		}
		rand.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
		for i, p := range deliveries {
			w.registered(t, p, 1)
			if i%4 == 0 { // a change in the middle of it all
				name := fmt.Sprintf("Changed %d", i)
				if _, err := s.change(t.Context(), p.id, named(name)); err != nil {
					t.Fatal(err)
				}
				want = append(want, p.profileChanged())
			}
		}
		seen := w.events.Expect(t, want...)
		for _, p := range people {
			w.wantLatest(t, s, p, seen)
		}
		if n := w.count(t, "profiles"); n != int64(len(people)) {
			t.Errorf("%d profiles, want %d", n, len(people))
		}
	})
}

// wantLatest checks that the versions told of p are 1..n and that the last one
// is what everybody reads.
func (w *world) wantLatest(t *testing.T, s *Service, p person, seen []bus.Message) {
	t.Helper()
	var last events.ProfileChanged
	var versions []uint64
	for _, m := range seen {
		if m.Subject != p.profileChanged() {
			continue
		}
		var e events.ProfileChanged
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, e.Version)
		if e.Version >= last.Version {
			last = e
		}
	}
	slices.Sort(versions)
	for i, v := range versions {
		if v != uint64(i+1) {
			t.Fatalf("versions %v of %s", versions, p.account.Username)
		}
	}
	me := get[Me](t, s.Handler(), "/api/v1/users/me", p.token)
	if me.DisplayName != last.DisplayName || me.CreatedAt != p.account.CreatedAt {
		t.Errorf("%+v is not the last version %+v", me, last)
	}
}

// TestPoison: what can never become a profile is kept for the operator at once
// and holds nobody up.
func TestPoison(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.service(t)
		w.publish(t, "x", []byte("not json"), 1)
		w.publish(t, "y", []byte(`{"user_id":"y","username":"y"}`), 1)
		w.publish(t, "z", []byte(`{"user_id":"`+id.New().String()+`"}`), 1)
		ada := w.signUp("ada", strings.Repeat("too long ", 20))
		w.registered(t, ada, 1)
		prefix := strings.TrimSuffix(ada.registered(), ada.id.String())
		m := w.events.Expect(t, ada.profileChanged(), prefix+"x", prefix+"y", prefix+"z", ada.registered())
		wantEvent(t, m[0].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "ada", Version: 1})
		testkit.Eventually(t, patience, func() bool { return w.count(t, "dead_letters") == 3 })
	})
}

// TestTwoReplicas: both meet a new person at the same moment and change them
// concurrently: one first version, no version twice, no change without event.
func TestTwoReplicas(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		replicas := []*Service{w.service(t), w.service(t)}
		ada := w.signUp("ada", "Ada")
		w.registered(t, ada, 1)
		const each = 6
		var wg sync.WaitGroup
		for i, s := range replicas {
			for j := range each {
				wg.Go(func() {
					name := map[string]string{"display_name": fmt.Sprintf("Ada %d.%d", i, j)}
					r := testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", ada.token, name)
					if r.Status != http.StatusOK {
						t.Errorf("%d %s", r.Status, r.Body)
					}
				})
			}
		}
		wg.Wait()
		want := slices.Repeat([]string{ada.profileChanged()}, 1+2*each)
		seen := w.events.Expect(t, append(want, ada.registered())...)
		for _, s := range replicas {
			w.wantLatest(t, s, ada, seen)
		}
		if n := w.count(t, "profiles"); n != 1 {
			t.Errorf("%d profiles", n)
		}
	})
}

func TestProfileForOtherServices(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		w.service(t)
		ask := func(user string) (e events.ProfileChanged, err error) {
			err = w.bus.Request(t.Context(), events.RPCProfile, events.UserRequest{UserID: user}, &e)
			return e, err
		}
		testkit.Eventually(t, patience, func() bool {
			_, err := ask("")
			return errs.Is(err, errs.NotFound)
		})
		ada := w.signUp("ada", "Ada")
		want := events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "Ada", Version: 1}
		for range 2 {
			if e, err := ask(ada.id.String()); err != nil || e != want {
				t.Fatalf("%+v, %v; want %+v", e, err, want)
			}
		}
		w.events.Expect(t, ada.profileChanged())
		if _, err := ask(id.New().String()); !errs.Is(err, errs.NotFound) {
			t.Errorf("%v, want not-found", err)
		}
		w.events.Expect(t)
	})
}

func TestReady(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Ready(gone); err == nil {
			t.Error("ready without a database")
		}
	})
}

func TestOpenAPI(t *testing.T) {
	raw, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for path, item := range doc.Paths {
		for method := range item {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(got)
	want := []string{
		"delete /api/v1/users/me/blocks/{id}", "delete /api/v1/users/me/picture",
		"get /api/v1/users", "get /api/v1/users/me", "get /api/v1/users/me/activity", "get /api/v1/users/me/blocks", "get /api/v1/users/me/privacy",
		"get /api/v1/users/{id}", "get /api/v1/users/{id}/pictures/{picture_id}/{size}",
		"patch /api/v1/users/me", "put /api/v1/users/me/blocks/{id}", "put /api/v1/users/me/picture", "put /api/v1/users/me/privacy",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
