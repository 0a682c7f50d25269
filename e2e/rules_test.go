package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// retryIsSame: the same client_id is the same message for ever; with another
// text it is a conflict that writes nothing.
func retryIsSame(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob, client.Options{})
	id := client.NewID()
	first, status, err := alice.Post(t.Context(), bob.ID(), id, text("once"))
	must(t, err)
	if status != http.StatusCreated {
		t.Errorf("first POST answered %d", status)
	}
	for _, site := range w.Everywhere() {
		again, status, err := alice.At(site).Post(t.Context(), bob.ID(), id, text("once"))
		must(t, err)
		if status != http.StatusOK || again != first {
			t.Errorf("retry answered %d %+v, want 200 %+v", status, again, first)
		}
		_, _, err = alice.At(site).Post(t.Context(), bob.ID(), id, text("another text"))
		wantProblem(t, err, http.StatusConflict, "client-id-reused")
	}
	fence := post(t, alice, bob.ID(), text("fence"))
	must(t, d.WaitMessages(within(t, soon), 2))
	must(t, d.View().Check(byID(first, fence)))
	must(t, bob.CheckHistory(t.Context(), first.ConversationID, byID(first, fence)))
}

// retryOnTwoReplicas: the same POST racing itself on all replicas is written
// once; every answer names the same message.
func retryOnTwoReplicas(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob, client.Options{})
	posted := byID()
	for round := range 5 {
		type answer struct {
			m      client.Message
			status int
			err    error
		}
		const racers = 8
		answers, id := make(chan answer, racers), client.NewID()
		for i := range racers {
			go func() {
				m, status, err := alice.At(w.Site(i)).Post(t.Context(), bob.ID(), id, text("race %d", round))
				answers <- answer{m, status, err}
			}()
		}
		created := 0
		for range racers {
			a := <-answers
			must(t, a.err)
			posted[a.m.ID] = a.m
			if a.status == http.StatusCreated {
				created++
			}
		}
		if len(posted) != round+1 || created != 1 {
			t.Errorf("round %d: %d messages so far, %d answers 201", round, len(posted), created)
		}
	}
	must(t, d.WaitMessages(within(t, soon), len(posted)))
	must(t, d.View().Check(posted))
	must(t, bob.CheckHistory(t.Context(), d.View().Messages[0].ConversationID, posted))
}

// thirdPerson: an outsider cannot tell a conversation from nothing, in any way.
func thirdPerson(t *testing.T, w *harness.World) {
	alice, bob, carol := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1)), person(t, "carol", w.Front)
	carolDevice := device(t, carol, client.Options{})
	m := post(t, alice, bob.ID(), text("not for carol"))
	nothing := "019a0000-0000-7000-8000-000000000000"
	for _, site := range w.Everywhere() {
		c := carol.At(site)
		for _, call := range []struct{ method, path, missing string }{
			{"GET", "/api/v1/messages/" + m.ID, "/api/v1/messages/" + nothing},
			{"GET", "/api/v1/conversations/" + m.ConversationID, "/api/v1/conversations/" + nothing},
			{"GET", "/api/v1/conversations/" + m.ConversationID + "/messages", "/api/v1/conversations/" + nothing + "/messages"},
			{"PUT", "/api/v1/conversations/" + m.ConversationID + "/read", "/api/v1/conversations/" + nothing + "/read"},
		} {
			var body any
			if call.method == "PUT" {
				body = map[string]int{"seq": 1}
			}
			existing, missing := c.JSON(t.Context(), call.method, call.path, body, nil), c.JSON(t.Context(), call.method, call.missing, body, nil)
			wantProblem(t, existing, http.StatusNotFound, "not-found")
			wantProblem(t, missing, http.StatusNotFound, "not-found")
			if a, ok := existing.(*client.Problem); ok {
				if b := missing.(*client.Problem); a.Detail != b.Detail || a.Title != b.Title {
					t.Errorf("%s %s: %q is not what a missing id gets: %q", call.method, call.path, a.Detail, b.Detail)
				}
			}
		}
		err := c.JSON(t.Context(), "POST", "/api/v1/messages", map[string]string{"conversation_id": m.ConversationID, "client_id": client.NewID(), "body": text("intruder")}, nil)
		wantProblem(t, err, http.StatusNotFound, "not-found")
	}
	list, err := carol.Conversations(t.Context())
	must(t, err)
	if len(list.Items) != 0 {
		t.Errorf("carol lists %+v", list.Items)
	}
	fence := post(t, alice, carol.ID(), text("for carol"))
	must(t, carolDevice.WaitMessages(within(t, soon), 1))
	must(t, carolDevice.View().Check(byID(fence)))
	must(t, alice.CheckHistory(t.Context(), m.ConversationID, byID(m)))
}

// logoutClosesSocket: 204, and within five seconds no socket of the session is
// open on any replica; other sessions of the person stay.
func logoutClosesSocket(t *testing.T, w *harness.World) {
	alice := person(t, "alice", w.Front)
	other := client.New(w.Front)
	must(t, other.Login(t.Context(), alice.Session().User.Username))
	stays := device(t, other, client.Options{})
	var devices []*client.Device
	for _, site := range w.Everywhere() {
		devices = append(devices, device(t, alice.At(site), client.Options{}))
	}
	res, err := alice.Do(t.Context(), http.MethodGet, "/api/v1/auth/logout", nil, nil)
	must(t, err)
	if res.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET logout answered %d", res.Status)
	}
	must(t, alice.JSON(t.Context(), http.MethodGet, "/api/v1/users/me", nil, nil)) // and ended nothing

	must(t, alice.Logout(t.Context()))
	ctx := within(t, 5*time.Second)
	for i, d := range devices {
		if err := d.Wait(ctx, "the socket closes 4401", client.View.Ended); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
	for _, site := range w.Everywhere() {
		eventually(t, "the access token is refused", func() error {
			err := alice.At(site).JSON(ctx, http.MethodGet, "/api/v1/users/me", nil, nil)
			if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusUnauthorized {
				return fmt.Errorf("answered %v", err)
			}
			return nil
		})
		wantProblem(t, alice.At(site).Refresh(t.Context()), http.StatusUnauthorized, "unauthenticated")
	}
	m := post(t, other, alice.ID(), text("still here"))
	must(t, stays.WaitMessages(within(t, soon), 1))
	must(t, stays.View().Check(byID(m)))
	for i, d := range devices {
		if n := len(d.View().Entries); n != 0 {
			t.Errorf("device %d of the ended session still got %d entries", i, n)
		}
	}
}

// sessionsEverywhere: a token or cookie made by one replica is good on every
// other; refresh tokens work once.
func sessionsEverywhere(t *testing.T, w *harness.World) {
	alice := person(t, "alice", w.Site(0))
	for _, site := range w.Everywhere() {
		var me client.User
		must(t, alice.At(site).JSON(t.Context(), "GET", "/api/v1/users/me", nil, &me))
		if me.ID != alice.ID() || me.Username != alice.Session().User.Username {
			t.Errorf("me is %+v", me)
		}
		before := alice.Session().AccessToken
		must(t, alice.Refresh(t.Context()))
		if alice.Session().AccessToken == before || alice.ID() != me.ID {
			t.Error("refresh changed nothing, or the person")
		}
	}
	wrong := client.New(w.Front)
	var answers []string
	for _, login := range []string{alice.Session().User.Username, "nobody-" + client.NewID()} {
		err := wrong.JSON(t.Context(), "POST", "/api/v1/auth/login", map[string]string{"login": login, "password": "not the password"}, nil)
		wantProblem(t, err, http.StatusUnauthorized, "unauthenticated")
		answers = append(answers, err.(*client.Problem).Detail)
	}
	if answers[0] != answers[1] {
		t.Errorf("wrong password and unknown person differ: %q", answers)
	}
	err := wrong.Register(t.Context(), alice.Session().User.Username)
	wantProblem(t, err, http.StatusConflict, "identifier-taken")
	wantProblem(t, wrong.JSON(t.Context(), "GET", "/api/v1/conversations", nil, nil), http.StatusUnauthorized, "unauthenticated")
}

// profileEverywhere: a new display name reaches every replica and every
// service that shows it.
func profileEverywhere(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	post(t, alice, bob.ID(), text("hi"))
	must(t, alice.JSON(t.Context(), "PATCH", "/api/v1/users/me", map[string]string{"display_name": "Ålice 🌵"}, nil))
	for _, site := range w.Everywhere() {
		eventually(t, "the new name is shown", func() error {
			var u client.User
			if err := bob.At(site).JSON(t.Context(), "GET", "/api/v1/users/"+alice.ID(), nil, &u); err != nil {
				return err
			}
			list, err := bob.At(site).Conversations(t.Context())
			if err == nil && (u.DisplayName != "Ålice 🌵" || len(list.Items) != 1 || list.Items[0].Peer.DisplayName != "Ålice 🌵") {
				err = fmt.Errorf("user %+v, list %+v", u, list.Items)
			}
			return err
		})
	}
}

// directory: prefix search over username and the words of the display name,
// without the caller, paged by cursor.
func directory(t *testing.T, w *harness.World) {
	stem := "zz" + strings.ReplaceAll(client.NewID(), "-", "")[:8]
	var people []*client.Client
	for i := range 4 {
		c := client.New(w.Site(i))
		must(t, c.Register(within(t, soon), fmt.Sprintf("%s%d", stem, i)))
		people = append(people, c)
	}
	caller := people[0].At(w.Front)
	eventually(t, "everybody is listed but the caller", func() error {
		found, err := caller.Find(t.Context(), stem)
		if want := []string{stem + "1", stem + "2", stem + "3"}; err == nil && !slices.Equal(usernames(found.Items), want) {
			err = fmt.Errorf("found %v", usernames(found.Items))
		}
		return err
	})
	var paged []string
	for cursor := ""; ; {
		var page client.Users
		must(t, caller.JSON(t.Context(), "GET", "/api/v1/users?limit=2&query="+stem+"&cursor="+cursor, nil, &page))
		paged = append(paged, usernames(page.Items)...)
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if want := []string{stem + "1", stem + "2", stem + "3"}; !slices.Equal(paged, want) {
		t.Errorf("paged %v", paged)
	}
	wantProblem(t, caller.JSON(t.Context(), "GET", "/api/v1/users?cursor=forged", nil, nil), 400, "invalid-cursor")
}

// notPublic: metrics and health are on the other listener; every answer of the
// public one carries the security headers and a request id.
func notPublic(t *testing.T, w *harness.World) {
	c := client.New(w.Front)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/readyz"} {
		res, err := c.Do(t.Context(), "GET", path, nil, nil)
		must(t, err)
		if strings.Contains(string(res.Body), "go_goroutines") || strings.Contains(string(res.Body), "goroutine profile") {
			t.Errorf("%s is public: %.200s", path, res.Body)
		}
	}
	for _, site := range w.Everywhere() {
		res, err := c.At(site).Do(t.Context(), "GET", "/api/v1/users/me", nil, nil)
		must(t, err)
		if res.Status != 401 || res.Header.Get("X-Request-Id") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%+v answered %d with %v", site, res.Status, res.Header)
		}
		var problem map[string]any
		must(t, json.Unmarshal(res.Body, &problem))
		if problem["instance"] != res.Header.Get("X-Request-Id") {
			t.Errorf("instance %v, X-Request-Id %v", problem["instance"], res.Header.Get("X-Request-Id"))
		}
		res, err = c.At(site).Do(t.Context(), "GET", "/api/v1/users/me", nil, http.Header{"Origin": {"https://evil.example"}})
		must(t, err)
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("a foreign origin is allowed to read answers")
		}
	}
}
