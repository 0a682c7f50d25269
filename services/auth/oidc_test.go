package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/testkit"
	"chatapp/libs/testkit/idp"
)

func TestOIDCSignsUpOnceAndInAgain(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		var list struct{ Items []ProviderItem }
		res := r.call(http.MethodGet, "/api/v1/auth/oidc", nil)
		res.JSON(&list)
		if !slices.Equal(list.Items, []ProviderItem{{"test", "Test"}}) {
			t.Fatalf("providers %v", list.Items)
		}
		b := &browser{r: r}
		first := b.wantIn(b.signIn("grace"))
		r.events.Expect(t, "chat.auth.v1.registered."+first.User.ID.String())
		if first.User.Username != "grace" || first.User.DisplayName != "Grace Hopper" {
			t.Errorf("user %+v", first.User)
		}
		if b.flow != nil {
			t.Error("the flow's cookie stays")
		}
		var acc AccountBody
		r.call(http.MethodGet, "/api/v1/auth/account", nil, bearer(first.AccessToken)).JSON(&acc)
		if acc.Email != "grace@example.org" || !acc.EmailConfirmed || acc.HasPassword {
			t.Errorf("account %+v", acc)
		}
		again := &browser{r: r}
		if second := again.wantIn(again.signIn("grace")); second.User.ID != first.User.ID {
			t.Errorf("another account: %+v", second.User)
		}
		want := []string{"oidc-sign-up", "oidc-login", "oidc-login"}
		if got := r.audited(); !slices.Equal(got, want) {
			t.Errorf("audit %v", got)
		}
		if n := r.rows("accounts"); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

func TestOIDCPersonIsTheSubjectAndNotTheName(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		r.signUp("hedy")
		p.Add(idp.Person{Subject: "1", Username: "hedy"})
		p.Add(idp.Person{Subject: "SUB", Username: "admin", First: "Ad", Last: "Min"})
		a, b := &browser{r: r}, &browser{r: r}
		first := a.wantIn(a.signIn("hedy"))
		if first.User.Username == "hedy" || !strings.HasPrefix(first.User.Username, "hedy-") {
			t.Errorf("name %q of somebody else", first.User.Username)
		}
		if got := b.wantIn(b.signIn("admin")).User.Username; got != "ad.min" {
			t.Errorf("a reserved name became %q", got)
		}
		// A new name and case change nothing; another subject does.
		p.Add(idp.Person{Subject: "1", Username: "hedy2", Email: "hedy@example.org", Verified: true})
		if got := a.wantIn(a.signIn("hedy2")); got.User.ID != first.User.ID {
			t.Errorf("after a change of name: %+v", got.User)
		}
		p.Add(idp.Person{Subject: "sub", Username: "lower"})
		if b.wantIn(b.signIn("lower")); r.rows("accounts") != 4 {
			t.Errorf("%d accounts", r.rows("accounts"))
		}
	})
}

func TestOIDCStateBelongsToOneBrowserAndOneTrip(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b, foreign := &browser{r: r}, &browser{r: r}
		back := atProvider(t, b.leave(), "grace")
		foreign.wantFailed(foreign.get(back), "token-invalid") // no cookie at all
		foreign.leave()
		foreign.wantFailed(foreign.get(back), "token-invalid") // of another flow
		b.wantFailed(b.get(change(t, back, "state", "")), "token-invalid")
		b.wantFailed(b.get(change(t, back, "state", strings.Repeat("A", 43))), "token-invalid")
		cookies := *b
		b.wantIn(b.get(back)) // the attempts of others did not end it
		cookies.wantFailed(cookies.get(back), "token-invalid")
		if n := r.rows("sessions"); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestOIDCFlowEndsAfterTenMinutes(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		back := atProvider(t, b.leave(), "grace")
		r.clock.add(flowLife + time.Second)
		b.wantFailed(b.get(back), "token-invalid")
		r.clock.add(cleanGrace)
		if err := r.svc.clean(t.Context()); err != nil || r.rows("oidc_flows") != 0 {
			t.Errorf("%d flows after the clean-up (%v)", r.rows("oidc_flows"), err)
		}
	})
}

func TestOIDCAnswersThatAreNotForThisFlow(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		other, err := idp.Listen("127.0.0.1:0", idp.Client{ID: "chat", Secret: "s3cret", Redirect: callbackURL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		other.Add(grace)
		for name, spoil := range map[string]func(b *browser) string{
			"the nonce of another flow": func(b *browser) string {
				return atProvider(t, change(t, b.leave(), "nonce", "bm9uY2U"), "grace")
			},
			"no nonce": func(b *browser) string { return atProvider(t, change(t, b.leave(), "nonce", ""), "grace") },
			"PKCE of another flow": func(b *browser) string {
				return atProvider(t, change(t, b.leave(), "code_challenge", strings.Repeat("a", 43)), "grace")
			},
			"a code for another client": func(b *browser) string {
				return atProvider(t, change(t, b.leave(), "client_id", "other"), "grace")
			},
			"an ID token for another client": func(b *browser) string {
				away := b.leave()
				p.Tamper(swap(t, p, away, "other"))
				return atProvider(t, away, "grace")
			},
			"an ID token of another issuer": func(b *browser) string {
				away := b.leave()
				p.Tamper(swap(t, other, away, "chat"))
				return atProvider(t, away, "grace")
			},
			"a forged ID token": func(b *browser) string {
				p.Tamper(func(tokens map[string]any) {
					id, _ := tokens["id_token"].(string)
					tokens["id_token"] = id[:strings.LastIndexByte(id, '.')+1] + strings.Repeat("A", 342)
				})
				return atProvider(t, b.leave(), "grace")
			},
			"no ID token": func(b *browser) string {
				p.Tamper(func(tokens map[string]any) { delete(tokens, "id_token") })
				return atProvider(t, b.leave(), "grace")
			},
			"another access token": func(b *browser) string {
				p.Tamper(func(tokens map[string]any) { tokens["access_token"] = "else" })
				return atProvider(t, b.leave(), "grace")
			},
			"an answer that names another issuer": func(b *browser) string {
				return change(t, atProvider(t, b.leave(), "grace"), "iss", other.Issuer)
			},
			"no code": func(b *browser) string { return change(t, atProvider(t, b.leave(), "grace"), "code", "") },
		} {
			b := &browser{r: r}
			back := spoil(b)
			t.Log(name)
			b.wantFailed(b.get(back), "unauthenticated")
			p.Tamper(nil)
		}
		if r.rows("accounts") != 0 || r.rows("oidc_identities") != 0 {
			t.Error("an account was made")
		}
	})
}

// swap puts in place of the ID token a genuine one with the right nonce, which
// the provider from made for a client.
func swap(t *testing.T, from *idp.Provider, location, client string) func(map[string]any) {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	token, err := from.IDToken(client, grace.Subject, u.Query().Get("nonce"))
	if err != nil {
		t.Fatal(err)
	}
	return func(tokens map[string]any) { tokens["id_token"] = token }
}

func TestOIDCCodeWorksOnce(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		back := atProvider(t, b.leave(), "grace")
		b.wantIn(b.get(back))
		thief := &browser{r: r}
		state := mustQuery(t, thief.leave()).Get("state")
		thief.wantFailed(thief.get(change(t, back, "state", state)), "unauthenticated")
	})
}

func mustQuery(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestOIDCPersonRefuses(t *testing.T) {
	eachOIDC(t, func(_ *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		state := mustQuery(r.t, b.leave()).Get("state")
		b.wantFailed(b.get(callbackPath+"?error=access_denied&state="+state), "forbidden")
	})
}

func TestOIDCProviderIsDownAndComesBack(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		p.SetDown(true)
		b := &browser{r: r}
		b.wantFailed(b.get("/api/v1/auth/oidc/test/start"), "unavailable")
		r.signUp("ada") // everything else works
		p.SetDown(false)
		b.wantFailed(b.get("/api/v1/auth/oidc/test/start"), "unavailable") // not asked again so soon
		r.clock.add(discoveryPause)
		back := atProvider(t, b.leave(), "grace")
		p.SetDown(true)
		b.wantFailed(b.get(back), "unavailable")
		p.SetDown(false)
		b.wantIn(b.signIn("grace"))
	})
}

func TestOIDCNeverMergesByAddress(t *testing.T) {
	for _, verified := range []bool{true, false} {
		eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
			r.signedIn(r.post("register", map[string]string{
				"username": "owner", "email": "Grace@Example.org", "password": goodPassword,
			}), http.StatusCreated)
			who := grace
			who.Verified = verified
			p.Add(who)
			b := &browser{r: r}
			b.wantFailed(b.signIn("grace"), "identifier-taken")
			if r.rows("accounts") != 1 || r.rows("oidc_identities") != 0 {
				t.Error("merged, or a second account")
			}
		})
	}
}

func TestOIDCUnverifiedAddressIsNotTaken(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		p.Add(idp.Person{Subject: "x", Username: "mallory", Email: "victim@example.org"})
		b := &browser{r: r}
		in := b.wantIn(b.signIn("mallory"))
		var acc AccountBody
		r.call(http.MethodGet, "/api/v1/auth/account", nil, bearer(in.AccessToken)).JSON(&acc)
		if acc.Email != "" || acc.EmailConfirmed {
			t.Errorf("account %+v", acc)
		}
	})
}

func TestOIDCWhereAddressesAreRequired(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, p *idp.Provider) {
		p.Add(idp.Person{Subject: "x", Username: "mallory", Email: "victim@example.org"})
		b := &browser{r: r}
		b.wantFailed(b.signIn("mallory"), "email-unconfirmed")
		in := b.wantIn(b.signIn("grace"))
		r.events.Expect(t, "chat.auth.v1.registered."+in.User.ID.String())
	}, required)
}

func TestOIDCWayBackStaysHere(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		for _, to := range []string{
			"//evil.example", "https://evil.example/", `/\evil.example`, "/%09/evil.example\t", "evil", "", "/api/v1/auth/oidc/test/start",
			"javascript:alert(1)", "///evil.example", "/a\nb", "/" + strings.Repeat("a", 512),
		} {
			res := (&browser{r: r}).get("/api/v1/auth/oidc/test/start?return=" + url.QueryEscape(to))
			if to == "" {
				continue // the default
			}
			res.WantProblem(errs.InvalidParameter)
		}
		b := &browser{r: r}
		res := b.get("/api/v1/auth/oidc/test/start?return=" + url.QueryEscape("/settings/security?x=1#y"))
		res = b.get(atProvider(t, res.Header.Get("Location"), "grace"))
		if got := res.Header.Get("Location"); got != "/settings/security?x=1#y" {
			t.Errorf("leads to %q", got)
		}
		(&browser{r: r}).get("/api/v1/auth/oidc/nobody/start").WantProblem(errs.NotFound)
		(&browser{r: r}).get("/api/v1/auth/oidc/nobody/callback").WantProblem(errs.NotFound)
	})
}

func TestOIDCSecretsAreNotTold(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		away := b.leave()
		secret := b.flow.Value
		back := atProvider(t, away, "grace")
		res := b.get(back)
		b.wantIn(res)
		again := &browser{r: r}
		again.wantFailed(again.get(change(t, atProvider(t, again.leave(), "grace"), "code", "wrong-code")), "unauthenticated")
		code := mustQuery(t, back).Get("code")
		for _, hidden := range []string{secret, code, "s3cret", b.signed.Value, "wrong-code"} {
			if strings.Contains(r.log.String(), hidden) {
				t.Errorf("the log holds %q", hidden)
			}
			if strings.Contains(res.Header.Get("Location"), hidden) || strings.Contains(away, hidden) {
				t.Errorf("an address holds %q", hidden)
			}
		}
		if b.signed.Name != "chat_refresh" {
			t.Errorf("cookie %q", b.signed.Name)
		}
	})
}

func TestOIDCCookiesOverTLS(t *testing.T) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		p := newProvider(t)
		r := newRig(t, d, testkit.Bus(t), signsInWith(t, entry{"test", "Test", p.Issuer, "chat"}), https)
		b := &browser{r: r}
		away := b.get("/api/v1/auth/oidc/test/start").Header.Get("Location")
		if got := mustQuery(t, away).Get("redirect_uri"); got != "https://chat.example.org"+callbackPath {
			t.Errorf("comes back to %q", got)
		}
		if c := b.flow; c.Name != "__Host-chat_oidc" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 600 {
			t.Errorf("cookie %v", c)
		}
	})
}

func TestOIDCAccountWithoutPassword(t *testing.T) {
	eachOIDC(t, func(t *testing.T, r *rig, _ *idp.Provider) {
		b := &browser{r: r}
		b.wantIn(b.signIn("grace"))
		before := r.svc.hasher.computed.Load()
		known := r.post("login", map[string]string{"login": "grace", "password": goodPassword})
		unknown := r.post("login", map[string]string{"login": "nobody", "password": goodPassword})
		known.WantProblem(errs.Unauthenticated)
		unknown.WantProblem(errs.Unauthenticated)
		if n := r.svc.hasher.computed.Load() - before; n != 2 {
			t.Errorf("%d hashes for two attempts", n)
		}
		r.post("forgot", map[string]string{"login": "grace@example.org"}).Want(http.StatusAccepted)
		token := link(t, r.mails(1)[0], "/reset")
		r.post("reset", map[string]string{"token": token, "password": goodPassword}).Want(http.StatusNoContent)
		r.post("login", map[string]string{"login": "grace", "password": goodPassword}).Want(http.StatusOK)
	})
}
