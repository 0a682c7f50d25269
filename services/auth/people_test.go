package auth

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
)

type peoplePage struct {
	Items      []PersonItem
	NextCursor *string `json:"next_cursor"`
}

func (p peoplePage) names() (list []string) {
	for _, i := range p.Items {
		list = append(list, i.Username)
	}
	return list
}

func (r *rig) people(who signedIn, query ...string) (p peoplePage) {
	r.t.Helper()
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	r.as(who, "GET", "people?"+v.Encode(), nil).Want(200).JSON(&p)
	return p
}

func TestPeopleAreFound(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss, warden := r.admin("boss"), r.ranked("warden", authn.RoleModerator)
		for name, shown := range map[string]string{"ada": "Ada Lovelace", "adam": "Zoë", "b_c": "100% sure", "bxc": "!odd"} {
			r.post("register", map[string]string{"username": name, "password": goodPassword, "display_name": shown, "email": "mail." + name + "@example.org"}).Want(201)
		}
		ada := r.people(boss, "query", "ada").Items[0]
		if err := r.svc.Suspend(t.Context(), Operator(), ada.ID, "x"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			query []string
			want  string
		}{
			{nil, "ada adam b_c boss bxc warden"},
			{[]string{"query", "AD"}, "ada adam"},
			{[]string{"query", "ada l"}, "ada"},
			{[]string{"query", "Zoë"}, "adam"},
			{[]string{"query", "b_"}, "b_c"},
			{[]string{"query", "100%"}, "b_c"},
			{[]string{"query", "%"}, ""},
			{[]string{"query", "!o"}, "bxc"},
			{[]string{"query", "lovelace"}, ""},
			{[]string{"query", "mail.adam@"}, "adam"},
			{[]string{"query", "Mail.A"}, "ada adam"},
			{[]string{"query", "' OR 1=1 --"}, ""},
			{[]string{"state", "suspended"}, "ada"},
			{[]string{"state", "active", "query", "ad"}, "adam"},
			{[]string{"role", "moderator"}, "warden"},
			{[]string{"role", "admin", "query", "b"}, "boss"},
		} {
			if got := strings.Join(r.people(boss, c.query...).names(), " "); got != c.want {
				t.Errorf("%v: %q, want %q", c.query, got, c.want)
			}
		}
		if ada := r.people(boss, "query", "ada").Items[0]; !ada.Suspended || ada.Email != "mail.ada@example.org" || ada.DisplayName != "Ada Lovelace" {
			t.Errorf("%+v", ada)
		}
		// A moderator needs no addresses.
		if p := r.people(warden, "query", "mail."); len(p.Items) != 0 {
			t.Errorf("found by address: %v", p.names())
		}
		for _, p := range r.people(warden).Items {
			if p.Email != "" {
				t.Errorf("%+v shows an address", p)
			}
		}
		d := r.person(warden, signedIn{SessionBody: SessionBody{User: SessionUser{ID: ada.ID}}})
		if d.Person.Email != "" || slices.ContainsFunc(d.Events, func(e EventItem) bool { return e.IP != "" }) {
			t.Errorf("%+v shows addresses", d)
		}
		if len(d.Events) == 0 {
			t.Error("no events")
		}
	})
}

func TestPeopleComeInPages(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		for _, name := range []string{"ada", "bob", "cleo", "dora"} {
			r.post("register", map[string]string{"username": name, "password": goodPassword}).Want(201)
		}
		var all []string
		cursor := ""
		for range 10 {
			q := []string{"limit", "2"}
			if cursor != "" {
				q = append(q, "cursor", cursor)
			}
			p := r.people(boss, q...)
			all = append(all, p.names()...)
			if p.NextCursor == nil {
				break
			}
			cursor = *p.NextCursor
		}
		if got := strings.Join(all, " "); got != "ada bob boss cleo dora" {
			t.Errorf("pages %q", got)
		}
		for _, bad := range []string{"x", "e30", "eyJhZnRlciI6IiclIn0"} {
			r.as(boss, "GET", "people?cursor="+bad, nil).WantProblem(errs.InvalidCursor)
		}
		r.as(boss, "GET", "people?query=%00", nil).WantProblem(errs.InvalidText)
		r.as(boss, "GET", "people?role=owner", nil).WantProblem(errs.InvalidParameter)
	})
}

func TestStatistics(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		now := r.clock.now()
		noon := now.Truncate(24 * time.Hour).Add(12 * time.Hour)
		r.clock.add(noon.Add(-20 * 24 * time.Hour).Sub(now))
		r.signUp2("early")
		r.clock.add(19 * 24 * time.Hour) // yesterday
		r.signUp2("ada")
		r.login("ada")
		r.clock.add(24 * time.Hour)
		r.admin("boss")
		ada, err := r.svc.PersonNamed(t.Context(), "ada")
		if err == nil {
			err = r.svc.Suspend(t.Context(), Operator(), ada.ID, "x")
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.svc.Statistics(t.Context())
		if err != nil || got.Accounts != 3 || got.Suspended != 1 || got.Sessions != 2 || got.Active != [3]int{1, 2, 3} || len(got.Days) != 30 {
			t.Errorf("%+v %v", got, err)
		}
		day := func(ago int) Day { return got.Days[29-ago] }
		for ago, want := range map[int][2]int{0: {1, 1}, 1: {1, 2}, 2: {0, 0}, 20: {1, 1}} {
			d := day(ago)
			if date := noon.AddDate(0, 0, -ago).Format(time.DateOnly); d.Date != date || d.SignUps != want[0] || d.SignIns != want[1] {
				t.Errorf("%d days ago: %+v, want %s with %v", ago, d, date, want)
			}
		}
		if err := r.svc.Remove(t.Context(), Operator(), ada.ID, "ada"); err != nil {
			t.Fatal(err)
		}
		if got, err = r.svc.Statistics(t.Context()); err != nil || got.Accounts != 2 || got.Active != [3]int{1, 1, 2} {
			t.Errorf("one of three is gone: %+v %v", got, err)
		}
	})
}
