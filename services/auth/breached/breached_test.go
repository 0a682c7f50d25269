package breached_test

import (
	"crypto/rand"
	"testing"

	"chatapp/services/auth/breached"
)

func TestContains(t *testing.T) {
	for _, word := range []string{"password", "Password", "12345678", "iloveyou", "sunshine", "football", "princess", "qwertyuiop"} {
		if !breached.Contains(word) {
			t.Errorf("%q is not known", word)
		}
	}
	wrong := 0
	for range 10_000 {
		if breached.Contains(rand.Text()) {
			wrong++
		}
	}
	if wrong > 5 {
		t.Errorf("%d of 10,000 random passwords are taken for well-known ones", wrong)
	}
}
