package users

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
	"chatapp/libs/testkit"
)

// data asks for all that a person may download, as messages does.
func (w *world) data(t *testing.T, user id.ID) (profile profileData, picture []byte, blocks []blockData, acts []mydata.Act) {
	t.Helper()
	for after := ""; ; {
		var page events.DataReply
		if err := w.bus.Request(t.Context(), events.RPCProfileData, events.DataRequest{UserID: user.String(), After: after}, &page); err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Files {
			switch f.Name {
			case fileProfile:
				if err := json.Unmarshal(f.JSON, &profile); err != nil {
					t.Fatal(err)
				}
			case filePicture:
				picture = f.Bytes
			case fileBlocks:
				for _, item := range f.Items {
					var b blockData
					if err := json.Unmarshal(item, &b); err != nil {
						t.Fatal(err)
					}
					blocks = append(blocks, b)
				}
			case fileActivity:
				for _, item := range f.Items {
					var act mydata.Act
					if err := json.Unmarshal(item, &act); err != nil {
						t.Fatal(err)
					}
					acts = append(acts, act)
				}
			default:
				t.Errorf("what is %s?", f.Name)
			}
		}
		if after = page.Next; after == "" {
			return profile, picture, blocks, acts
		}
	}
}

func TestDataOfAProfile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.serveAccounts(t)
		s := w.service(t)
		ada, ben, eve := w.signUp("ada", "Ada"), w.signUp("ben", "Ben"), w.signUp("eve", "Eve")
		admitAll(t, s, ada, ben, eve)
		w.answering(t)
		patchMe(t, s, ada, `{"status_text":"At sea","language":"de","time_zone":"Europe/Berlin"}`).Want(http.StatusOK)
		testkit.Call(t, s.Handler(), http.MethodPut, "/api/v1/users/me/privacy", ada.token, PrivacySettings{Listed: true, ShowReadReceipts: true}).Want(http.StatusOK)
		if err := s.store.saw(t.Context(), []id.ID{ada.id}, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
			t.Fatal(err)
		}
		for _, who := range []person{ben, eve} {
			testkit.Call(t, s.Handler(), http.MethodPut, "/api/v1/users/me/blocks/"+who.id.String(), ada.token, nil).Want(http.StatusNoContent)
		}
		testkit.Call(t, s.Handler(), http.MethodDelete, "/api/v1/users/me/blocks/"+eve.id.String(), ada.token, nil).Want(http.StatusNoContent)
		testkit.Call(t, s.Handler(), http.MethodPut, "/api/v1/users/me/blocks/"+ada.id.String(), eve.token, nil).Want(http.StatusNoContent)

		profile, picture, blocks, acts := w.data(t, ada.id)
		seen := profile.LastSeenAt
		profile.LastSeenAt = nil
		want := profileData{
			ID: ada.id.String(), Username: "ada", DisplayName: "Ada", StatusText: "At sea", Language: "de", TimeZone: "Europe/Berlin",
			CreatedAt: ada.account.CreatedAt, Privacy: PrivacySettings{Listed: true, ShowReadReceipts: true},
		}
		if profile != want || seen == nil || time.Since(*seen) > time.Minute || picture != nil {
			t.Errorf("%+v, want %+v; seen %v", profile, want, seen)
		}
		if len(blocks) != 1 || blocks[0].ID != ben.id.String() || blocks[0].Username != "ben" || time.Since(blocks[0].Since) > time.Minute {
			t.Errorf("%+v", blocks)
		}
		var happened []string
		for _, act := range acts {
			happened = append(happened, act.Event)
		}
		if got := strings.Join(happened, " "); got != "profile-changed privacy-changed person-blocked person-blocked person-unblocked" {
			t.Errorf("%s", got)
		}
		putPicture(t, s, ada.token, "image/png", encoded(t, "image/png", flag(700, 600))).Want(http.StatusOK)
		if _, picture, _, _ = w.data(t, ada.id); picture == nil {
			t.Fatal("no picture")
		}
		if img, err := jpeg.Decode(bytes.NewReader(picture)); err != nil || img.Bounds().Dx() != 512 {
			t.Errorf("%v", err)
		}
		for _, nobody := range []string{"", "x", id.New().String()} {
			if err := w.bus.Request(t.Context(), events.RPCProfileData, events.DataRequest{UserID: nobody}, nil); !errs.Is(err, errs.NotFound) {
				t.Errorf("%q: %v", nobody, err)
			}
		}
		if err := w.bus.Request(t.Context(), events.RPCProfileData, events.DataRequest{UserID: ada.id.String(), After: "x"}, nil); !errs.Is(err, errs.InvalidCursor) {
			t.Errorf("%v", err)
		}
	})
}

// Everybody whom a person blocked is there, though they are more than one answer
// holds.
func TestDataOfManyBlocks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		w.answering(t)
		const many = 2*mydata.PageSize + 5
		rows := make([]blockRow, 0, many)
		for range many {
			rows = append(rows, blockRow{BlockerID: ada.id, BlockedID: id.New(), Active: true, Version: 1, ChangedAt: time.Now().UTC().Truncate(time.Microsecond)})
		}
		if err := w.db.W.CreateInBatches(&rows, 200).Error; err != nil {
			t.Fatal(err)
		}
		_, _, blocks, _ := w.data(t, ada.id)
		seen := map[string]bool{}
		for _, b := range blocks {
			seen[b.ID] = true
		}
		if len(blocks) != many || len(seen) != many {
			t.Errorf("%d blocks (%d different) of %d", len(blocks), len(seen), many)
		}
	})
}

// Who is gone has nothing to download.
func TestDataOfSomebodyGone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service(t)
		ada := w.signUp("ada", "Ada")
		admitAll(t, s, ada)
		w.answering(t)
		if _, err := s.store.bury(t.Context(), ada.id, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
			t.Fatal(err)
		}
		if err := w.bus.Request(t.Context(), events.RPCProfileData, events.DataRequest{UserID: ada.id.String()}, nil); !errs.Is(err, errs.NotFound) {
			t.Error(fmt.Errorf("who is gone: %w", err))
		}
	})
}

// answering waits until the service hears requests for data.
func (w *world) answering(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, patience, func() bool {
		return errs.Is(w.bus.Request(t.Context(), events.RPCProfileData, events.DataRequest{}, nil), errs.NotFound)
	})
}
