package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"chatapp/internal/check"
	"chatapp/internal/client"
)

// displayName tells everybody who meets a temporary account what it is.
const displayName = "chatapp verify (temporary)"

// person is one simulated person.
type person struct {
	account Account
	start   string // cursor of the event log when the run began
	main    *client.Client
	devices []*device
	talks   []*talk
}

// talk is a conversation of the run.
type talk struct {
	id      string
	members []*person // one of them for notes to oneself
	base    uint64

	mu   sync.Mutex
	sent []sent // some accepted posts, to be repeated
}

type sent struct {
	by             *person
	clientID, body string
	lent           bool // both members have used this key
}

// other is whom p writes to in t.
func (t *talk) other(p *person) *person {
	for _, m := range t.members {
		if m != p {
			return m
		}
	}
	return p
}

// from lists the ways in, beginning with the i-th.
func (r *Run) from(i int) []client.Site {
	i %= len(r.o.Sites)
	return append(slices.Clone(r.o.Sites[i:]), r.o.Sites[:i]...)
}

// signIn signs everybody in, one after the other: a password costs the server
// some CPU, and the limits on signing up count per address.
func (r *Run) signIn(ctx context.Context) error {
	for i := range r.o.People {
		p := &person{main: client.New(r.from(i)...)}
		temporary := len(r.o.Accounts) == 0
		if temporary {
			p.account = Account{Login: "verify-" + strings.ToLower(rand.Text()[:16]), Password: rand.Text()}
		} else {
			p.account = r.o.Accounts[i]
		}
		err := r.patiently(ctx, func() error {
			if temporary {
				return p.main.RegisterAs(ctx, p.account.Login, displayName, p.account.Password)
			}
			return p.main.LoginAs(ctx, p.account.Login, p.account.Password)
		})
		if err != nil {
			return fmt.Errorf("signing in %s: %w", p.account.Login, err)
		}
		list, err := p.main.Conversations(ctx)
		if err != nil {
			return fmt.Errorf("reading the conversations of %s: %w", p.account.Login, err)
		}
		p.start = list.Cursor
		r.equip(p, i)
		r.people = append(r.people, p)
		r.others.Go(func() { r.keepSignedIn(ctx, p) }) // the next ones may take long
		r.rec.add(check.Op{Kind: check.Person, User: p.main.ID(), Name: p.account.Login})
	}
	return nil
}

// patiently repeats try for as long as the server asks for patience.
func (r *Run) patiently(ctx context.Context, try func() error) error {
	for {
		err := try()
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || (p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable) {
			return err
		}
		wait := max(time.Second, p.RetryAfter)
		r.o.Say(fmt.Sprintf("the server asks to wait %s (%d %s)", wait, p.Status, strings.TrimPrefix(p.Type, "/problems/")))
		if pause(ctx, wait) != nil {
			return err
		}
	}
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openTalks lets everybody talk to the next one, the first one to everybody
// (a hub), and every third one to oneself.
func (r *Run) openTalks(ctx context.Context) error {
	pairs := map[[2]int]bool{}
	n := len(r.people)
	for i := range n {
		pairs[[2]int{min(i, (i+1)%n), max(i, (i+1)%n)}] = true
		if i > 0 {
			pairs[[2]int{0, i}] = true
		}
		if i%3 == 0 {
			pairs[[2]int{i, i}] = true
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			if pairs[[2]int{i, j}] {
				if err := r.openTalk(ctx, r.people[i], r.people[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *Run) openTalk(ctx context.Context, a, b *person) error {
	var v client.Conversation
	err := r.eventually(ctx, func() (err error) {
		v, err = a.main.Open(ctx, b.main.ID())
		return err
	})
	if err != nil {
		return fmt.Errorf("opening a conversation: %w", err)
	}
	t := &talk{id: v.ID, members: []*person{a}, base: v.LastSeq}
	users := []string{a.main.ID()}
	a.talks = append(a.talks, t)
	if a != b {
		t.members, users = append(t.members, b), append(users, b.main.ID())
		b.talks = append(b.talks, t)
	}
	r.talks = append(r.talks, t)
	r.rec.add(check.Op{Kind: check.Talk, Conv: t.id, Users: users, Seq: t.base})
	return nil
}

// eventually repeats try for up to 15 s: a new person takes a moment to become
// known everywhere.
func (r *Run) eventually(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := try()
		if err == nil || pause(ctx, 50*time.Millisecond) != nil {
			return err
		}
	}
}

// keepSignedIn refreshes the person's session at half its life, and tells the
// open sockets.
func (r *Run) keepSignedIn(ctx context.Context, p *person) {
	for {
		life := time.Duration(p.main.Session().ExpiresIn) * time.Second
		if pause(ctx, max(life/2, time.Second)) != nil {
			return
		}
		for p.main.Refresh(ctx) != nil {
			// An answer that got lost may have cost the refresh token.
			if pause(ctx, time.Second) != nil {
				return
			}
			if p.main.LoginAs(ctx, p.account.Login, p.account.Password) == nil {
				break
			}
		}
		for _, d := range p.devices {
			d.adopt(p.main.Session())
		}
	}
}
