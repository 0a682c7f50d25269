package users

import (
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// FuzzAccount: whatever auth says of an account becomes a profile that fits, or
// is refused as a whole.
func FuzzAccount(f *testing.F) {
	f.Add(id.New().String(), "ada", "Ada")
	f.Add("", "ada", "\u3164")
	f.Add(id.New().String(), "a\nb", "\xff")
	f.Fuzz(func(t *testing.T, user, username, display string) {
		p, err := fromAccount(events.Registered{UserID: user, Username: username, DisplayName: display, CreatedAt: time.Now()})
		if err != nil {
			if !errs.Is(err, errs.InvalidBody) {
				t.Fatal(err)
			}
			return
		}
		if p.UserID.IsZero() || p.Username != username || p.DisplayName == "" || !validText(p.DisplayName) {
			t.Fatalf("%+v", p)
		}
	})
}

// FuzzPage: a page of the directory has one name, or there is none.
func FuzzPage(f *testing.F) {
	for _, s := range []string{"", "e30", "eyJVc2VybmFtZSI6ImEifQ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodePage(s)
		if err != nil && !errs.Is(err, errs.InvalidCursor) {
			t.Fatal(err)
		}
		if err == nil && s != "" && (p.Username == "" || p.UserID.IsZero()) {
			t.Fatalf("%q is %+v", s, p)
		}
	})
}
