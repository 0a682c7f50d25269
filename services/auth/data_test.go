package auth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
)

// data asks for all that a person may download, as messages does, and puts the
// pages together.
func (r *rig) data(user id.ID) (account accountData, sessions []sessionData, happened []eventData, all string) {
	r.t.Helper()
	var text strings.Builder
	for after := ""; ; {
		var page events.DataReply
		if err := r.svc.bus.Request(r.t.Context(), events.RPCAccountData, events.DataRequest{UserID: user.String(), After: after}, &page); err != nil {
			r.t.Fatal(err)
		}
		for _, f := range page.Files {
			text.Write(f.JSON)
			switch f.Name {
			case fileAccount:
				r.decode(f.JSON, &account)
			case fileSessions:
				for _, item := range f.Items {
					sessions = append(sessions, sessionData{})
					r.decode(item, &sessions[len(sessions)-1])
					text.Write(item)
				}
			case fileActivity:
				for _, item := range f.Items {
					happened = append(happened, eventData{})
					r.decode(item, &happened[len(happened)-1])
					text.Write(item)
				}
			default:
				r.t.Errorf("what is %s?", f.Name)
			}
		}
		if after = page.Next; after == "" {
			return account, sessions, happened, text.String()
		}
	}
}

func (r *rig) decode(data []byte, v any) {
	r.t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		r.t.Fatalf("%v in %s", err, data)
	}
}

// The owner gets account, factors, sessions and events; no secret, no hash, and
// nothing of the administrator who did something to the account.
func TestDataOfAnAccount(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		r.nextStep() // which goes back in time, before anything has happened
		boss := r.admin("boss")
		ada := r.signedIn(r.post("register", map[string]string{
			"username": "ada", "display_name": "Ada L", "email": "ada@example.org", "password": goodPassword,
		}, header{"User-Agent", "Ada's own browser"}), 201)
		other := r.signUp2("ben")
		app, codes := r.enrol(ada, confirmed())
		by := Actor{ID: boss.User.ID, Name: "boss", Role: "admin", From: Client{IP: "203.0.113.99", UserAgent: "The boss's browser"}}
		if err := r.svc.Suspend(t.Context(), by, ada.User.ID, "too loud"); err != nil {
			t.Fatal(err)
		}
		if err := r.svc.Restore(t.Context(), Operator(), ada.User.ID); err != nil {
			t.Fatal(err)
		}

		account, sessions, happened, all := r.data(ada.User.ID)
		if account.ID != ada.User.ID || account.Email != "ada@example.org" || account.DisplayName != "Ada L" || account.PasswordChangedAt == nil ||
			account.TOTPSince == nil || account.RecoveryCodesLeft != len(codes) || len(account.Passkeys) != 0 || len(account.Providers) != 0 {
			t.Errorf("%+v", account)
		}
		if len(sessions) != 1 || sessions[0].UserAgent != "Ada's own browser" || sessions[0].EndedAt == nil || sessions[0].Ended != reasonSuspended {
			t.Errorf("%+v", sessions)
		}
		var names []string
		for _, e := range happened {
			names = append(names, e.Event)
			byOther := e.Event == eventSuspended || e.Event == eventRestored || e.Event == eventRevoked
			if e.ByOther != byOther || (e.IP == "") != byOther {
				t.Errorf("%+v", e)
			}
		}
		if got := strings.Join(names, " "); !strings.HasPrefix(got, eventSignUp+" ") || !strings.Contains(got, eventTOTPAdded) || !strings.HasSuffix(got, eventRestored) {
			t.Error(got)
		}
		secrets := append([]string{app.secret, ada.cookie.Value, "argon2", "hash", "203.0.113.99", "boss", "too loud", "ben", other.User.ID.String()}, codes...)
		for _, secret := range secrets {
			if strings.Contains(strings.ToLower(all), strings.ToLower(secret)) {
				t.Errorf("%q is in %s", secret, all)
			}
		}
	})
}

// More than fits into one answer comes in several that meet.
func TestDataInPages(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada := r.signUp2("ada")
		at := r.clock.now().Add(-time.Hour)
		const many = 2*mydata.PageSize + 7
		for i := range many {
			// Three at each moment: the id decides.
			note := audit(at.Add(time.Duration(i/3)*time.Second), "x", Account{ID: ada.User.ID}, Client{IP: "192.0.2.1", UserAgent: strings.Repeat("<", 255)})
			row := sessionRow{ID: id.New(), AccountID: ada.User.ID, IP: "192.0.2.1", UserAgent: strings.Repeat("<", 255), CreatedAt: note.At, LastUsedAt: note.At, ExpiresAt: note.At}
			if err := r.db.W.Create(&note).Error; err != nil {
				t.Fatal(err)
			}
			if err := r.db.W.Create(&row).Error; err != nil {
				t.Fatal(err)
			}
		}
		_, sessions, happened, _ := r.data(ada.User.ID)
		seen := map[id.ID]bool{}
		for _, s := range sessions {
			seen[s.ID] = true
		}
		if len(sessions) != many+1 || len(seen) != many+1 || len(happened) != many+1 {
			t.Errorf("%d sessions (%d different) and %d events of %d", len(sessions), len(seen), len(happened), many+1)
		}
		for i := 1; i < len(happened); i++ {
			if happened[i].At.Before(happened[i-1].At) {
				t.Fatalf("event %d is older than the one before", i)
			}
		}
		for after, slug := range map[string]errs.Slug{"nonsense": errs.InvalidCursor, "e30": errs.InvalidCursor} {
			err := r.svc.bus.Request(t.Context(), events.RPCAccountData, events.DataRequest{UserID: ada.User.ID.String(), After: after}, nil)
			if !errs.Is(err, slug) {
				t.Errorf("%q: %v", after, err)
			}
		}
		for _, nobody := range []string{"", "x", id.New().String()} {
			if err := r.svc.bus.Request(t.Context(), events.RPCAccountData, events.DataRequest{UserID: nobody}, nil); !errs.Is(err, errs.NotFound) {
				t.Errorf("%q: %v", nobody, err)
			}
		}
	})
}

// Keys and linked identities are told by their names.
func TestDataOfOtherWaysIn(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada := r.signUp2("ada")
		r.addPasskey(ada, confirmed())
		who := identity{Issuer: "https://id.example.org", Subject: "4711", Provider: "example", Label: "ada@id.example.org"}
		row := who.row(ada.User.ID, r.clock.now())
		if err := r.db.W.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		account, _, _, all := r.data(ada.User.ID)
		if len(account.Passkeys) != 1 || account.Passkeys[0].Name == "" || len(account.Providers) != 1 || account.Providers[0].Subject != "4711" || account.Providers[0].Label != who.Label {
			t.Errorf("%+v", account)
		}
		for _, secret := range []string{"public_key", "credential", "sign_count"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in %s", secret, all)
			}
		}
	})
}
