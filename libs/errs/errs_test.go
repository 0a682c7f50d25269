package errs

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// An unknown failure is ours: 500, and its text is for the log only.
func TestOf(t *testing.T) {
	if Of(nil) != nil {
		t.Error("nil must stay nil")
	}
	cause := errors.New("SELECT secret")
	e := Of(cause)
	if e.Slug != Internal || e.Slug.Status() != http.StatusInternalServerError || !errors.Is(e, cause) {
		t.Errorf("%+v", e)
	}
	if e.Detail == cause.Error() {
		t.Error("the cause is shown")
	}
	known := New(NotFound, "nothing here")
	if Of(fmt.Errorf("reading: %w", known)) != known || !Is(fmt.Errorf("x: %w", known), NotFound) || Is(known, Conflict) || Is(nil, NotFound) {
		t.Error("a wrapped error must be found by its slug")
	}
}

func TestEverySlugHasAStatus(t *testing.T) {
	for _, s := range Slugs() {
		if code := s.Status(); code < 400 || code > 599 || http.StatusText(code) == "" {
			t.Errorf("%s: %d", s, code)
		}
	}
	if Slug("made-up").Status() != http.StatusInternalServerError {
		t.Error("an unregistered slug must not look like the caller's mistake")
	}
}
