package auth

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

// leaveToLink begins to link as a person who is signed in and returns the
// provider's address.
func (b *browser) leaveToLink(s signedIn, password string) string {
	b.r.t.Helper()
	res := b.keep(b.r.post("oidc/test/link", map[string]string{"current_password": password, "return": "/settings/security"}, bearer(s.AccessToken)))
	res.Want(http.StatusOK)
	var out struct{ Location string }
	res.JSON(&out)
	return out.Location
}

// links are the caller's links as provider=label.
func (r *rig) links(s signedIn) []string {
	r.t.Helper()
	var out struct{ Items []LinkItem }
	r.call(http.MethodGet, "/api/v1/auth/oidc/links", nil, bearer(s.AccessToken)).Want(http.StatusOK).JSON(&out)
	var list []string
	for _, l := range out.Items {
		list = append(list, l.Provider+"="+l.Label)
	}
	return list
}

func (r *rig) unlink(s signedIn, provider string) *testkit.Response {
	r.t.Helper()
	return r.call(http.MethodDelete, "/api/v1/auth/oidc/links/"+provider, nil, bearer(s.AccessToken))
}

func TestOIDCLink(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		s := r.signUpWithEmail("grace") // the very address: linking is explicit
		b := &browser{r: r}
		r.post("oidc/test/link", map[string]string{"current_password": "wrong"}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		r.post("oidc/test/link", map[string]string{"current_password": goodPassword, "return": "//evil.example"}, bearer(s.AccessToken)).WantProblem(errs.InvalidParameter)
		r.post("oidc/test/link", map[string]string{"current_password": goodPassword}).WantProblem(errs.Unauthenticated)
		for range 2 { // twice changes nothing
			res := b.get(atProvider(t, b.leaveToLink(s, goodPassword), "grace"))
			res.Want(http.StatusSeeOther)
			if got := res.Header.Get("Location"); got != "/settings/security" || b.signed != nil {
				t.Fatalf("leads to %q, session %v", got, b.signed)
			}
		}
		if got := r.links(s); !slices.Equal(got, []string{"test=grace@example.org"}) {
			t.Errorf("links %v", got)
		}
		mail := r.mails(1)[0]
		if mail.To != "grace@example.org" || !strings.Contains(mail.Text, "Test, ") || !strings.Contains(mail.Subject, "way to sign in") {
			t.Errorf("mail %+v", mail)
		}
		if in := b.wantIn(b.signIn("grace")); in.User.ID != s.User.ID {
			t.Errorf("signed in as %+v", in.User)
		}
		r.unlink(s, "other").WantProblem(errs.NotFound)
		r.unlink(s, "test").Want(http.StatusNoContent)
		r.unlink(s, "test").WantProblem(errs.NotFound)
		if mail := r.mails(2)[1]; mail.To != "grace@example.org" || !strings.Contains(mail.Text, "Test, ") || !strings.Contains(mail.Subject, "was removed") {
			t.Errorf("mail %+v", mail)
		}
		if got := r.audited(); !slices.Equal(got, []string{"sign-up", "login-failed", "oidc-linked", "oidc-login", "oidc-unlinked"}) {
			t.Errorf("audit %v", got)
		}
		b.signed = nil
		b.wantFailed(b.signIn("grace"), "identifier-taken")
	})
}

func TestOIDCLinkOfSomebodyElse(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		owner := &browser{r: r}
		in := owner.wantIn(owner.signIn("grace"))
		r.events.Expect(t, "chat.auth.v1.registered."+in.User.ID.String())
		ada := r.signUp("ada")
		b := &browser{r: r}
		b.wantFailed(b.get(atProvider(t, b.leaveToLink(ada, goodPassword), "grace")), "conflict")
		if got := r.links(ada); got != nil {
			t.Errorf("links %v", got)
		}
		// One identity of each provider.
		p.Add(idp.Person{Subject: "1", Username: "ada1"})
		p.Add(idp.Person{Subject: "2", Username: "ada2"})
		b.get(atProvider(t, b.leaveToLink(ada, goodPassword), "ada1")).Want(http.StatusSeeOther)
		b.wantFailed(b.get(atProvider(t, b.leaveToLink(ada, goodPassword), "ada2")), "conflict")
		// Links are their owner's business.
		r.unlink(in, "test").WantProblem(errs.Conflict)
		if got := r.links(ada); !slices.Equal(got, []string{"test=ada1"}) {
			t.Errorf("links %v", got)
		}
	})
}

func TestOIDCLinkNeedsTheSessionThatAsked(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		s := r.signUp("ada")
		b := &browser{r: r}
		back := atProvider(t, b.leaveToLink(s, goodPassword), "grace")
		r.post("logout", nil, bearer(s.AccessToken)).Want(http.StatusNoContent)
		b.wantFailed(b.get(back), "unauthenticated")
		if r.rows("oidc_identities") != 0 {
			t.Error("linked all the same")
		}
	})
}

func TestOIDCLastWayStays(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		p, second := newProvider(t), newProvider(t)
		bus := testkit.Bus(t)
		both := []entry{{"test", "Test", p.Issuer, "chat"}, {"second", "Second", second.Issuer, "chat"}}
		r := newRig(t, d, bus, signsInWith(t, both...))
		b := &browser{r: r}
		s := b.wantIn(b.signIn("grace"))
		detail := r.unlink(s, "test").WantProblem(errs.Conflict).Detail
		if !strings.Contains(detail, "only way") || r.rows("oidc_identities") != 1 {
			t.Fatalf("%q, %d links", detail, r.rows("oidc_identities"))
		}
		// A link to a provider that is no longer offered is no way in.
		stale := identity{Provider: "gone", Issuer: "https://gone.example", Subject: "1", Label: "x"}
		row := stale.row(s.User.ID, r.clock.now())
		if err := d.W.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		r.unlink(s, "test").WantProblem(errs.Conflict)
		r.unlink(s, "gone").Want(http.StatusNoContent)
		// A password is one.
		r.post("password", map[string]string{"password": goodPassword}, bearer(s.AccessToken)).Want(http.StatusNoContent)
		r.unlink(s, "test").Want(http.StatusNoContent)
	})
}

// A passkey is a way in, where passkeys work; so the last of link and passkey
// stays for who has no password.
func TestOIDCAPasskeyIsAWayIn(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		s := b.wantIn(b.signIn("grace"))
		_, codes := r.addPasskey(s, map[string]any{})
		relying := r.svc.passkeys
		r.svc.passkeys = nil // as at a bare IP address
		r.unlink(s, "test").WantProblem(errs.Conflict)
		r.svc.passkeys = relying
		remove := "passkeys/" + r.factors(s).Passkeys[0].ID.String() + "/remove"
		r.unlink(s, "test").Want(http.StatusNoContent)
		if got := r.links(s); got != nil {
			t.Errorf("links %v", got)
		}
		r.post(remove, map[string]any{"recovery_code": codes[0]}, bearer(s.AccessToken)).WantProblem(errs.Conflict)
		if len(r.factors(s).Passkeys) != 1 {
			t.Error("the only way in is gone")
		}
	})
}

func TestOIDCWithoutPasswordOnlyAFreshSessionActs(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		s := b.wantIn(b.signIn("grace"))
		old := r.clock.now().Add(-freshFor)
		if err := r.db.W.Table("sessions").Where("id IS NOT NULL").Update("created_at", old).Error; err != nil {
			t.Fatal(err)
		}
		s = b.refresh() // does not make it younger
		wrong := r.post("password", map[string]string{"password": goodPassword}, bearer(s.AccessToken)).WantProblem(errs.WrongPassword)
		if !strings.Contains(wrong.Detail, "no password") {
			t.Errorf("%q", wrong.Detail)
		}
		again := &browser{r: r}
		s = again.wantIn(again.signIn("grace"))
		r.post("password", map[string]string{"password": goodPassword}, bearer(s.AccessToken)).Want(http.StatusNoContent)
	})
}
