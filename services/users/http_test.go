package users

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestMeRightAfterSignUp(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		ada := w.signUp("ada", "Ada L")
		want := Me{ID: ada.id.String(), Username: "ada", DisplayName: "Ada L", CreatedAt: ada.account.CreatedAt}
		for range 2 {
			if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me != want {
				t.Fatalf("%+v, want %+v", me, want)
			}
		}
		m := w.events.Expect(t, ada.profileChanged())
		wantEvent(t, m[0].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "Ada L", Version: 1})
		// The event that was on its way arrives now, and changes nothing.
		w.registered(t, ada, 1)
		grace := w.signUp("grace", "Grace")
		w.registered(t, grace, 1)
		w.events.Expect(t, ada.registered(), grace.registered(), grace.profileChanged())
	})
}

func wantEvent(t *testing.T, data []byte, want events.ProfileChanged) {
	t.Helper()
	var got events.ProfileChanged
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Fatalf("event %s, %v; want %+v", data, err, want)
	}
}

func TestMeOfNobody(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ghost := id.New()
		token := w.tokens.For(ghost, "ghost")
		// Nobody answers for auth: it may be a person, so it is not "no".
		wantProblem(t, s, http.MethodGet, "/api/v1/users/me", token, nil, 503, "unavailable")
		wantProblem(t, s, http.MethodGet, "/api/v1/users/"+id.New().String(), token, nil, 503, "unavailable")
		w.serveAccounts(t)
		wantProblem(t, s, http.MethodGet, "/api/v1/users/me", token, nil, 401, "unauthenticated")
		wantProblem(t, s, http.MethodPatch, "/api/v1/users/me", token, map[string]string{"display_name": "Boo"}, 401, "unauthenticated")
		w.events.Expect(t)
	})
}

func wantProblem(t *testing.T, s *Service, method, path, token string, body any, status int, slug string) {
	t.Helper()
	r := testkit.Call(t, s.Handler(), method, path, token, body)
	if r.Status != status || r.Problem().Type != "/problems/"+slug {
		t.Errorf("%s %s: %d %s, want %d %s", method, path, r.Status, r.Body, status, slug)
	}
}

func TestRename(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, bob)
		w.events.Expect(t, bob.profileChanged())
		rename := func(name string) *testkit.Response {
			return testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", ada.token, map[string]string{"display_name": name})
		}
		// The very first request of a person may be a change.
		var me Me
		r := rename("  Zoé\u0301 Çelik ")
		if r.Status != http.StatusOK {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		r.JSON(&me)
		want := Me{ID: ada.id.String(), Username: "ada", DisplayName: "Zoé\u0301 Çelik", CreatedAt: ada.account.CreatedAt}
		if me != want {
			t.Fatalf("%+v, want %+v", me, want)
		}
		m := w.events.Expect(t, ada.profileChanged(), ada.profileChanged())
		wantEvent(t, m[0].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "Ada", Version: 1})
		wantEvent(t, m[1].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: me.DisplayName, Version: 2})
		// She is found by the new name and no longer by the old one's words.
		wantFound(t, s, bob, "celik", "ada")
		wantFound(t, s, bob, "zoe", "ada")
		// The same name again is no change.
		if r := rename(me.DisplayName); r.Status != http.StatusOK {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		w.events.Expect(t)
		if r := rename("Mary"); r.Status != http.StatusOK {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		wantFound(t, s, bob, "celik")
		w.events.Expect(t, ada.profileChanged())
	})
}

func TestRenameRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		w.events.Expect(t, ada.profileChanged())
		for _, c := range []struct{ body, slug string }{
			{`{"display_name":""}`, "invalid-body"},
			{`{"display_name":"   "}`, "invalid-body"},
			{`{"display_name":"` + strings.Repeat("x", 65) + `"}`, "invalid-body"},
			{`{"display_name":null}`, "invalid-body"},
			{`{"display_name":7}`, "invalid-body"},
			{`{}`, "invalid-body"},
			{`[]`, "invalid-body"},
			{`{"display_name":"X","username":"root"}`, "invalid-body"},
			{`{"display_name":"X","display_name":"Y"}`, "invalid-body"},
			{`{"display_name":"a\u0000b"}`, "invalid-text"},
			{`{"display_name":"a\nb"}`, "invalid-text"},
			{`{"display_name":"\ud800"}`, "invalid-text"},
			{"{\"display_name\":\"a\xff\"}", "invalid-text"},
		} {
			wantProblem(t, s, http.MethodPatch, "/api/v1/users/me", ada.token, c.body, 400, c.slug)
		}
		if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me.DisplayName != "Ada" {
			t.Errorf("the name became %q", me.DisplayName)
		}
		w.events.Expect(t)
	})
}

// TestNamesAreStoredVerbatim: emoji, markup and direction marks survive every
// database byte for byte.
func TestNamesAreStoredVerbatim(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		for _, name := range []string{
			"👨‍👩‍👧‍👦 Zoë", "<b onclick=alert(1)>", "'); DROP TABLE profiles;--", `\`, "\u202eevil\u202c", "山田太郎", strings.Repeat("🦊", 64),
		} {
			r := testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", ada.token, map[string]string{"display_name": name})
			if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); r.Status != http.StatusOK || me.DisplayName != name {
				t.Errorf("%d, %q, want %q", r.Status, me.DisplayName, name)
			}
		}
	})
}

func TestGetUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		path := "/api/v1/users/" + bob.id.String()
		call := func(ifNoneMatch string) *testkit.Response {
			return testkit.Call(t, withHeader(s.Handler(), "If-None-Match", ifNoneMatch), http.MethodGet, path, ada.token, nil)
		}
		r := call("")
		etag := r.Header.Get("ETag")
		var u map[string]string
		r.JSON(&u)
		want := map[string]string{"id": bob.id.String(), "username": "bob", "display_name": "Bob"}
		if r.Status != http.StatusOK || etag == "" || fmt.Sprint(u) != fmt.Sprint(want) {
			t.Fatalf("%d, ETag %s, %v, want %v", r.Status, etag, u, want)
		}
		for _, match := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
			if r := call(match); r.Status != http.StatusNotModified || len(r.Body) != 0 || r.Header.Get("ETag") != etag {
				t.Errorf("If-None-Match %s: %d %s", match, r.Status, r.Body)
			}
		}
		r = testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", bob.token, map[string]string{"display_name": "Robert"})
		if r.Status != http.StatusOK {
			t.Fatal(r.Status)
		}
		if r := call(etag); r.Status != http.StatusOK || r.Header.Get("ETag") == etag {
			t.Errorf("after a change: %d, ETag %s", r.Status, r.Header.Get("ETag"))
		}
		w.events.Expect(t, bob.profileChanged(), bob.profileChanged())
		missing := "/api/v1/users/" + id.New().String()
		for _, path := range []string{missing, "/api/v1/users/1", "/api/v1/users/ME", "/api/v1/users/" + id.Nil.String(), "/api/v1/users/%00"} {
			wantProblem(t, s, http.MethodGet, path, ada.token, nil, 404, "not-found")
		}
		w.events.Expect(t)
	})
}

// withHeader adds a header to every request.
func withHeader(h http.Handler, name, value string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if value != "" {
			r.Header.Set(name, value)
		}
		h.ServeHTTP(rw, r)
	})
}

// wantFound searches as p and compares the usernames.
func wantFound(t *testing.T, s *Service, p person, query string, want ...string) {
	t.Helper()
	list := get[UserPage](t, s.Handler(), "/api/v1/users?query="+url.QueryEscape(query), p.token)
	got := make([]string, 0)
	for _, u := range list.Items {
		got = append(got, u.Username)
	}
	if !slices.Equal(got, append([]string{}, want...)) || list.NextCursor != nil {
		t.Errorf("%q finds %q (next %v), want %q", query, got, list.NextCursor, want)
	}
}

func TestDirectorySearch(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		me := w.signUp("anna.caller", "Anna Caller")
		admitAll(t, s, me, w.signUp("zed", "Anna Smith"), w.signUp("annabel", "Bell"), w.signUp("b_b", "100% Ann_a"),
			w.signUp("taro", "山田太郎"), w.signUp("lukasz", "Łukasz Żółć"), w.signUp("kim", "김철수"))
		for query, want := range map[string][]string{
			"":           {"annabel", "b_b", "kim", "lukasz", "taro", "zed"},
			"  ":         {"annabel", "b_b", "kim", "lukasz", "taro", "zed"},
			"ann":        {"annabel", "b_b", "zed"},
			"ANNÁ":       {"annabel", "zed"},
			"smith anna": {"zed"},
			"nna":        {},
			"caller":     {},
			"anna.":      {},
			"%":          {},
			"_":          {},
			"b%":         {},
			"b_":         {}, // too short
			"b_b":        {"b_b"},
			"a_n":        {},
			`\`:          {},
			"100%":       {"b_b"},
			"山田":         {"taro"},
			"太郎":         {"taro"},
			"zolc":       {"lukasz"},
			"ŁUK":        {"lukasz"},
			"山":          {"taro"},
			"김":          {"kim"},
			"ＡＮＮ":        {"annabel", "b_b", "zed"},
			"an":         {},
			"철수":         {"kim"},
			"' OR 1=1--": {},
			"🦊":          {},
		} {
			wantFound(t, s, me, query, want...)
		}
	})
}

func TestDirectoryPages(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		me := w.signUp("m", "Me")
		people := []person{me}
		var want []string
		for i := range 37 {
			name := fmt.Sprintf("user%02d", i)
			people, want = append(people, w.signUp(name, "Pat Page")), append(want, name)
		}
		admitAll(t, s, people...)
		for _, query := range []string{"", "pat", "pag pat"} {
			for _, limit := range []int{1, 5, 37, 100} {
				if got := walk(t, w, s, me, query, limit); !slices.Equal(got, want) {
					t.Errorf("query %q by %d: %q", query, limit, got)
				}
			}
		}
		first := get[UserPage](t, s.Handler(), "/api/v1/users", me.token)
		if len(first.Items) != 15 || first.NextCursor == nil {
			t.Errorf("without limit %d people, next %v", len(first.Items), first.NextCursor)
		}
		for path, slug := range map[string]string{
			"?limit=0": "invalid-parameter", "?limit=101": "invalid-parameter", "?limit=x": "invalid-parameter",
			"?offset=1": "invalid-parameter", "?cursor=!": "invalid-cursor", "?cursor=e30": "invalid-cursor",
			"?cursor=eyJ1IjoieCJ9": "invalid-cursor", "?query=" + strings.Repeat("x", 65): "invalid-parameter",
			"?query=%00": "invalid-text", "?query=%ff": "invalid-text",
		} {
			wantProblem(t, s, http.MethodGet, "/api/v1/users"+path, me.token, nil, 400, slug)
		}
	})
}

// walk reads all pages, one statement each.
func walk(t *testing.T, w *world, s *Service, p person, query string, limit int) []string {
	t.Helper()
	var names []string
	cursor := ""
	for {
		var list UserPage
		if n := testkit.Statements(w.db, func() {
			list = get[UserPage](t, s.Handler(), fmt.Sprintf("/api/v1/users?limit=%d&query=%s&cursor=%s", limit, url.QueryEscape(query), cursor), p.token)
		}); n != 1 {
			t.Fatalf("%d statements for a page", n)
		}
		for _, u := range list.Items {
			names = append(names, u.Username)
		}
		if list.NextCursor == nil {
			return names
		}
		if len(list.Items) != limit {
			t.Fatalf("%d people on a page of %d", len(list.Items), limit)
		}
		cursor = *list.NextCursor
	}
}

// TestDoors: every route needs a token and knows only its methods.
func TestDoors(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		w.events.Expect(t, ada.profileChanged())
		one := "/api/v1/users/" + ada.id.String()
		for _, path := range []string{"/api/v1/users", "/api/v1/users/me", one} {
			wantProblem(t, s, http.MethodGet, path, "", nil, 401, "unauthenticated")
			wantProblem(t, s, http.MethodGet, path, "x.y.z", nil, 401, "unauthenticated")
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				wantProblem(t, s, method, path, ada.token, nil, 405, "method-not-allowed")
			}
		}
		wantProblem(t, s, http.MethodPatch, one, ada.token, map[string]string{"display_name": "X"}, 405, "method-not-allowed")
		wantProblem(t, s, http.MethodPatch, "/api/v1/users/me", "", map[string]string{"display_name": "X"}, 401, "unauthenticated")
		wantProblem(t, s, http.MethodGet, "/api/v1/users/", ada.token, nil, 404, "not-found")
		if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me.DisplayName != "Ada" {
			t.Errorf("the name became %q", me.DisplayName)
		}
		w.events.Expect(t)
	})
}
