package run_test

import (
	"net/http"
	"testing"

	"chatapp/libs/httpx"
)

// Browsers are told to come over TLS by whatever is answered on the public
// listener where people do so already, and never else: a name that has no TLS
// could not be opened for a year.
func TestStrictTransportOnEveryAnswer(t *testing.T) {
	for publicURL, want := range map[string]string{
		"https://chat.example.org":  httpx.StrictTransport,
		"http://chat.example.org":   "",
		"http://localhost:8080":     "",
		"https://localhost:8443":    "",
		"https://[::1]:8443":        "",
		"https://localhost.example": httpx.StrictTransport,
	} {
		cfg := settings(t, "CHAT_PUBLIC_URL="+publicURL)
		p := &probe{}
		s := start(t, cfg, platform(t, cfg), p.factory())
		for url, want := range map[string]string{
			s.public + "/api/v1/probe":   want,
			s.public + "/api/v1/nothing": want,
			s.public + "/":               want,
			s.admin + "/healthz":         "", // for the operator, on the machine's own address
		} {
			res, err := http.Get(url) //nolint:noctx // a test
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got := res.Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s, %s: %q", publicURL, url, got)
			}
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
}
