package bus

import "strings"

// covers reports whether the NATS pattern ("*" one token, ">" the rest) matches
// the literal subject.
func covers(pattern, subject string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, ".")
		s, srest, smore := strings.Cut(subject, ".")
		if p == ">" {
			return subject != ""
		}
		if p != "*" && p != s {
			return false
		}
		if pmore != smore {
			return false
		}
		if !pmore {
			return true
		}
		pattern, subject = prest, srest
	}
}
