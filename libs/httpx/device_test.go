package httpx

import (
	"testing"
	"unicode/utf8"
)

func TestDeviceNames(t *testing.T) {
	for agent, want := range map[string]string{
		"":           "Unknown device",
		"curl/8.5.0": "curl",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": "Safari on macOS",
		"<script>alert(1)</script>/1.0": "Unknown device",
	} {
		if got := DeviceName(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// FuzzDeviceName: whatever a client calls itself, its name is short and can be shown.
func FuzzDeviceName(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64)")
	f.Add("é\x00\r\n" + string(make([]byte, 300)))
	f.Fuzz(func(t *testing.T, agent string) {
		if name := DeviceName(agent); !utf8.ValidString(name) || len(name) > 80 {
			t.Fatalf("%q", name)
		}
	})
}
