package users

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func (p person) deleted() string {
	return events.Subject(events.ServiceAuth, events.NameDeleted, p.id.String())
}

// delete publishes that an account is gone, copies with different message ids.
func (w *world) delete(t *testing.T, p person, copies int) {
	t.Helper()
	data, err := json.Marshal(events.Deleted{UserID: p.id.String(), At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	for range copies {
		err := w.bus.Publish(t.Context(), bus.Message{
			Subject: p.deleted(), ID: id.New().String(), Type: events.NameDeleted, Source: "chatapp/auth", Time: time.Now(), Data: data,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (p person) nobody(version uint64) events.ProfileChanged {
	return events.ProfileChanged{UserID: p.id.String(), Username: goneUsername(p.id), DisplayName: goneName, Version: version}
}

// What a person was known and found by is gone, however often it is said, and
// an old event brings nothing back.
func TestDeletedPersonIsNobody(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada, bob := w.signUp("ada", "Ada Lovelace"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		status, zone := "At sea", "Europe/Berlin"
		if _, err := s.change(t.Context(), ada.id, change{StatusText: &status, TimeZone: &zone}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.setPicture(t.Context(), ada.id, []rendition{{Size: 64, Bytes: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		if err := s.setBlock(t.Context(), ada.id, bob.id, true); err != nil {
			t.Fatal(err)
		}
		if err := s.setBlock(t.Context(), ada.id, bob.id, false); err != nil {
			t.Fatal(err)
		}
		if err := s.store.saw(t.Context(), []id.ID{ada.id, bob.id}, time.Now()); err != nil {
			t.Fatal(err)
		}
		w.delete(t, ada, 3)
		testkit.Eventually(t, patience, func() bool { p, err := s.store.find(t.Context(), ada.id); return err == nil && p.gone() })
		w.registered(t, ada, 2)
		w.delete(t, bob, 1) // behind the others in both consumers
		testkit.Eventually(t, patience, func() bool { p, err := s.store.find(t.Context(), bob.id); return err == nil && p.gone() })

		var last events.ProfileChanged
		testkit.Eventually(t, patience, func() bool {
			for _, m := range w.events.All() {
				if m.Subject == ada.profileChanged() && version(t, m.Data) > last.Version {
					last = events.ProfileChanged{}
					if err := json.Unmarshal(m.Data, &last); err != nil {
						t.Fatal(err)
					}
				}
			}
			return last.Version >= 4
		})
		if last != ada.nobody(4) {
			t.Errorf("the others are told %+v", last)
		}
		eve := w.signUp("eve", "Eve")
		admitAll(t, s, eve)
		if u := get[User](t, s.Handler(), "/api/v1/users/"+ada.id.String(), eve.token); u.DisplayName != goneName || u.StatusText != "" || u.Picture != nil || u.LastSeenAt != nil {
			t.Errorf("%+v", u)
		}
		for _, query := range []string{"", "ada", "lovelace", "deleted", "deleted user", goneUsername(ada.id)} {
			wantFound(t, s, eve, query)
		}
		for table, want := range map[string]int64{"pictures": 0, "last_seen": 0, "profiles": 3, "dead_letters": 0} {
			if n := w.count(t, table); n != want {
				t.Errorf("%d rows of %s, want %d", n, table, want)
			}
		}
	})
}

// The end may be heard of before the beginning.
func TestDeletedBeforeRegistered(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		w.delete(t, ada, 1)
		testkit.Eventually(t, patience, func() bool { return w.count(t, "profiles") == 1 })
		w.registered(t, ada, 1)
		m := w.events.Expect(t, ada.profileChanged(), ada.deleted(), ada.registered())
		wantEvent(t, m[0].Data, ada.nobody(1))
		eve := w.signUp("eve", "Eve")
		admitAll(t, s, eve)
		w.delete(t, eve, 1)
		testkit.Eventually(t, patience, func() bool { p, err := s.store.find(t.Context(), eve.id); return err == nil && p.gone() })
		if p, err := s.store.find(t.Context(), ada.id); err != nil || !p.gone() || p.Version != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		wantFound(t, s, ada, "ada")
	})
}

// A token that lives a moment longer than its account changes nothing, and word
// of a last connection that comes late is not kept.
func TestDeletedPersonChangesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, bob := w.signUp("ada", "Ada"), w.signUp("bob", "Bob")
		admitAll(t, s, ada, bob)
		if _, err := s.store.bury(t.Context(), ada.id, time.Now()); err != nil {
			t.Fatal(err)
		}
		testkit.Call(t, s.Handler(), http.MethodPatch, "/api/v1/users/me", ada.token, map[string]string{"display_name": "Ada"}).Want(http.StatusUnauthorized)
		if _, err := s.setPrivacy(t.Context(), ada.id, Privacy{}); !errs.Is(err, errs.NotFound) {
			t.Errorf("%v", err)
		}
		if err := s.store.saw(t.Context(), []id.ID{ada.id, bob.id}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := s.store.saw(t.Context(), []id.ID{ada.id}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "last_seen"); n != 1 {
			t.Errorf("%d people were seen, want Bob alone", n)
		}
	})
}

// What is no deletion is set aside, and can be taken up again.
func TestPoisonedDeletion(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		for _, data := range []string{"garbage", `{"user_id":"x"}`, `{}`} {
			err := w.bus.Publish(t.Context(), bus.Message{
				Subject: events.Subject(events.ServiceAuth, events.NameDeleted, "x"), ID: id.New().String(), Type: events.NameDeleted, Data: []byte(data),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		testkit.Eventually(t, patience, func() bool { return w.count(t, "dead_letters") == 3 })
		ada := w.signUp("ada", "Ada")
		data, err := json.Marshal(events.Deleted{UserID: ada.id.String(), At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.replay(t.Context(), bus.Message{Type: events.NameDeleted, Data: data}); err != nil {
			t.Fatal(err)
		}
		if p, err := s.store.find(t.Context(), ada.id); err != nil || !p.gone() {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
