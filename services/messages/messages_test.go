package messages

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/run"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// world is one running service with three people in it.
type world struct {
	t             *testing.T
	svc           *Service
	deps          run.Deps
	tokens        *testkit.Tokens
	ada, ben, eve actor
}

type actor struct {
	id    id.ID
	token string
}

// each runs fn in a fresh world on SQLite and on MariaDB.
func each(t *testing.T, fn func(w *world)) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) { fn(newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	deps, tokens := testkit.Deps(t, d)
	w := &world{t: t, deps: deps, tokens: tokens, svc: start(t, deps)}
	w.ada, w.ben, w.eve = w.person("ada", "Ada Lovelace"), w.person("ben", "Ben"), w.person("eve", "Eve")
	return w
}

// start runs one more replica.
func start(t *testing.T, deps run.Deps) *Service {
	t.Helper()
	deps.Metrics = nil
	svc, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Run(t, svc)
	return svc
}

func (w *world) person(username, name string) actor {
	w.t.Helper()
	a := actor{id: id.New()}
	a.token = w.tokens.For(a.id, username)
	_, err := w.svc.store.savePerson(w.t.Context(), a.id, events.ProfileChanged{Username: username, DisplayName: name, Version: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) call(as actor, method, path string, body any) *testkit.Response {
	w.t.Helper()
	return testkit.Call(w.t, w.svc.Handler(), method, path, as.token, body)
}

// post writes to a person and must succeed.
func (w *world) post(from, to actor, text string) events.Message {
	w.t.Helper()
	var m events.Message
	w.call(from, "POST", "/api/v1/messages", newPost(to, text)).Want(201).JSON(&m)
	return m
}

type fields = map[string]any

func newPost(to actor, text string) fields {
	return fields{"to": to.id, "client_id": id.New(), "body": text}
}

// record notes the events from now on; those of earlier posts have gone out.
// How many transactions there were, and so committed events, is not noted.
func (w *world) record() *testkit.Recorder {
	w.t.Helper()
	testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
	return testkit.Record(w.t, w.deps.Bus, "chat.auth.>", "chat.users.>", "chat.notify.>", "chat.messages.v1.logged.*") // committed: TestCommitted
}

func logged(a actor) string { return "chat.messages.v1.logged." + a.id.String() }

func (w *world) conversations(as actor) []conversationView {
	w.t.Helper()
	var page struct{ Items []conversationView }
	w.call(as, "GET", "/api/v1/conversations", nil).Want(200).JSON(&page)
	return page.Items
}

type logPage struct {
	Items   []Entry
	Cursor  string
	HasMore bool `json:"has_more"`
}

func (w *world) log(as actor, query string) logPage {
	w.t.Helper()
	var p logPage
	w.call(as, "GET", "/api/v1/events"+query, nil).Want(200).JSON(&p)
	return p
}

// A post is saved once, answered with what was saved, readable by both, hidden
// from a third, and tells every member once.
func TestPost(t *testing.T) {
	each(t, func(w *world) {
		seen := w.record()
		client := id.New()
		var m events.Message
		res := w.call(w.ada, "POST", "/api/v1/messages", fields{"to": w.ben.id, "client_id": client, "body": "  Hello <b>Ben</b> 👩‍💻\n"}).Want(201)
		res.JSON(&m)
		if m.Body != "Hello <b>Ben</b> 👩‍💻" || m.SenderID != w.ada.id.String() || m.Seq != 1 || m.ClientID != client.String() {
			t := w.t
			t.Errorf("%+v", m)
		}
		if age := time.Since(m.CreatedAt); age < 0 || age > time.Minute {
			w.t.Errorf("created_at %v", m.CreatedAt)
		}
		for _, who := range []actor{w.ada, w.ben} {
			var got events.Message
			w.call(who, "GET", "/api/v1/messages/"+m.ID, nil).Want(200).JSON(&got)
			if got != m {
				w.t.Errorf("got %+v want %+v", got, m)
			}
		}
		w.call(w.eve, "GET", "/api/v1/messages/"+m.ID, nil).WantProblem("not-found")
		told := seen.Expect(w.t, logged(w.ada), logged(w.ben))
		for _, e := range told {
			if want := `"body":"Hello \u003cb\u003eBen\u003c/b\u003e 👩‍💻"`; !containsText(e.Data, want) {
				w.t.Errorf("the event lacks the message: %s", e.Data)
			}
		}
		// The log gives the same bytes that were pushed.
		var log struct{ Items []json.RawMessage }
		w.call(w.ben, "GET", "/api/v1/events", nil).Want(200).JSON(&log)
		if string(log.Items[0]) != string(told[0].Data) && string(log.Items[0]) != string(told[1].Data) {
			w.t.Errorf("read %s, pushed %s", log.Items[0], told[0].Data)
		}
		req := testkit.NewRequest(w.t, "GET", "/api/v1/messages/"+m.ID, w.ben.token, nil)
		req.Header.Set("If-None-Match", res.Header.Get("ETag"))
		if got := testkit.Do(w.t, w.svc.Handler(), req).Want(304); len(got.Body) != 0 {
			w.t.Errorf("a 304 has a body: %q", got.Body)
		}
	})
}

// What is refused writes nothing and tells nobody.
func TestRefusedPosts(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "the only one")
		seen := w.record()
		post := func(change fields) fields {
			p := newPost(w.ben, "text")
			for k, v := range change {
				p[k] = v
				if v == nil {
					delete(p, k)
				}
			}
			return p
		}
		for name, c := range map[string]struct {
			body   any
			status int
			slug   string
		}{
			"blank":                   {post(fields{"body": " \n\t "}), 400, "invalid-body"},
			"empty":                   {post(fields{"body": ""}), 400, "invalid-body"},
			"no text":                 {post(fields{"body": nil}), 400, "invalid-body"},
			"8,001 characters":        {post(fields{"body": repeat("é", 8001)}), 400, "invalid-body"},
			"NUL":                     {post(fields{"body": "a\x00b"}), 400, "invalid-text"},
			"nobody to write to":      {post(fields{"to": nil}), 400, "invalid-body"},
			"person and conversation": {post(fields{"conversation_id": m.ConversationID}), 400, "invalid-body"},
			"no client_id":            {post(fields{"client_id": nil}), 400, "invalid-body"},
			"client_id not a UUID":    {post(fields{"client_id": "1"}), 400, "invalid-body"},
			"client_id zero":          {post(fields{"client_id": id.Nil}), 400, "invalid-body"},
			"forged sender":           {post(fields{"sender_id": w.eve.id}), 400, "invalid-body"},
			"forged seq":              {post(fields{"seq": 7}), 400, "invalid-body"},
			"200 KB":                  {post(fields{"body": repeat("x", 200_000)}), 413, "too-large"},
		} {
			p := w.call(w.ada, "POST", "/api/v1/messages", c.body).Want(c.status).Problem()
			if p.Type != "/problems/"+c.slug {
				w.t.Errorf("%s: %s, want %s", name, p.Type, c.slug)
			}
		}
		w.call(actor{}, "POST", "/api/v1/messages", newPost(w.ben, "x")).WantProblem("unauthenticated")
		w.call(w.eve, "POST", "/api/v1/messages", fields{"conversation_id": m.ConversationID, "client_id": id.New(), "body": "x"}).WantProblem("not-found")
		seen.Expect(w.t)
		if n := count(w, "messages"); n != 1 {
			w.t.Errorf("%d messages", n)
		}
	})
}

// The longest text passes, counted in characters and not in bytes.
func TestLongestText(t *testing.T) {
	each(t, func(w *world) {
		if m := w.post(w.ada, w.ben, repeat("é", 8000)); m.Body != repeat("é", 8000) {
			w.t.Error("changed")
		}
		if m := w.post(w.ada, w.ben, repeat("😀", 8000)); m.Body != repeat("😀", 8000) {
			w.t.Error("changed")
		}
	})
}

// In the seed anyone could PATCH or DELETE any message.
func TestMethodsThatAreNotAllowedChangeNothing(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "stays")
		seen := w.record()
		for _, path := range []string{"/api/v1/messages/" + m.ID, "/api/v1/messages", "/api/v1/conversations/" + m.ConversationID, "/api/v1/events"} {
			for _, method := range []string{"PATCH", "DELETE", "PUT"} {
				if res := w.call(w.ada, method, path, fields{"body": "changed"}); res.Header.Get("Allow") == "" {
					w.t.Errorf("%s %s: no Allow header", method, path)
				} else {
					res.WantProblem("method-not-allowed")
				}
			}
		}
		var got events.Message
		w.call(w.ben, "GET", "/api/v1/messages/"+m.ID, nil).Want(200).JSON(&got)
		if got != m {
			w.t.Errorf("changed: %+v", got)
		}
		seen.Expect(w.t)
	})
}

func TestOpeningAConversation(t *testing.T) {
	each(t, func(w *world) {
		open := func(as, with actor) conversationView {
			var c conversationView
			w.call(as, "POST", "/api/v1/conversations", fields{"user_id": with.id}).Want(200).JSON(&c)
			return c
		}
		a, b := open(w.ada, w.ben), open(w.ben, w.ada)
		if a.ID != b.ID || a.ID != open(w.ada, w.ben).ID {
			w.t.Error("two conversations for one pair")
		}
		if a.Peer.Username != "ben" || b.Peer.DisplayName != "Ada Lovelace" || a.Kind != "direct" || a.LastMessage != nil {
			w.t.Errorf("%+v %+v", a, b)
		}
		if got := w.conversations(w.ada); len(got) != 0 {
			w.t.Errorf("an empty conversation is listed: %+v", got)
		}
		if m := w.post(w.ben, w.ada, "hi"); m.ConversationID != a.ID {
			w.t.Error("a post to the person went elsewhere")
		}
		notes := open(w.ada, w.ada)
		if notes.Kind != "self" || notes.ID != open(w.ada, w.ada).ID || notes.Peer.Username != "ada" {
			w.t.Errorf("%+v", notes)
		}
		w.post(w.ada, w.ada, "milk")
		if got := w.conversations(w.ada); len(got) != 2 || got[0].ID != notes.ID || got[0].Unread != 0 || got[0].LastMessage.Body != "milk" {
			w.t.Errorf("%+v", got)
		}
		w.call(w.ada, "POST", "/api/v1/conversations", fields{"user_id": "x"}).WantProblem("invalid-body")
		w.call(w.eve, "GET", "/api/v1/conversations/"+a.ID, nil).WantProblem("not-found")
		w.call(w.eve, "GET", "/api/v1/conversations/"+a.ID+"/messages", nil).WantProblem("not-found")
		w.call(w.eve, "PUT", "/api/v1/conversations/"+a.ID+"/read", fields{"seq": 1}).WantProblem("not-found")
	})
}

// Somebody who begins conversations with more and more people is stopped; in
// those that are there already, and for everybody else, nothing changes.
func TestNewConversationsAreLimited(t *testing.T) {
	each(t, func(w *world) {
		w.deps.Config.RateLimit, w.deps.Config.RateContacts = "on", 2
		w.svc = start(t, w.deps)
		before := w.post(w.eve, w.ada, "hi")
		w.post(w.ada, w.ben, "1")
		w.call(w.ada, "POST", "/api/v1/conversations", fields{"user_id": w.ada.id}).Want(200)
		zoe := w.person("zoe", "Zoe")
		refused := w.call(w.ada, "POST", "/api/v1/messages", newPost(zoe, "3"))
		refused.WantProblem("rate-limited")
		if wait := refused.Header.Get("Retry-After"); wait != "30" {
			w.t.Errorf("Retry-After %q, want 30 s: two a minute", wait)
		}
		w.call(w.ada, "POST", "/api/v1/conversations", fields{"user_id": zoe.id}).WantProblem("rate-limited")
		if n := count(w, "conversations"); n != 3 {
			w.t.Errorf("%d conversations, want 3", n)
		}
		w.post(w.ada, w.ben, "again")
		w.call(w.ada, "POST", "/api/v1/messages", fields{"conversation_id": before.ConversationID, "client_id": id.New(), "body": "answer"}).Want(201)
		w.post(zoe, w.ada, "from the other side")
		w.post(w.ada, zoe, "which I may answer")
	})
}

// Pages meet exactly, oldest to newest, back to the first message and forward
// to the last.
func TestPaging(t *testing.T) {
	each(t, func(w *world) {
		var last events.Message
		for i := 1; i <= 40; i++ {
			last = w.post(w.ada, w.ben, strconv.Itoa(i))
		}
		get := func(query string) messagePage {
			var p messagePage
			w.call(w.ben, "GET", "/api/v1/conversations/"+last.ConversationID+"/messages"+query, nil).Want(200).JSON(&p)
			return p
		}
		for _, c := range []struct {
			query        string
			first, final int
			older, newer bool
		}{
			{"", 26, 40, true, false},
			{"?before=26", 11, 25, true, true},
			{"?before=11", 1, 10, false, true},
			{"?before=2&limit=5", 1, 1, false, true},
			{"?after=35", 36, 40, true, false},
			{"?after=10&limit=3", 11, 13, true, true},
			{"?after=0&limit=2", 1, 2, false, true},
			{"?limit=100", 1, 40, false, false},
		} {
			p := get(c.query)
			if len(p.Items) != c.final-c.first+1 || p.HasOlder != c.older || p.HasNewer != c.newer {
				w.t.Fatalf("%s: %d items, older %v, newer %v", c.query, len(p.Items), p.HasOlder, p.HasNewer)
			}
			for i, m := range p.Items {
				if m.Body != strconv.Itoa(c.first+i) || m.Seq != uint64(c.first+i) {
					w.t.Fatalf("%s: item %d is %+v", c.query, i, m)
				}
			}
		}
		for _, query := range []string{"?before=0", "?before=1", "?after=40", "?after=99"} {
			if p := get(query); len(p.Items) != 0 || p.HasOlder != (query[1] == 'a') || p.HasNewer != (query[1] == 'b') {
				w.t.Errorf("%s: %+v", query, p)
			}
		}
		for _, query := range []string{"?limit=0", "?limit=101", "?before=-1", "?before=1&after=1", "?before=x", "?page=2"} {
			w.call(w.ben, "GET", "/api/v1/conversations/"+last.ConversationID+"/messages"+query, nil).WantProblem("invalid-parameter")
		}
		var with messagePage
		w.call(w.ben, "GET", "/api/v1/messages?with="+w.ada.id.String(), nil).Want(200).JSON(&with)
		if len(with.Items) != 15 || with.Items[14].Body != "40" {
			w.t.Errorf("by partner: %+v", with)
		}
		w.call(w.eve, "GET", "/api/v1/messages?with="+w.ada.id.String(), nil).Want(200).JSON(&with)
		if len(with.Items) != 0 {
			w.t.Errorf("eve sees %+v", with)
		}
	})
}

// Unread is what follows the mark; the mark never goes back; own posts move it.
func TestReadMarks(t *testing.T) {
	each(t, func(w *world) {
		var m events.Message
		for range 5 {
			m = w.post(w.ada, w.ben, "x")
		}
		seen := w.record()
		read := func(as actor, seq int) readView {
			var r readView
			w.call(as, "PUT", "/api/v1/conversations/"+m.ConversationID+"/read", fields{"seq": seq}).Want(200).JSON(&r)
			return r
		}
		if r := read(w.ben, 3); r.ReadSeq != 3 || r.Unread != 2 {
			w.t.Errorf("%+v", r)
		}
		if r := read(w.ben, 1); r.ReadSeq != 3 || r.Unread != 2 {
			w.t.Errorf("went back: %+v", r)
		}
		if r := read(w.ben, 99); r.ReadSeq != 5 || r.Unread != 0 {
			w.t.Errorf("beyond the end: %+v", r)
		}
		read(w.ben, 5)
		seen.Expect(w.t, logged(w.ada), logged(w.ben), logged(w.ada), logged(w.ben)) // two moves, two members
		w.post(w.ada, w.ben, "6")
		w.post(w.ben, w.ada, "7")
		a, b := w.conversations(w.ada)[0], w.conversations(w.ben)[0]
		if b.Unread != 0 || b.ReadSeq != 7 || b.PeerReadSeq != 6 || a.Unread != 1 || a.PeerReadSeq != 7 {
			w.t.Errorf("ada %+v ben %+v", a, b)
		}
	})
}

type readView struct {
	ReadSeq uint64 `json:"read_seq"`
	Unread  uint64 `json:"unread"`
}

// The list is in the order of the last message, pages through, and costs the
// same number of statements however long it is.
func TestConversationList(t *testing.T) {
	each(t, func(w *world) {
		var friends []actor
		for i := range 7 {
			f := w.person(fmt.Sprintf("friend%d", i), "Friend")
			friends = append(friends, f)
			w.post(f, w.ada, fmt.Sprintf("hello %d", i))
		}
		w.post(w.ada, friends[2], "again")
		for _, c := range w.conversations(w.ada) {
			if c.Peer.Username == "friend1" || c.Peer.Username == "friend0" {
				w.call(w.ada, "PUT", "/api/v1/conversations/"+c.ID+"/read", fields{"seq": c.LastSeq}).Want(200)
			}
		}
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 }) // the relay's statements count too
		var got, moreUnread []string
		cursor := ""
		for range 4 {
			var page struct {
				Items      []conversationView
				NextCursor *string `json:"next_cursor"`
				MoreUnread bool    `json:"more_unread"`
			}
			n := w.cost(func() {
				w.call(w.ada, "GET", "/api/v1/conversations?limit=2&cursor="+cursor, nil).Want(200).JSON(&page)
			})
			if n > 3 {
				w.t.Errorf("%d statements for a page", n)
			}
			moreUnread = append(moreUnread, fmt.Sprint(page.MoreUnread))
			for _, c := range page.Items {
				got = append(got, c.Peer.Username)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = *page.NextCursor
		}
		if fmt.Sprint(got) != "[friend2 friend6 friend5 friend4 friend3 friend1 friend0]" {
			w.t.Error(got)
		}
		// friend4 and friend3 are the last with something unread, on the third page.
		if fmt.Sprint(moreUnread) != "[true true false false]" {
			w.t.Errorf("unread on later pages: %v", moreUnread)
		}
		w.call(w.ada, "GET", "/api/v1/conversations?cursor=forged", nil).WantProblem("invalid-cursor")
	})
}

func TestHistoryCostsAConstantNumberOfStatements(t *testing.T) {
	each(t, func(w *world) {
		m := w.post(w.ada, w.ben, "1")
		path := "/api/v1/conversations/" + m.ConversationID + "/messages?limit=100"
		cost := func() uint64 { return w.cost(func() { w.call(w.ben, "GET", path, nil).Want(200) }) }
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 }) // the relay counts too
		few := cost()
		for range 60 {
			w.post(w.ada, w.ben, "x")
		}
		testkit.Eventually(w.t, 10*time.Second, func() bool { return count(w, "outbox") == 0 })
		if many := cost(); few != 2 || many != few {
			w.t.Errorf("%d statements for 1 message, %d for 61", few, many)
		}
	})
}

func (w *world) cost(fn func()) uint64 { return testkit.Statements(w.deps.DB, fn) }

func count(w *world, table string) int {
	w.t.Helper()
	var n int
	if err := w.deps.DB.R.Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}
