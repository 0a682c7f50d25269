package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// Person is an account of the load, with the session it is signed in with.
type Person struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Password string    `json:"password"`
	Token    string    `json:"access_token"`
	Expires  time.Time `json:"expires"`
}

// People makes accounts and keeps them signed in.
type People struct {
	Target Target
	File   string             // where accounts are kept for the next time; "" = nowhere
	Say    func(string)       // tells somebody who waits why
	Step   func(done, of int) // progress of signing up

	all  []Person
	read bool
}

// atOnce is how many sign up at the same time: it costs the server much CPU
// time and nothing else, so more would only make a queue.
const atOnce = 4

// Need returns n people whose access tokens live for at least that long.
// Accounts of File are used first, missing ones are signed up.
func (p *People) Need(ctx context.Context, n int, life time.Duration) ([]Person, error) {
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	known, until := len(p.all), time.Now().Add(life)
	if n > known {
		p.all = append(p.all, make([]Person, n-known)...)
	}
	before := make([]byte, 4)
	_, _ = rand.Read(before) // never fails
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		p.Step(i, n)
		if p.all[i].ID != "" && p.all[i].Expires.After(until) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			who, how := &p.all[i], "login"
			if who.ID == "" {
				who.Username, who.Password, how = fmt.Sprintf("load-%x-%d", before, i), randomPassword(), "register"
			}
			err := p.signIn(ctx, who, how)
			if err == nil && !who.Expires.After(until) {
				err = fmt.Errorf("access tokens live until %s only, shorter than this run; start the server with CHAT_ACCESS_TOKEN_TTL=1h", who.Expires.Format(time.TimeOnly))
			}
			return err
		})
	}
	err := group.Wait()
	p.Step(n, n)
	return p.all[:n], errors.Join(err, p.save())
}

func randomPassword() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("load-%x", b)
}

// load reads File once, and forgets accounts that this server does not know.
func (p *People) load(ctx context.Context) error {
	if p.read || p.File == "" {
		return nil
	}
	p.read = true
	data, err := os.ReadFile(p.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &p.all)
	}
	if err != nil {
		return fmt.Errorf("the accounts of %s: %w", p.File, err)
	}
	if len(p.all) == 0 {
		return nil
	}
	first := p.all[0]
	if first.Expires.After(time.Now()) {
		err = p.call(ctx, http.MethodGet, "/api/v1/conversations?limit=1", first.Token, nil, nil)
	} else {
		err = p.signIn(ctx, &first, "login")
	}
	if s := (statusError{}); errors.As(err, &s) && s.status == http.StatusUnauthorized {
		p.Say(p.File + ": accounts of another installation; making new ones")
		p.all, err = nil, nil
	}
	return err
}

// save writes those that have an account.
func (p *People) save() error {
	if p.File == "" {
		return nil
	}
	kept := make([]Person, 0, len(p.all))
	for _, who := range p.all {
		if who.ID != "" {
			kept = append(kept, who)
		}
	}
	p.all = kept
	data, err := json.Marshal(kept) //nolint:gosec // the passwords of made-up people are kept on purpose, in a file of the caller's own
	if err != nil {
		return err
	}
	return os.WriteFile(p.File, data, 0o600)
}

// signIn logs in or registers; a 429 is waited out.
func (p *People) signIn(ctx context.Context, who *Person, how string) error {
	body := map[string]string{"login": who.Username, "password": who.Password}
	if how == "register" {
		body = map[string]string{"username": who.Username, "password": who.Password, "display_name": "Load"}
	}
	var s struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		User        struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	for {
		err := p.call(ctx, http.MethodPost, "/api/v1/auth/"+how, "", body, &s)
		if err == nil {
			who.ID, who.Token, who.Expires = s.User.ID, s.AccessToken, time.Now().Add(time.Duration(s.ExpiresIn)*time.Second)
			return nil
		}
		limited := statusError{}
		if !errors.As(err, &limited) || limited.status != http.StatusTooManyRequests {
			return fmt.Errorf("%s: %w", how, err)
		}
		p.Say(fmt.Sprintf("the server limits sign-ins: waiting %v (CHAT_LOGIN_RATE_PER_IP is the setting)", limited.retry))
		select {
		case <-time.After(limited.retry):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// statusError is an answer that was not 2xx.
type statusError struct {
	status int
	retry  time.Duration
	text   string
}

func (s statusError) Error() string { return fmt.Sprintf("answered %d %s", s.status, s.text) }

var setup = &http.Client{
	Timeout:   60 * time.Second, // signing up is queued behind others
	Transport: &http.Transport{MaxIdleConnsPerHost: 2 * atOnce},
}

// call does one request outside the measured path.
func (p *People) call(ctx context.Context, method, path, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, p.Target.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := setup.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		var text bytes.Buffer
		_, _ = text.ReadFrom(http.MaxBytesReader(nil, res.Body, 400))
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return statusError{res.StatusCode, time.Duration(max(after, 1)) * time.Second, text.String()}
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
