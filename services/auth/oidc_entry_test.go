package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"chatapp/libs/errs"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

// wantSecond expects the sign-in page with a challenge in the fragment, and no
// session; it returns the challenge.
func (b *browser) wantSecond(res *testkit.Response, methods string) string {
	b.r.t.Helper()
	res.Want(http.StatusSeeOther)
	page, fragment, _ := strings.Cut(res.Header.Get("Location"), "#")
	q, err := url.ParseQuery(fragment)
	if err != nil || page != "/signin" || q.Get("methods") != methods || q.Get("second") == "" || q.Get("return") != "/" {
		b.r.t.Fatalf("leads to %q", res.Header.Get("Location"))
	}
	if b.signed != nil || b.flow != nil {
		b.r.t.Fatalf("cookies %v, %v", b.signed, b.flow)
	}
	return q.Get("second")
}

func TestOIDCSuspendedAccountIsRefused(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		boss := r.admin("boss")
		b := &browser{r: r}
		in := b.wantIn(b.signIn("grace"))
		r.as(boss, "POST", "people/"+in.User.ID.String()+"/suspend", map[string]string{"reason": "spam"}).Want(http.StatusNoContent)
		again := &browser{r: r}
		again.wantFailed(again.signIn("grace"), "suspended")
		if !slices.Contains(r.audited(), eventLoginSuspended) {
			t.Errorf("audit %v", r.audited())
		}
	})
}

func TestOIDCSecondFactorIsAskedFor(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		s := b.wantIn(b.signIn("grace"))
		app, codes := r.enrol(s, map[string]any{}) // no password: it signed in a moment ago
		before := r.liveSessions()
		half := &browser{r: r}
		challenge := half.wantSecond(half.signIn("grace"), "totp,recovery_code")
		if n := r.liveSessions(); n != before {
			t.Errorf("%d sessions before the second step, %d after it was asked for", before, n)
		}
		if strings.Contains(r.log.String(), challenge) {
			t.Error("the log holds the challenge")
		}
		r.second(challenge, "code", app.wrong()).WantProblem(errs.Unauthenticated)
		in := r.signedIn(r.second(challenge, "code", app.next()), http.StatusOK)
		if in.User.ID != s.User.ID {
			t.Errorf("signed in as %+v", in.User)
		}
		// It signed in a moment ago, and has no password; the factor stays asked for.
		set := map[string]any{"password": goodPassword}
		r.post("password", set, bearer(in.AccessToken)).WantProblem(errs.WrongPassword)
		r.post("oidc/test/link", map[string]any{}, bearer(in.AccessToken)).WantProblem(errs.WrongPassword)
		r.post("password", with(set, "recovery_code", codes[0]), bearer(in.AccessToken)).Want(http.StatusNoContent)
	})
}

func TestOIDCSignsUpOnlyWhereEverybodyMay(t *testing.T) {
	for _, mode := range []string{signUpInvite, signUpClosed} {
		eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
			p.Add(idp.Person{Subject: "1", Username: "ada"})
			boss := r.admin("boss")
			owner := &browser{r: r}
			in := owner.wantIn(owner.signIn("grace"))
			r.as(boss, "PUT", "settings", map[string]any{"sign_up": mode}).Want(http.StatusOK)
			again := &browser{r: r}
			if s := again.wantIn(again.signIn("grace")); s.User.ID != in.User.ID {
				t.Errorf("signed in as %+v", s.User)
			}
			stranger := &browser{r: r}
			stranger.wantFailed(stranger.signIn("ada"), "sign-up-closed")
			if n := r.rows("oidc_identities"); n != 1 {
				t.Errorf("%d identities with sign-up %s", n, mode)
			}
		})
	}
}
