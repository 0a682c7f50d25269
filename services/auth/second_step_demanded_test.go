package auth

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

// demand sets who must have a second step, as the operator.
func (r *rig) demand(who string) {
	r.t.Helper()
	settings, err := r.svc.Settings(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	settings.SecondStep = who
	if _, err := r.svc.SetSettings(r.t.Context(), Operator(), settings); err != nil {
		r.t.Fatal(err)
	}
}

// limited says whether a session is only good for setting up a second step, in
// its answer, its token and what it may do.
func (r *rig) limited(s signedIn) bool {
	r.t.Helper()
	who, err := r.svc.verifier.VerifyEnrolling(r.t.Context(), s.AccessToken)
	if err != nil {
		r.t.Fatal(err)
	}
	res := r.call("GET", "/api/v1/auth/sessions", nil, bearer(s.AccessToken))
	if who.Enrol {
		res.WantProblem(errs.SecondStepRequired)
	} else {
		res.Want(200)
	}
	if s.Enrol != who.Enrol {
		r.t.Errorf("the answer says %v, the token %v", s.Enrol, who.Enrol)
	}
	return who.Enrol
}

func (r *rig) renewed(s signedIn) signedIn {
	r.t.Helper()
	return r.signedIn(r.post("refresh", nil, s.refresh()), 200)
}

// ASVS 6.3.3: whoever must have a second step and has none can do one thing:
// set it up. That lets them in.
func TestWhoMustHaveASecondStepCanOnlySetItUp(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada, bob := r.signUp("ada"), r.signUp("bob")
		r.demand(secondStepEverybody)
		if r.limited(ada) {
			t.Error("before the next refresh")
		}
		ada = r.renewed(ada)
		if !r.limited(ada) || !r.limited(r.login("bob")) || !r.limited(r.signUp("eve")) {
			t.Error("a refresh, a sign-in or a sign-up without a second step")
		}
		// What it takes to set it up, and nothing else.
		r.call("GET", "/api/v1/auth/account", nil, bearer(ada.AccessToken)).Want(200)
		r.post("password", with(confirmed(), "password", newPass), bearer(ada.AccessToken)).WantProblem(errs.SecondStepRequired)
		r.post("account/delete", confirmed(), bearer(ada.AccessToken)).WantProblem(errs.SecondStepRequired)
		r.enrol(ada, confirmed())
		if r.limited(r.renewed(ada)) {
			t.Error("after setting it up")
		}
		// A passkey counts as well, also in place of a password.
		bob = r.renewed(bob)
		key, _ := r.addPasskey(bob, confirmed())
		key.count = 1
		if r.limited(r.renewed(bob)) || r.limited(r.signedIn(r.finish(key.get(r.options("passkeys/login/begin", nil))), 200)) {
			t.Error("with a passkey")
		}
		// Signing out works in between.
		eve := r.login("eve")
		r.post("logout", nil, bearer(eve.AccessToken)).Want(http.StatusNoContent)
		r.call("GET", "/api/v1/auth/account", nil, bearer(eve.AccessToken)).WantProblem(errs.Unauthenticated)

		r.demand(secondStepOptional)
		if r.limited(r.login("eve")) {
			t.Error("when it is demanded no more")
		}
	})
}

func TestStaffMustHaveASecondStep(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		ada, mod, boss := r.signUp("ada"), r.ranked("molly", authn.RoleModerator), r.admin("boss")
		r.demand(secondStepStaff)
		if r.limited(r.renewed(ada)) || !r.limited(r.renewed(mod)) || !r.limited(r.renewed(boss)) {
			t.Error("moderators and administrators, and no others")
		}
		if err := r.svc.SetRole(t.Context(), Operator(), ada.User.ID, authn.RoleModerator); err != nil {
			t.Fatal(err)
		}
		if !r.limited(r.login("ada")) {
			t.Error("who becomes a moderator")
		}
		for demand, want := range map[string]int64{secondStepOptional: 0, secondStepStaff: 3, secondStepEverybody: 3} {
			if n, err := r.svc.WithoutSecondStep(t.Context(), demand); err != nil || n != want {
				t.Errorf("%s: %d without, %v", demand, n, err)
			}
		}
	})
}

// A provider is one factor, whatever it asked for.
func TestAProviderIsNoSecondStep(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		r.demand(secondStepEverybody)
		b := &browser{r: r}
		in := b.wantIn(b.signIn("grace"))
		if !r.limited(in) {
			t.Error("signed in with a provider alone")
		}
		r.enrol(in, map[string]any{}) // no password, but signed in a moment ago
		if r.limited(b.refresh()) {
			t.Error("after setting it up")
		}
	})
}

// Where it is demanded the last one stays, and a lost one is set up anew.
func TestTheLastSecondStepStaysWhereItIsDemanded(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		a, codes := r.enrol(boss, confirmed())
		r.demand(secondStepStaff)
		detail := r.post("factors/totp/remove", with(confirmed(), "code", a.next()), bearer(boss.AccessToken)).WantProblem(errs.Conflict).Detail
		if f := r.factors(boss); !f.Enabled || f.RecoveryCodesLeft != recoveryCodes || !strings.Contains(detail, "Add another") {
			t.Errorf("%+v, %q", f, detail)
		}
		r.addPasskey(boss, with(confirmed(), "recovery_code", codes[0]))
		r.post("factors/totp/remove", with(confirmed(), "recovery_code", codes[1]), bearer(boss.AccessToken)).Want(http.StatusNoContent)
		passkey := "passkeys/" + r.factors(boss).Passkeys[0].ID.String() + "/remove"
		r.post(passkey, with(confirmed(), "recovery_code", codes[2]), bearer(boss.AccessToken)).WantProblem(errs.Conflict)

		if err := r.svc.ResetFactors(t.Context(), Operator(), boss.User.ID); err != nil { // everything is lost
			t.Fatal(err)
		}
		boss = r.login("boss")
		if !r.limited(boss) {
			t.Error("without any factor")
		}
		r.enrol(boss, confirmed())
		boss = r.renewed(boss)
		if r.limited(boss) {
			t.Error("after setting it up anew")
		}
		r.demand(secondStepOptional)
		if err := r.svc.ResetFactors(t.Context(), Operator(), boss.User.ID); err != nil {
			t.Fatal(err)
		}
	})
}

// Only who has a second step can ask it of others, and it is noted.
func TestDemandingASecondStep(t *testing.T) {
	eachRig(t, func(t *testing.T, r *rig) {
		boss := r.admin("boss")
		set := func(body map[string]any) *testkit.Response {
			return r.as(boss, "PUT", "settings", with(body, "sign_up", signUpOpen))
		}
		set(map[string]any{"second_step": secondStepEverybody}).WantProblem(errs.Conflict)
		set(map[string]any{"second_step": "sometimes"}).WantProblem(errs.InvalidBody)
		set(map[string]any{}).Want(200)
		r.enrol(boss, confirmed())
		set(map[string]any{"second_step": secondStepStaff}).Want(200)
		var now struct {
			SecondStep string `json:"second_step"`
		}
		set(map[string]any{}).Want(200).JSON(&now) // a client from before leaves it as it is
		if now.SecondStep != secondStepStaff {
			t.Errorf("%+v", now)
		}
		var said []string
		if err := r.db.R.Table("audit_actors").Where("actor = ?", "boss").Order("detail").Pluck("detail", &said).Error; err != nil {
			t.Fatal(err)
		}
		want := "sign-up open, second step staff"
		if !slices.Contains(said, want) {
			t.Errorf("the audit log says %q", said)
		}
		set(map[string]any{"second_step": secondStepOptional}).Want(200)
	})
}
