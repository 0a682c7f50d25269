package httpx

import (
	"strings"

	"github.com/mileusna/useragent"
)

// DeviceName is what a person recognises a device by, from its User-Agent:
// "Firefox on Linux", "Unknown device".
func DeviceName(userAgent string) string {
	ua := useragent.Parse(userAgent)
	browser, system := plainName(ua.Name), plainName(ua.OS)
	switch {
	case browser == "" && system == "":
		return "Unknown device"
	case system == "":
		return browser
	case browser == "":
		return system
	}
	return browser + " on " + system
}

// plainName keeps names that can be shown: what the browser said is not ours.
func plainName(name string) string {
	ok := func(r rune) bool {
		return r == ' ' || r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if len(name) > 32 || strings.ContainsFunc(name, func(r rune) bool { return !ok(r) }) {
		return ""
	}
	return name
}
