package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// storedAsGiven: what a person writes is what everybody reads, byte for byte,
// after trimming the ends; the limits count characters, not bytes.
func storedAsGiven(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob.At(w.Site(1)), client.Options{})
	posted := byID()
	for _, body := range []string{
		`<script>alert(1)</script><img src=x onerror=alert(1)>`,
		`javascript:alert(1) [x](javascript:alert(1)) <svg/onload=alert(1)>`,
		"👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 日本語 עברית",
		`'; DROP TABLE messages; -- ${jndi:ldap://x} %s %00 =cmd|'/C calc'!A0`,
		"two\nlines\tand a tab, \"quotes\" and \\backslashes\\",
		"\u202eright to left override",
		strings.Repeat("🌵", 7990),
	} {
		body = text("%s", body)
		m := post(t, alice, bob.ID(), body)
		if m.Body != body {
			t.Errorf("posted %.60q, answered %.60q", body, m.Body)
		}
		posted[m.ID] = m
	}
	trimmed := post(t, alice, bob.ID(), " \n\t "+text("trimmed")+" \r\n ")
	if trimmed.Body != text("trimmed") || trimmed.SenderID != alice.ID() {
		t.Errorf("posted with blanks around: %+v", trimmed)
	}
	posted[trimmed.ID] = trimmed
	must(t, d.WaitMessages(within(t, soon), len(posted)))
	must(t, d.View().Check(posted))
	must(t, bob.CheckHistory(t.Context(), trimmed.ConversationID, posted))
}

// refusals: each wrong POST gets its own answer and writes nothing.
func refusals(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	d := device(t, bob, client.Options{})
	good := func(change map[string]any) map[string]any {
		body := map[string]any{"to": bob.ID(), "client_id": client.NewID(), "body": text("never stored")}
		for k, v := range change {
			if v == nil {
				delete(body, k)
			} else {
				body[k] = v
			}
		}
		return body
	}
	for _, bad := range []struct {
		name   string
		body   map[string]any
		status int
		slug   string
	}{
		{"no recipient", good(map[string]any{"to": nil}), 400, "invalid-body"},
		{"two recipients", good(map[string]any{"conversation_id": client.NewID()}), 400, "invalid-body"},
		{"recipient is no id", good(map[string]any{"to": "bob"}), 400, "invalid-body"},
		{"unknown recipient", good(map[string]any{"to": "019a0000-0000-7000-8000-000000000000"}), 404, "not-found"},
		{"no text", good(map[string]any{"body": nil}), 400, "invalid-body"},
		{"empty text", good(map[string]any{"body": ""}), 400, "invalid-body"},
		{"blank text", good(map[string]any{"body": " \n\t "}), 400, "invalid-body"},
		{"one character too many", good(map[string]any{"body": strings.Repeat("é", 8001)}), 400, "invalid-body"},
		{"no client_id", good(map[string]any{"client_id": nil}), 400, "invalid-body"},
		{"client_id is no UUID", good(map[string]any{"client_id": "1"}), 400, "invalid-body"},
		{"forged sender", good(map[string]any{"sender_id": bob.ID()}), 400, "invalid-body"},
		{"forged seq", good(map[string]any{"seq": 1}), 400, "invalid-body"},
		{"NUL", good(map[string]any{"body": "a\x00b"}), 400, "invalid-text"},
		{"200 KB", good(map[string]any{"body": strings.Repeat("x", 200<<10)}), 413, "too-large"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			for _, site := range w.Everywhere() {
				wantProblem(t, alice.At(site).JSON(t.Context(), "POST", "/api/v1/messages", bad.body, nil), bad.status, bad.slug)
			}
		})
	}
	raw := func(name string, body []byte, header http.Header, status int) {
		res, err := alice.Do(t.Context(), "POST", "/api/v1/messages", body, header)
		if err != nil || res.Status != status || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %+v %v, want %d problem+json", name, res, err, status)
		}
	}
	raw("not JSON", []byte(`{"to":`), nil, 400)
	raw("not UTF-8", []byte("{\"to\":\""+bob.ID()+"\",\"client_id\":\""+client.NewID()+"\",\"body\":\"\xff\xfe\"}"), nil, 400)
	raw("text/plain", []byte(`{}`), http.Header{"Content-Type": {"text/plain"}}, 415)
	raw("no token", []byte(`{}`), http.Header{"Authorization": {""}}, 401)
	raw("garbage token", []byte(`{}`), http.Header{"Authorization": {"Bearer e30.e30.e30"}}, 401)

	only := post(t, alice, bob.ID(), text("the only one"))
	must(t, d.WaitMessages(within(t, soon), 1))
	must(t, d.View().Check(byID(only)))
	must(t, alice.CheckHistory(t.Context(), only.ConversationID, byID(only)))
}

// methods: in the seed anybody could PATCH or DELETE any message.
func methods(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	m := post(t, alice, bob.ID(), text("stays as it is"))
	for _, site := range w.Everywhere() {
		for _, who := range []*client.Client{alice.At(site), bob.At(site)} {
			for _, method := range []string{"PATCH", "DELETE", "PUT", "POST"} {
				res, err := who.Do(t.Context(), method, "/api/v1/messages/"+m.ID, []byte(`{"body":"changed"}`), nil)
				must(t, err)
				if res.Status != http.StatusMethodNotAllowed || res.Problem().Type != "/problems/method-not-allowed" || res.Header.Get("Allow") == "" {
					t.Errorf("%s answered %d %s, Allow %q", method, res.Status, res.Body, res.Header.Get("Allow"))
				}
			}
		}
	}
	got, err := bob.Message(t.Context(), m.ID)
	must(t, err)
	if got != m {
		t.Errorf("the message became %+v", got)
	}
	must(t, bob.CheckHistory(t.Context(), m.ConversationID, byID(m)))
}

// badFrames: foreign pages, tokens in URLs and garbage are refused with their
// own answers, and nobody else's socket notices.
func badFrames(t *testing.T, w *harness.World) {
	alice, bob := person(t, "alice", w.Site(0)), person(t, "bob", w.Site(1))
	token := bob.Session().AccessToken
	for _, site := range w.Everywhere() {
		bystander := device(t, bob.At(site), client.Options{})
		dial := func(name, token, origin string, status int) {
			conn, res, err := client.DialRaw(t.Context(), site.Notify, token, origin)
			if err == nil {
				_ = conn.Close()
			}
			if err == nil || res == nil || res.StatusCode != status {
				t.Errorf("%s: %v %v, want %d", name, res, err, status)
			}
		}
		dial("foreign origin", token, "https://evil.example", http.StatusForbidden)
		dial("origin null", token, "null", http.StatusForbidden)
		dial("garbage token", "e30.e30.e30", "", http.StatusUnauthorized)
		for path, status := range map[string]int{"/api/v1/ws?token=x": 400, "/api/v1/ws": 426} {
			res, err := bob.At(site).Do(t.Context(), "GET", path, nil, nil)
			if err != nil || res.Status != status {
				t.Errorf("GET %s: %+v %v, want %d", path, res, err, status)
			}
		}
		hello := `{"type":"hello","cursor":""}`
		for name, bad := range map[string]struct {
			frames []string
			code   int
		}{
			"garbage first":         {[]string{"\x01garbage"}, 4400},
			"garbage after hello":   {[]string{hello, "{{{{"}, 4400},
			"unknown type":          {[]string{hello, `{"type":"sudo"}`}, 4400},
			"hello twice":           {[]string{hello, hello}, 4400},
			"a frame over 64 KiB":   {[]string{hello, `{"type":"typing","conversation_id":"` + strings.Repeat("x", 70<<10) + `"}`}, websocket.CloseMessageTooBig},
			"typing before a hello": {[]string{`{"type":"typing","conversation_id":"x"}`}, 4400},
		} {
			conn, _, err := client.DialRaw(t.Context(), site.Notify, token, "")
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, f := range bad.frames {
				_ = conn.WriteMessage(websocket.TextMessage, []byte(f))
			}
			for err == nil {
				_, _, err = conn.ReadMessage()
			}
			if !websocket.IsCloseError(err, bad.code) {
				t.Errorf("%s: ended with %v, want %d", name, err, bad.code)
			}
			_ = conn.Close()
		}
		before := len(bystander.View().Messages)
		post(t, alice, bob.ID(), text("the server lives"))
		must(t, bystander.WaitMessages(within(t, soon), before+1))
		if v := bystander.View(); v.Welcomes != 1 || len(v.Closes) > 0 || len(v.Faults) > 0 {
			t.Errorf("the bystander was disturbed: %+v", v)
		}
	}
}
