package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Beside a running ChatApp: what the operator decides holds at once, and a
// suspended person's socket closes within seconds.
func TestAdministrationBesideARunningChatApp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	a := startApp(t, dir)
	admin := func(args ...string) string {
		t.Helper()
		r := runProgram(t, env, "", append([]string{"admin"}, args...)...)
		if r.code != 0 {
			t.Fatalf("%v: %+v", args, r)
		}
		return strings.TrimSpace(r.out)
	}
	register := func(body map[string]string) int {
		t.Helper()
		return api(t, "POST", a.url+"/api/v1/auth/register", "", body, nil)
	}
	const password = "a long enough one"
	if code := register(map[string]string{"username": "eve", "password": password, "email": "eve@example.org"}); code != http.StatusCreated {
		t.Fatal(code)
	}
	token, _ := login(t, a.url, "eve", password)
	closed := socket(t, a.url, token)

	if out := admin("suspend", "eve", "--reason", "spam"); out != "eve is suspended" {
		t.Error(out)
	}
	ended(t, closed)
	try := func() int {
		return api(t, "POST", a.url+"/api/v1/auth/login", "", map[string]string{"login": "eve", "password": password}, nil)
	}
	if code := try(); code != http.StatusForbidden {
		t.Errorf("sign-in of a suspended person: %d", code)
	}
	if out := admin("list", "--state", "suspended"); !strings.HasPrefix(out, "eve  user  suspended  eve@example.org") {
		t.Error(out)
	}
	admin("restore", "eve@example.org")
	if code := try(); code != http.StatusOK {
		t.Errorf("sign-in of a restored person: %d", code)
	}
	admin("role", "eve", "admin")
	token, _ = login(t, a.url, "eve", password)
	if code := api(t, "GET", a.url+"/api/v1/admin/statistics", token, nil, nil); code != http.StatusOK {
		t.Errorf("an administrator asks for figures: %d", code)
	}
	closed = socket(t, a.url, token)
	admin("sign-out", "eve")
	ended(t, closed)
	wantError(t, runProgram(t, env, "", "admin", "role", "eve", "user"), "last administrator")
	wantError(t, runProgram(t, env, "", "admin", "suspend", "nobody", "--reason", "x"), "no such person")
	wantError(t, runProgram(t, env, "", "admin", "suspend", "eve"), "--reason")

	if out := admin("sign-up"); out != "sign-up is open" {
		t.Error(out)
	}
	if out := admin("second-step"); out != "two-step sign-in is optional" {
		t.Error(out)
	}
	if out := admin("second-step", "everybody"); !strings.HasPrefix(out, "two-step sign-in is everybody\n1 of those") {
		t.Error(out)
	}
	limited, _ := login(t, a.url, "eve", password)
	if code := api(t, "GET", a.url+"/api/v1/admin/statistics", limited, nil, nil); code != http.StatusForbidden {
		t.Errorf("an administrator without a second step: %d", code)
	}
	admin("second-step", "optional")
	admin("sign-up", "invite")
	if code := register(map[string]string{"username": "late", "password": password}); code != http.StatusForbidden {
		t.Errorf("sign-up without an invitation: %d", code)
	}
	_, invitation, _ := strings.Cut(admin("invite", "--note", "for late"), "/join#token=")
	if invitation, _ = url.QueryUnescape(invitation); register(map[string]string{"username": "late", "password": password, "invitation": invitation}) != http.StatusCreated {
		t.Error("the invitation does not work")
	}
	admin("banner", "Back at ten", "--level", "warning", "--for", "1h")
	var seen struct {
		Announcement *struct{ Text string }
	}
	token, _ = login(t, a.url, "late", password)
	ask := func() {
		seen.Announcement = nil
		api(t, "GET", a.url+"/api/v1/auth/announcement", token, nil, &seen)
	}
	if ask(); seen.Announcement == nil || seen.Announcement.Text != "Back at ten" {
		t.Errorf("%+v", seen)
	}
	admin("banner", "--clear")
	if ask(); seen.Announcement != nil {
		t.Errorf("%+v", seen)
	}
	wantError(t, runProgram(t, env, "", "admin", "banner"), "--clear")
}

func ended(t *testing.T, closed <-chan struct{}) {
	t.Helper()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the socket stays open")
	}
}

// socket opens a person's WebSocket; the channel closes when the server closes it.
func socket(t *testing.T, url, token string) <-chan struct{} {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"chat.v1", "bearer." + token}}
	conn, _, err := d.Dial("ws"+strings.TrimPrefix(url, "http")+"/api/v1/ws", http.Header{"Origin": {url}}) //nolint:bodyclose // a WebSocket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.WriteJSON(map[string]string{"type": "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, frame, err := conn.ReadMessage(); err != nil || !strings.Contains(string(frame), "welcome") {
		t.Fatalf("%s %v", frame, err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	return over
}
