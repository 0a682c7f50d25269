package notify

import (
	"context"
	"testing"
	"time"

	"chatapp/libs/authn"
	"chatapp/libs/bus"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

func identity(user id.ID, life time.Duration) authn.Identity {
	return authn.Identity{UserID: user, SessionID: id.New(), Username: "ada", Role: "user", Expires: time.Now().Add(life)}
}

func (c *testCluster) revoke(t testing.TB, i authn.Identity) {
	t.Helper()
	m := bus.Message{
		Subject: events.Subject(events.ServiceAuth, events.NameSessionRevoked, i.UserID.String()), ID: id.New().String(), Type: events.NameSessionRevoked, Source: "auth",
		Time: time.Now(), Data: encode(events.SessionRevoked{UserID: i.UserID.String(), SessionID: i.SessionID.String(), Reason: "signed-out", At: time.Now()}),
	}
	if err := c.log.bus.Publish(context.Background(), m); err != nil {
		t.Fatal(err)
	}
}

func (n *node) open(t testing.TB, token string) *wsClient {
	t.Helper()
	d := n.dial(t, token)
	d.send(t, map[string]string{"type": "hello"})
	d.wait(t, "welcome", func(c *wsClient) bool { return c.welcome != "" })
	return d
}

func TestARevokedSessionIsClosedOnEveryNodeAndTheOthersStay(t *testing.T) { // I10, S13
	c := newCluster(t)
	a, b := c.node(t), c.node(t)
	user := id.New()
	gone, kept := identity(user, time.Hour), identity(user, time.Hour)
	token := c.tokens.Sign(gone)
	closed := []*wsClient{a.open(t, token), b.open(t, token), a.dial(t, token)}
	stays := a.open(t, c.tokens.Sign(kept))
	c.revoke(t, gone)
	for _, d := range closed {
		d.expectClose(t, closeSession)
	}
	c.log.post(t, user, 1)
	stays.expect(t, 1, 1)
	for _, d := range closed {
		if len(d.seqs) > 0 {
			t.Fatalf("an event reached a session that ended: %v", d.seqs)
		}
	}
	testkit.Call(t, a.svc.Handler(), "GET", routeStream, token, nil).WantProblem(errs.Unauthenticated)
}

func TestANodeThatStartsKnowsTheSessionsThatEndedBefore(t *testing.T) {
	c := newCluster(t)
	gone := identity(id.New(), time.Hour)
	c.revoke(t, gone)
	n := c.node(t)
	token := c.tokens.Sign(gone)
	testkit.Eventually(t, patience, func() bool {
		_, err := c.tokens.Verifier.Verify(t.Context(), token)
		return errs.Is(err, errs.Unauthenticated)
	})
	testkit.Call(t, n.svc.Handler(), "GET", routeStream, token, nil).WantProblem(errs.Unauthenticated)
}

func TestASessionThatEndsDuringTheHandshakeIsClosed(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	i := identity(id.New(), time.Hour)
	d := n.dial(t, c.tokens.Sign(i))
	f := n.svc.hub.feed(i.UserID)
	c.tokens.Verifier.Revoke(i.SessionID, i.Expires) // known to the verifier, its event long past
	f.each(func(cl *client) { n.svc.hub.lookAgain(t.Context(), cl, c.tokens.Sign(i)) })
	d.expectClose(t, closeSession)
}

func TestATokenThatExpiresClosesUnlessRenewed(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	soon := func() string { return c.tokens.Sign(identity(user, 1500*time.Millisecond)) }
	expires, renewed, foreign, garbage := n.open(t, soon()), n.open(t, soon()), n.open(t, soon()), n.open(t, soon())
	next := identity(user, time.Hour)
	renewed.send(t, map[string]string{"type": "reauth", "token": c.tokens.Sign(next)})
	foreign.send(t, map[string]string{"type": "reauth", "token": c.tokens.For(id.New(), "eve")})
	garbage.send(t, map[string]string{"type": "reauth", "token": "x"})
	foreign.expectClose(t, closeOther)
	garbage.expectClose(t, closeSession)
	expires.expectClose(t, closeSession)
	c.log.post(t, user, 1)
	renewed.expect(t, 1, 1)
	c.revoke(t, next) // it belongs to the new session now
	renewed.expectClose(t, closeSession)
}

// Who has to set up a second step first gets no events: not by a new
// connection, and not any longer by one from before that was demanded.
func TestATokenThatOnlyEnrolsConnectsNothing(t *testing.T) {
	c := newCluster(t)
	n := c.node(t)
	user := id.New()
	before := n.open(t, c.tokens.Sign(identity(user, time.Hour)))
	limited := identity(user, time.Hour)
	limited.Enrol = true
	token := c.tokens.Sign(limited)
	testkit.Call(t, n.svc.Handler(), "GET", routeStream, token, nil).WantProblem(errs.SecondStepRequired)
	before.send(t, map[string]string{"type": "reauth", "token": token})
	before.expectClose(t, closeSession)
}
