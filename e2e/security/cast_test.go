package security

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// role is who calls, seen from the owner of what is called.
type role string

const (
	owner     role = "owner"      // whose things they are
	peer      role = "peer"       // has a conversation with the owner
	stranger  role = "stranger"   // has nothing to do with the owner
	blocked   role = "blocked"    // has a conversation with the owner, who then blocked them
	moderator role = "moderatrix" // a moderator who is a stranger; "moderator" is no name to be had
	admin     role = "admin"      // an administrator who is a stranger
	suspended role = "suspended"  // a stranger whom an administrator suspended
	anonymous role = "anonymous"  // no token
	forger    role = "forger"     // the owner's token with another signature
)

// signedIn are the roles with a session, outside those without, everybody all.
var (
	signedIn  = []role{owner, peer, stranger, blocked, moderator, admin}
	outside   = []role{anonymous, forger, suspended}
	everybody = slices.Concat(outside, signedIn)
)

// What only some may read: the e-mail address only its owner and those who
// administer, the message only who is in the conversation.
const (
	ownerEmail   = "olga.canary@example.org"
	ownerMessage = harness.SecretBody + " canary between owner and peer"
)

// cast is the people of the matrix and what they have.
type cast struct {
	world        *harness.World
	people       map[role]*client.Client
	conversation string // of owner and peer
	message      string // by the owner in it
}

// newCast signs everybody up and lets them write.
func newCast(t *testing.T, w *harness.World) *cast {
	t.Helper()
	c := &cast{world: w, people: map[role]*client.Client{}}
	for _, who := range append([]role{suspended}, signedIn...) {
		p, name := client.New(w.Front), string(who)
		if who == admin {
			command(t, w, "admin", "create", "--username", name, "--password-stdin")
		} else {
			must(t, p.JSON(t.Context(), http.MethodPost, "/api/v1/auth/register", registration(who), nil))
		}
		if who == moderator {
			command(t, w, "admin", "role", name, "moderator")
		}
		must(t, p.Login(t.Context(), name))
		c.people[who] = p
	}
	command(t, w, "admin", "suspend", string(suspended), "--reason", "to see what is left")
	c.untilRefused(t, suspended)
	c.people[anonymous] = client.New(w.Front)
	c.people[forger] = client.New(w.Front)
	forged := c.people[owner].Session()
	forged.AccessToken = forge(forged.AccessToken)
	c.people[forger].Adopt(forged)

	first := c.post(t, owner, peer, ownerMessage)
	c.conversation, c.message = first.ConversationID, first.ID
	c.post(t, peer, owner, harness.SecretBody+" answer")
	c.post(t, blocked, owner, harness.SecretBody+" by somebody who is blocked then")
	must(t, c.people[owner].JSON(t.Context(), http.MethodPut, "/api/v1/users/me/blocks/"+c.id(blocked), nil, nil))
	return c
}

// untilRefused waits until the person's token is worth nothing.
func (c *cast) untilRefused(t *testing.T, who role) {
	t.Helper()
	soon, done := context.WithTimeout(t.Context(), 5*time.Second)
	defer done()
	for {
		answer, err := c.people[who].Do(soon, http.MethodGet, "/api/v1/users/me", nil, nil)
		must(t, err)
		if answer.Status == http.StatusUnauthorized {
			return
		}
	}
}

func registration(who role) map[string]string {
	body := map[string]string{"username": string(who), "display_name": "The " + string(who), "password": client.Password}
	if who == owner {
		body["email"] = ownerEmail
	}
	return body
}

// forge changes the last byte of a token's signature.
func forge(token string) string {
	last := byte('A')
	if token[len(token)-2] == last {
		last = 'B'
	}
	return token[:len(token)-2] + string(last) + token[len(token)-1:]
}

func (c *cast) id(who role) string { return c.people[who].ID() }

func (c *cast) post(t *testing.T, from, to role, body string) client.Message {
	t.Helper()
	m, _, err := c.people[from].Post(t.Context(), c.id(to), client.NewID(), body)
	must(t, err)
	return m
}

// device signs the person in once more and returns the id of that session.
func (c *cast) device(t *testing.T, who role) string {
	t.Helper()
	d := c.spare(t, who)
	var list struct {
		Items []struct {
			ID      string
			Current bool
		}
	}
	must(t, d.JSON(t.Context(), http.MethodGet, "/api/v1/auth/sessions", nil, &list))
	for _, s := range list.Items {
		if s.Current {
			return s.ID
		}
	}
	t.Fatalf("no current session in %+v", list)
	return ""
}

// export is the owner's file of their data, ready.
func (c *cast) export(t *testing.T) string {
	t.Helper()
	soon, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()
	for {
		var latest struct{ Export *struct{ ID, State string } }
		must(t, c.people[owner].JSON(soon, http.MethodGet, "/api/v1/data-exports", nil, &latest))
		switch {
		case latest.Export == nil:
			must(t, c.people[owner].JSON(soon, http.MethodPost, "/api/v1/data-exports", nil, nil))
		case latest.Export.State == "ready":
			return latest.Export.ID
		}
	}
}

// spare is one more device of the person, or who has no session.
func (c *cast) spare(t *testing.T, who role) *client.Client {
	t.Helper()
	if slices.Contains(outside, who) {
		return c.people[who]
	}
	d := client.New(c.world.Front)
	must(t, d.Login(t.Context(), string(who)))
	return d
}

// state is everything the owner can see: equal before and after a call that may
// change nothing.
func (c *cast) state(ctx context.Context) (string, error) {
	var all strings.Builder
	for _, path := range []string{
		"/api/v1/users/me", "/api/v1/users/me/blocks", "/api/v1/auth/account", "/api/v1/auth/sessions",
		"/api/v1/conversations", "/api/v1/conversations/" + c.conversation + "/messages?limit=100",
	} {
		answer, err := c.people[owner].Do(ctx, http.MethodGet, path, nil, nil)
		if err != nil {
			return "", err
		}
		if answer.Status != http.StatusOK {
			return "", fmt.Errorf("GET %s as its owner: %d %s", path, answer.Status, answer.Body)
		}
		fmt.Fprintf(&all, "%s %s\n", path, answer.Body)
	}
	return all.String(), nil
}

// command runs `chatapp` beside the running one, with its settings.
func command(t *testing.T, w *harness.World, args ...string) string {
	t.Helper()
	p := w.Apps()[0]
	run := exec.CommandContext(t.Context(), p.Path, args...)
	run.Env, run.Stdin = p.Env, strings.NewReader(client.Password+"\n")
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	if err := run.Run(); err != nil {
		t.Fatalf("chatapp %s: %v: %s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
