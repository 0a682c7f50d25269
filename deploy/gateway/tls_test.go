package gateway

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatapp/libs/httpx"
)

// withDomain is the shipped file with other ports than 80 and 443, and without
// putting the test's authority among those of the machine.
func withDomain(t *testing.T, plain, secure string) string {
	t.Helper()
	shipped, err := os.ReadFile("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(shipped), "\tadmin off\n", "\tadmin off\n\tskip_install_trust\n\thttp_port "+plain+"\n\thttps_port "+secure+"\n", 1)
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// With a domain, as Compose sets it up: TLS says that it is to stay, and who
// comes without it is led there when they open a page, but not when a program
// calls the API.
func TestWithoutTLSPagesAreLedToItAndTheAPIIsRefused(t *testing.T) {
	plain, secure := freePort(t), freePort(t)
	own := gatewayOf(t, withDomain(t, plain, secure), map[string]string{
		"addresses": ", localhost, http://localhost", "CHAT_GATEWAY_DOMAIN": "localhost", "CHAT_PUBLIC_URL": "https://localhost",
		"CHAT_GATEWAY_AUTH": host(replica(t, "auth")),
	})
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/v1/users/me"}, {"POST", "/api/v1/auth/login"}, {"GET", "/api"}, {"GET", "/api/v1/ws"}, {"GET", "/.well-known/jwks.json"},
	} {
		res, body := ask(t, c.method, "http://localhost:"+plain+c.path, nil)
		if res.StatusCode != http.StatusForbidden || res.Header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(body, "https://") || res.Header.Get("Location") != "" {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, res.StatusCode, res.Header, body)
		}
	}
	res, _ := ask(t, "GET", "http://localhost:"+plain+"/c/1?x=y", nil)
	if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "https://localhost/c/1?x=y" {
		t.Errorf("a page: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if got := res.Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("said without TLS: %q", got) // RFC 6797, 7.2
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // an authority of this test
	get := func(path string) *http.Response {
		t.Helper()
		for start := time.Now(); ; <-time.After(20 * time.Millisecond) {
			res, err := client.Get("https://localhost:" + secure + path)
			if err == nil {
				_ = res.Body.Close()
				return res
			}
			if time.Since(start) > 20*time.Second { // the certificate is made meanwhile
				t.Fatal(err)
			}
		}
	}
	for path, status := range map[string]int{"/": 200, "/theme.js": 200, "/nothing.png": 404} {
		if res := get(path); res.StatusCode != status || res.Header.Get("Strict-Transport-Security") != httpx.StrictTransport {
			t.Errorf("%s over TLS: %d %v", path, res.StatusCode, res.Header)
		}
	}
	if res := get("/api/v1/auth/x"); res.StatusCode != http.StatusOK {
		t.Errorf("the API over TLS: %d", res.StatusCode)
	}
	// The address that only the machine itself uses stays as it is.
	if s := reached(t, "GET", own+"/api/v1/auth/x", nil); s.Name != "auth" {
		t.Errorf("%v", s)
	}
}

// Where another program in front has the certificate, the public address is
// what counts.
func TestStrictTransportIsSaidForAPublicAddressWithTLSOnly(t *testing.T) {
	for public, want := range map[string]string{"": "", "http://chat.example.org": "", "https://chat.example.org": httpx.StrictTransport} {
		env := map[string]string{}
		if public != "" {
			env["CHAT_PUBLIC_URL"] = public
		}
		url := gateway(t, env)
		for _, path := range []string{"/", "/nothing.png"} {
			if res, _ := ask(t, "GET", url+path, nil); res.Header.Get("Strict-Transport-Security") != want {
				t.Errorf("%q, %s: %v", public, path, res.Header)
			}
		}
	}
}
