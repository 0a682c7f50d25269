package users

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func (p person) blockChanged() string {
	return events.Subject(events.ServiceUsers, events.NameBlockChanged, p.id.String())
}

func setBlock(t *testing.T, s *Service, method string, by, of person, status int) {
	t.Helper()
	r := testkit.Call(t, s.Handler(), method, "/api/v1/users/me/blocks/"+of.id.String(), by.token, nil)
	if r.Status != status {
		t.Fatalf("%s: %d %s, want %d", method, r.Status, r.Body, status)
	}
}

func names(p UserPage) []string {
	list := make([]string, len(p.Items))
	for i, u := range p.Items {
		list[i] = u.Username
	}
	return list
}

// A block hides both from each other, from the third nobody; it can be repeated,
// listed and lifted, and each change is told once.
func TestBlock(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben, eve := w.signUp("ada", "Ada"), w.signUp("ben", "Ben"), w.signUp("eve", "Eve")
		admitAll(t, s, ada, ben, eve)
		testkit.Run(t, s)
		w.events.Expect(t, ada.profileChanged(), ben.profileChanged(), eve.profileChanged())
		sees := func(who person, path string, want ...string) {
			t.Helper()
			got := names(get[UserPage](t, s.Handler(), path, who.token))
			if len(got) != len(want) {
				t.Errorf("%s of %s: %v, want %v", path, who.account.Username, got, want)
				return
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s of %s: %v, want %v", path, who.account.Username, got, want)
				}
			}
		}
		for range 2 {
			setBlock(t, s, http.MethodPut, ada, ben, 204)
		}
		sees(ada, "/api/v1/users", "eve")
		sees(ben, "/api/v1/users", "eve")
		sees(ben, "/api/v1/users?query=ada")
		sees(ada, "/api/v1/users?query=ben")
		sees(eve, "/api/v1/users", "ada", "ben")
		sees(ada, "/api/v1/users/me/blocks", "ben")
		sees(ben, "/api/v1/users/me/blocks")
		// The profile stays: old conversations show it, and 404 would tell of the block.
		if u := get[User](t, s.Handler(), "/api/v1/users/"+ada.id.String(), ben.token); u.Username != "ada" {
			t.Errorf("%+v", u)
		}
		for range 2 {
			setBlock(t, s, http.MethodDelete, ada, ben, 204)
		}
		sees(ben, "/api/v1/users", "ada", "eve")
		sees(ada, "/api/v1/users/me/blocks")
		for i, m := range w.events.Expect(t, ada.blockChanged(), ada.blockChanged()) {
			var got events.BlockChanged
			want := events.BlockChanged{UserID: ada.id.String(), BlockedID: ben.id.String(), Blocked: i == 0, Version: uint64(i + 1)}
			if err := json.Unmarshal(m.Data, &got); err != nil || got != want {
				t.Errorf("%s, want %+v", m.Data, want)
			}
		}
	})
}

// What cannot be blocked changes nothing and tells nobody.
func TestBlockRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.idle(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		testkit.Run(t, s)
		w.events.Expect(t, ada.profileChanged())
		blocks := "/api/v1/users/me/blocks"
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			wantProblem(t, s, method, blocks+"/"+id.New().String(), ada.token, nil, 404, "not-found")
			wantProblem(t, s, method, blocks+"/"+ada.id.String(), ada.token, nil, 400, "invalid-parameter")
			wantProblem(t, s, method, blocks+"/"+ada.id.String(), "", nil, 401, "unauthenticated")
		}
		wantProblem(t, s, http.MethodGet, blocks, "", nil, 401, "unauthenticated")
		wantProblem(t, s, http.MethodGet, blocks+"?cursor=made-up", ada.token, nil, 400, "invalid-cursor")
		w.events.Expect(t)
	})
}

// The list of blocked people is paged and bounded; who is at the bound can still
// unblock.
func TestBlocksArePagedAndBounded(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben, eve := w.signUp("ada", "Ada"), w.signUp("ben", "Ben"), w.signUp("eve", "Eve")
		admitAll(t, s, ada, ben, eve)
		var rows []blockRow
		for range maxBlocks - 2 {
			rows = append(rows, blockRow{BlockerID: ada.id, BlockedID: id.New(), Active: true, Version: 1, ChangedAt: ada.account.CreatedAt})
		}
		if err := w.db.W.CreateInBatches(&rows, 100).Error; err != nil {
			t.Fatal(err)
		}
		setBlock(t, s, http.MethodPut, ada, ben, 204)
		setBlock(t, s, http.MethodPut, ada, eve, 204)
		first := get[UserPage](t, s.Handler(), "/api/v1/users/me/blocks?limit=1", ada.token)
		if first.NextCursor == nil || first.Items[0].Username != "ben" {
			t.Fatalf("%+v", first)
		}
		second := get[UserPage](t, s.Handler(), "/api/v1/users/me/blocks?limit=1&cursor="+*first.NextCursor, ada.token)
		if second.NextCursor != nil || len(second.Items) != 1 || second.Items[0].Username != "eve" {
			t.Errorf("%+v", second)
		}
		zoe := w.signUp("zoe", "Zoe")
		admitAll(t, s, zoe)
		setBlock(t, s, http.MethodPut, ada, zoe, 409)
		setBlock(t, s, http.MethodDelete, ada, ben, 204)
		setBlock(t, s, http.MethodPut, ada, zoe, 204)
	})
}

// However many block and unblock at once, every change has a number of its own.
func TestBlockRaces(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.idle(t)
		ada, ben := w.signUp("ada", "Ada"), w.signUp("ben", "Ben")
		admitAll(t, s, ada, ben)
		var told sync.Map
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				rows, err := s.store.setBlock(t.Context(), ada.id, ben.id, i%2 == 0)
				if err != nil {
					t.Error(err)
				}
				for _, row := range rows {
					if _, twice := told.LoadOrStore(row.MsgID, true); twice {
						t.Errorf("%s twice", row.MsgID)
					}
				}
			})
		}
		all.Wait()
	})
}
