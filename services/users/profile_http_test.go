package users

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func patchMe(t *testing.T, s *Service, p person, body string) *testkit.Response {
	t.Helper()
	return testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", p.token, body)
}

func TestProfileDetails(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		w.events.Expect(t, ada.profileChanged(), bob.profileChanged())
		patchMe(t, s, ada, `{"status_text":" At sea 🌊 ","language":"PT-br","time_zone":"Europe/Berlin"}`).Want(http.StatusOK)
		me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token)
		want := Me{ID: ada.id.String(), Username: "ada", DisplayName: "Ada", StatusText: "At sea 🌊", Language: "pt-BR", TimeZone: "Europe/Berlin", CreatedAt: ada.account.CreatedAt}
		if me != want {
			t.Fatalf("%+v, want %+v", me, want)
		}
		m := w.events.Expect(t, ada.profileChanged())
		wantEvent(t, m[0].Data, events.ProfileChanged{UserID: ada.id.String(), Username: "ada", DisplayName: "Ada", StatusText: "At sea 🌊", Version: 2})

		// What concerns nobody else is told to nobody; what is left out stays.
		patchMe(t, s, ada, `{"language":"de","time_zone":""}`).Want(http.StatusOK)
		patchMe(t, s, ada, `{"status_text":"At sea 🌊"}`).Want(http.StatusOK)
		w.events.Expect(t)
		want.Language, want.TimeZone = "de", ""
		if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me != want {
			t.Errorf("%+v, want %+v", me, want)
		}
		r := testkit.Call(t, s.Handler(), http.MethodGet, "/api/v1/users/"+ada.id.String(), bob.token, nil).Want(http.StatusOK)
		if body := string(r.Body); !strings.Contains(body, "At sea") || strings.Contains(body, "language") || strings.Contains(body, "time_zone") {
			t.Errorf("bob sees %s", body)
		}
		patchMe(t, s, ada, `{"status_text":"","display_name":"Ada L"}`).Want(http.StatusOK)
		w.events.Expect(t, ada.profileChanged())
		wantFound(t, s, bob, "ada l", "ada")

		for body, slug := range map[string]errs.Slug{
			`{"status_text":"` + strings.Repeat("é", 101) + `"}`: errs.InvalidBody,
			`{"status_text":"a\nb"}`:                             errs.InvalidText,
			`{"status_text":null}`:                               errs.InvalidBody,
			`{"language":"english please"}`:                      errs.InvalidBody,
			`{"language":"und"}`:                                 errs.InvalidBody,
			`{"time_zone":"Local"}`:                              errs.InvalidBody,
			`{"time_zone":"../../etc/passwd"}`:                   errs.InvalidBody,
			`{"time_zone":"/etc/localtime"}`:                     errs.InvalidBody,
			`{"time_zone":"Mars/Olympus"}`:                       errs.InvalidBody,
			`{"picture_id":"` + ada.id.String() + `"}`:           errs.InvalidBody,
			`{"display_name":"Eve","time_zone":"Local"}`:         errs.InvalidBody,
		} {
			patchMe(t, s, ada, body).WantProblem(slug)
		}
		patchMe(t, s, ada, `{"status_text":"`+strings.Repeat("é", 100)+`"}`).Want(http.StatusOK)
		w.events.Expect(t, ada.profileChanged())
	})
}

func putPicture(t *testing.T, s *Service, token, mime string, body any) *testkit.Response {
	t.Helper()
	r := testkit.NewRequest(t, http.MethodPut, "/api/v1/users/me/picture", token, body)
	r.Header.Set("Content-Type", mime)
	return testkit.Do(t, s.Handler(), r)
}

func TestPictureComesAndGoes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		w.events.Expect(t, ada.profileChanged(), bob.profileChanged())
		var me Me
		putPicture(t, s, ada.token, "image/png", encoded(t, "image/png", flag(300, 100))).Want(http.StatusOK).JSON(&me)
		if me.Picture == nil || me.Picture.Small == me.Picture.Large {
			t.Fatalf("%+v", me.Picture)
		}
		m := w.events.Expect(t, ada.profileChanged())
		var e events.ProfileChanged
		if err := json.Unmarshal(m[0].Data, &e); err != nil || e.Version != 2 || !strings.Contains(me.Picture.Small, e.PictureID) {
			t.Errorf("%+v, %v", e, err)
		}
		seen := get[User](t, s.Handler(), "/api/v1/users/"+ada.id.String(), bob.token)
		listed := get[UserPage](t, s.Handler(), "/api/v1/users", bob.token)
		several := get[UserPage](t, s.Handler(), "/api/v1/users?ids="+ada.id.String()+","+bob.id.String()+","+id.New().String(), bob.token)
		if *seen.Picture != *me.Picture || *listed.Items[0].Picture != *me.Picture || len(several.Items) != 2 || *several.Items[0].Picture != *me.Picture {
			t.Errorf("%+v, %+v, %+v", seen, listed, several)
		}
		// No token is needed, and nothing but a picture comes out.
		r := testkit.Call(t, s.Handler(), http.MethodGet, me.Picture.Medium, "", nil).Want(http.StatusOK)
		for name, want := range map[string]string{
			"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline",
			"Cache-Control":           "public, max-age=31536000, immutable",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
		} {
			if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if p, err := jpeg.Decode(bytes.NewReader(r.Body)); err != nil || p.Bounds().Dx() != 128 {
			t.Error(err)
		}
		old := *me.Picture // a copy: decoding writes into what it points to
		putPicture(t, s, ada.token, "image/jpeg; x=y", encoded(t, "image/jpeg", flag(100, 300))).Want(http.StatusOK).JSON(&me)
		gone := []string{
			old.Small, strings.Replace(me.Picture.Small, ada.id.String(), bob.id.String(), 1),
			strings.TrimSuffix(me.Picture.Small, "64") + "65", strings.TrimSuffix(me.Picture.Small, "64") + "x", "/api/v1/users/me/pictures/" + id.New().String() + "/64",
		}
		for _, path := range gone {
			testkit.Call(t, s.Handler(), http.MethodGet, path, "", nil).WantProblem(errs.NotFound)
		}
		if w.count(t, "pictures") != int64(len(pictureSizes)) {
			t.Errorf("%d rows", w.count(t, "pictures"))
		}
		for range 2 { // the second changes nothing
			testkit.Call(t, s.Handler(), http.MethodDelete, "/api/v1/users/me/picture", ada.token, nil).Want(http.StatusNoContent)
		}
		w.events.Expect(t, ada.profileChanged(), ada.profileChanged())
		testkit.Call(t, s.Handler(), http.MethodGet, me.Picture.Large, "", nil).WantProblem(errs.NotFound)
		if me := get[Me](t, s.Handler(), "/api/v1/users/me", ada.token); me.Picture != nil || w.count(t, "pictures") != 0 {
			t.Errorf("%+v, %d rows", me.Picture, w.count(t, "pictures"))
		}
	})
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("read")
}

func TestPictureUploadIsLimited(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		long := func(token, mime string) *testkit.Response {
			r := testkit.NewRequest(t, http.MethodPut, "/api/v1/users/me/picture", token, untouched{t})
			r.Header.Set("Content-Type", mime)
			r.ContentLength = maxPictureBytes + 1
			return testkit.Do(t, s.Handler(), r)
		}
		long(ada.token, "image/png").WantProblem(errs.TooLarge)
		r := testkit.NewRequest(t, http.MethodPut, "/api/v1/users/me/picture", "", untouched{t})
		r.Header.Set("Content-Type", "image/png")
		testkit.Do(t, s.Handler(), r).WantProblem(errs.Unauthenticated)
		for _, mime := range []string{"application/json", "image/svg+xml", "text/html", ""} {
			r := testkit.NewRequest(t, http.MethodPut, "/api/v1/users/me/picture", ada.token, untouched{t})
			r.Header.Set("Content-Type", mime)
			testkit.Do(t, s.Handler(), r).WantProblem(errs.UnsupportedMediaType)
		}
		// Of a body without a length no more is read than is allowed.
		endless := io.LimitReader(zeros{}, 64<<20)
		putPicture(t, s, ada.token, "image/png", endless).WantProblem(errs.TooLarge)
		if left, err := io.Copy(io.Discard, endless); err != nil || left < 58<<20 {
			t.Errorf("%d bytes left, %v", left, err)
		}
		full := append(encoded(t, "image/png", flag(90, 90)), make([]byte, maxPictureBytes)...)[:maxPictureBytes]
		putPicture(t, s, ada.token, "image/png", full).Want(http.StatusOK)
		// Other routes take JSON and little of it, as before.
		patchMe(t, s, ada, `{"status_text":"`+strings.Repeat("x", 65<<10)+`"}`).WantProblem(errs.TooLarge)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestPrivacy(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada.l", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		w.events.Expect(t, ada.profileChanged(), bob.profileChanged())
		privacy := func(p person, listed, seen, receipts bool) {
			t.Helper()
			want := PrivacySettings{Listed: listed, ShowLastSeen: seen, ShowReadReceipts: receipts}
			var got PrivacySettings
			testkit.Call(t, s.Handler(), http.MethodPut, "/api/v1/users/me/privacy", p.token, want).Want(http.StatusOK).JSON(&got)
			if got != want || get[PrivacySettings](t, s.Handler(), "/api/v1/users/me/privacy", p.token) != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		if got := get[PrivacySettings](t, s.Handler(), "/api/v1/users/me/privacy", ada.token); got != (PrivacySettings{true, true, true}) {
			t.Errorf("at first %+v", got)
		}
		wantFound(t, s, bob, "", "ada.l")
		privacy(ada, false, true, false)
		changed := events.Subject(events.ServiceUsers, events.NamePrivacyChanged, ada.id.String())
		m := w.events.Expect(t, changed)
		if string(m[0].Data) != `{"user_id":"`+ada.id.String()+`","show_read_receipts":false,"version":1}` {
			t.Errorf("%s", m[0].Data)
		}
		privacy(ada, false, true, false) // the same again
		w.events.Expect(t)
		for _, query := range []string{"", "ada", "Ada", "ada."} {
			wantFound(t, s, bob, query)
		}
		for _, query := range []string{"ada.l", "@ADA.L "} {
			wantFound(t, s, bob, query, "ada.l")
		}
		get[User](t, s.Handler(), "/api/v1/users/"+ada.id.String(), bob.token)
		// A rename keeps what is private so.
		patchMe(t, s, ada, `{"display_name":"Ada L"}`).Want(http.StatusOK)
		wantFound(t, s, bob, "ada")
		privacy(ada, true, true, true)
		wantFound(t, s, bob, "ada", "ada.l")
		w.events.Expect(t, ada.profileChanged(), changed)
		testkit.Call(t, s.Handler(), http.MethodPut, "/api/v1/users/me/privacy", ada.token, `{"listed":true}`).WantProblem(errs.InvalidBody)
	})
}

func TestLastSeen(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		seen := func(by, of person) *time.Time {
			return get[User](t, s.Handler(), "/api/v1/users/"+of.id.String(), by.token).LastSeenAt
		}
		if at := seen(bob, ada); at != nil {
			t.Errorf("seen at %v", at)
		}
		at := time.Date(2026, 11, 25, 22, 30, 44, 0, time.UTC)
		for _, moment := range []time.Time{at.Add(-time.Hour), at} {
			if err := s.store.saw(t.Context(), []id.ID{ada.id, bob.id}, moment); err != nil {
				t.Fatal(err)
			}
		}
		if got := seen(bob, ada); got == nil || !got.Equal(at.Truncate(time.Minute)) {
			t.Errorf("seen at %v", got)
		}
		hide := func(p person, hidden bool) {
			if _, err := s.setPrivacy(t.Context(), p.id, Privacy{HideLastSeen: hidden}); err != nil {
				t.Fatal(err)
			}
		}
		for _, who := range []person{ada, bob} { // whoever of the two hides, neither sees
			hide(who, true)
			if a, b := seen(bob, ada), seen(ada, bob); a != nil || b != nil {
				t.Errorf("%s hides; %v %v", who.account.Username, a, b)
			}
			hide(who, false)
			if err := s.setBlock(t.Context(), who.id, ada.id, true); who.id != ada.id && err != nil {
				t.Fatal(err)
			}
		}
		if a, b := seen(bob, ada), seen(ada, bob); a != nil || b != nil {
			t.Errorf("blocked; %v %v", a, b)
		}
	})
}

// Who notify says is connected is seen; what is no such word is passed over.
func TestSeenArrives(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		data, err := json.Marshal(events.Seen{UserIDs: []string{ada.id.String()}})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, patience, func() bool {
			for _, data := range [][]byte{[]byte("garbage"), []byte(`{"user_ids":["x"]}`), []byte(`{}`), data} {
				if err := w.bus.Broadcast(events.Subject(events.ServiceNotify, events.NameSeen, events.KeySeen), data); err != nil {
					t.Fatal(err)
				}
			}
			at := get[User](t, s.Handler(), "/api/v1/users/"+ada.id.String(), bob.token).LastSeenAt
			return at != nil && time.Since(*at) < 3*time.Minute
		})
	})
}
