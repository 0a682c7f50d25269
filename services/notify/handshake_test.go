package notify

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func TestHandshakeRefusals(t *testing.T) { // S10
	c := newCluster(t)
	n := c.node(t)
	n.svc.hub.origins = newOrigins("https://chat.example.org", []string{"https://app.example.org"})
	token := c.tokens.For(id.New(), "ada")
	expired := c.tokens.Sign(authn.Identity{UserID: id.New(), SessionID: id.New(), Expires: time.Now().Add(-time.Hour)})
	enrols := c.tokens.Sign(authn.Identity{UserID: id.New(), SessionID: id.New(), Expires: time.Now().Add(time.Hour), Enrol: true})
	upgrade := func(h ...string) http.Header {
		header := http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"chat.v1, bearer." + token},
			"Origin": {"https://chat.example.org"},
		}
		for i := 0; i < len(h); i += 2 {
			if header.Del(h[i]); h[i+1] != "" {
				header.Set(h[i], h[i+1])
			}
		}
		return header
	}
	cases := map[string]struct {
		query  string
		header http.Header
		slug   errs.Slug // "" = accepted
	}{
		"browser":                        {"", upgrade(), ""},
		"own host as origin":             {"", upgrade("Origin", n.http.URL), ""},
		"allowed origin":                 {"", upgrade("Origin", "https://APP.example.org"), ""},
		"program":                        {"", upgrade("Origin", "", "Authorization", "Bearer "+token, "Sec-WebSocket-Protocol", "chat.v1"), ""},
		"foreign origin":                 {"", upgrade("Origin", "https://evil.example"), errs.OriginNotAllowed},
		"suffix of an allowed origin":    {"", upgrade("Origin", "https://chat.example.org.evil"), errs.OriginNotAllowed},
		"other scheme":                   {"", upgrade("Origin", "http://chat.example.org"), errs.OriginNotAllowed},
		"null origin":                    {"", upgrade("Origin", "null"), errs.OriginNotAllowed},
		"foreign origin with a header":   {"", upgrade("Origin", "https://evil.example", "Authorization", "Bearer "+token), errs.OriginNotAllowed},
		"no origin without a header":     {"", upgrade("Origin", ""), errs.OriginNotAllowed},
		"token in the query":             {"?token=" + token, upgrade(), errs.TokenInURL},
		"access_token in the query":      {"?access_token=x", upgrade(), errs.TokenInURL},
		"jwt in the query":               {"?jwt=x", upgrade(), errs.TokenInURL},
		"version 8":                      {"", upgrade("Sec-WebSocket-Version", "8"), errs.UpgradeRequired},
		"no upgrade":                     {"", upgrade("Upgrade", ""), errs.UpgradeRequired},
		"plain GET":                      {"", http.Header{}, errs.UpgradeRequired},
		"subprotocol missing":            {"", upgrade("Sec-WebSocket-Protocol", "bearer."+token), errs.InvalidParameter},
		"no key":                         {"", upgrade("Sec-WebSocket-Key", ""), errs.InvalidParameter},
		"no token":                       {"", upgrade("Sec-WebSocket-Protocol", "chat.v1"), errs.Unauthenticated},
		"garbage token":                  {"", upgrade("Sec-WebSocket-Protocol", "chat.v1, bearer.x.y.z"), errs.Unauthenticated},
		"expired token":                  {"", upgrade("Sec-WebSocket-Protocol", "chat.v1, bearer."+expired), errs.Unauthenticated},
		"token that only enrols":         {"", upgrade("Sec-WebSocket-Protocol", "chat.v1, bearer."+enrols), errs.SecondStepRequired},
		"garbage header, token offered ": {"", upgrade("Authorization", "Bearer x"), errs.Unauthenticated},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, n.http.URL+routeSocket+test.query, nil)
			req.Header = test.header
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if test.slug == "" {
				if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Protocol") != "chat.v1" || resp.Header.Get("X-Request-Id") == "" {
					t.Fatalf("%v", resp)
				}
				return
			}
			var p testkit.Problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.slug.Status() || p.Type != "/problems/"+string(test.slug) || p.Instance == "" {
				t.Fatalf("%d %+v", resp.StatusCode, p)
			}
			if test.slug == errs.UpgradeRequired && resp.Header.Get("Upgrade") != "websocket" {
				t.Fatal("426 without Upgrade")
			}
		})
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	testkit.Call(t, n.svc.Handler(), "POST", routeSocket, token, nil).WantProblem(errs.MethodNotAllowed)
}

func TestTheTwentyFirstConnectionIsRefused(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	token := c.tokens.For(id.New(), "ada")
	var last *wsClient
	for range maxConnections {
		last = n.dial(t, token)
	}
	d := websocket.Dialer{Subprotocols: []string{subprotocol}}
	header := http.Header{"Authorization": {"Bearer " + token}}
	_, resp, err := d.Dial(n.url(), header)
	if err == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("%v %v", err, resp)
	}
	resp.Body.Close()
	last.drop()
	testkit.Eventually(t, patience, func() bool {
		conn, _, err := d.Dial(n.url(), header) //nolint:bodyclose // a WebSocket
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Attempts to connect are limited: with a valid token on the account, without
// one on the network, where they lock nobody out who has a token.
func TestAttemptsToConnectAreLimited(t *testing.T) {
	c := newCluster(t)
	c.config.RateLimit, c.config.RatePerAccount, c.config.RatePerIP = "on", 40, 2 // 2 a second and 10 at once; 10 at once
	n := c.node(t)
	attempt := func(token string) *http.Response {
		t.Helper()
		d := websocket.Dialer{Subprotocols: []string{subprotocol}}
		conn, resp, err := d.Dial(n.url(), http.Header{"Authorization": {"Bearer " + token}})
		if err == nil {
			conn.Close()
		}
		if resp == nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	flood := func(token string, before int) {
		t.Helper()
		for range 100 {
			switch resp := attempt(token); resp.StatusCode {
			case before:
				continue
			case http.StatusTooManyRequests:
				if resp.Header.Get("Retry-After") == "" || resp.Header.Get("RateLimit-Policy") == "" {
					t.Errorf("429 with %v", resp.Header)
				}
			default:
				t.Fatalf("status %d", resp.StatusCode)
			}
			return
		}
		t.Fatal("attempts are not limited")
	}
	flood("x.y.z", http.StatusUnauthorized)
	ada := c.tokens.For(id.New(), "ada")
	flood(ada, http.StatusSwitchingProtocols)
	if resp := testkit.Call(t, n.svc.Handler(), "GET", routeStream, ada, nil); resp.Status != http.StatusTooManyRequests {
		t.Errorf("an event stream instead: %d", resp.Status)
	}
	if resp := attempt(c.tokens.For(id.New(), "ben")); resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("another account: %d", resp.StatusCode)
	}
}
