package testkit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestEachDBGivesTwoWorkingDatabases(t *testing.T) {
	seen := map[db.Dialect]bool{}
	testkit.EachDB(t, nil, func(t *testing.T, d *db.DB) {
		seen[d.Dialect] = true
		if err := d.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if !seen[db.SQLite] || !seen[db.MySQL] {
		t.Fatalf("ran on %v", seen)
	}
}

func TestRecordSeesEventsOnceAndInAnyOrder(t *testing.T) {
	b := testkit.Bus(t)
	r := testkit.Record(t, b)
	r.Expect(t)
	for _, n := range []string{"1", "2", "2"} {
		m := bus.Message{Subject: "chat.auth.v1.registered." + n, ID: "id-" + n, Type: "registered", Data: []byte(n)}
		if err := b.Publish(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := r.Expect(t, "chat.auth.v1.registered.2", "chat.auth.v1.registered.1")
	if string(got[0].Data) != "2" || string(got[1].Data) != "1" {
		t.Fatalf("got %q %q", got[0].Data, got[1].Data)
	}
}

func TestTokensAreAcceptedByTheirVerifierOnly(t *testing.T) {
	tokens, other := testkit.NewTokens(t), testkit.NewTokens(t)
	user := id.New()
	who, err := tokens.Verifier.Verify(t.Context(), tokens.For(user, "ada"))
	if err != nil || who.UserID != user || who.Username != "ada" {
		t.Fatalf("%+v %v", who, err)
	}
	if _, err := tokens.Verifier.Verify(t.Context(), other.For(user, "ada")); !errs.Is(err, errs.Unauthenticated) {
		t.Fatalf("a foreign token: %v", err)
	}
}

func TestCallSendsJSONAndToken(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("X-Auth", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(`{"a":1}`))
	})
	res := testkit.Call(t, h, http.MethodPost, "/x", "tok", map[string]int{"a": 1}).Want(http.StatusTeapot)
	var v struct{ A int }
	res.JSON(&v)
	if v.A != 1 || res.Header.Get("X-Auth") != "Bearer tok" || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%+v %v", v, res.Header)
	}
}

func TestEventuallyReturnsAsSoonAsTrue(t *testing.T) {
	n := 0
	testkit.Eventually(t, time.Minute, func() bool { n++; return n == 3 })
}
