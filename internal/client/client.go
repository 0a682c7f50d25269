// Package client is a ChatApp client for tests and for `chatapp verify`: it speaks only the public API
// (REST, WebSocket, SSE), shares no code with the product, and so checks the
// contract from outside.
//
// A Client is one device of one person. Its calls go to one Site after the
// other: an answer that never came, or a 502/503/504, moves it to the next
// Site, so that it survives the death of a replica the way a real client
// behind a load balancer does.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Site says where each service answers: base URLs without a trailing slash.
// Behind a gateway, and in the all-in-one, all four are the same.
type Site struct{ Auth, Users, Messages, Notify string }

// At is the Site of one address that serves everything.
func At(base string) Site { return Site{base, base, base, base} }

// base picks the service that owns path, as the gateway would.
func (s Site) base(path string) string {
	switch {
	case strings.HasPrefix(path, "/api/v1/auth/"), strings.HasPrefix(path, "/api/v1/admin/"), strings.HasPrefix(path, "/.well-known/"):
		return s.Auth
	case strings.HasPrefix(path, "/api/v1/users"):
		return s.Users
	case strings.HasPrefix(path, "/api/v1/ws"), strings.HasPrefix(path, "/api/v1/events/stream"):
		return s.Notify
	}
	return s.Messages
}

// Client is one device of one person. Safe for concurrent use.
type Client struct {
	http  *http.Client
	sites []Site

	mu      sync.Mutex
	site    int
	session Session
}

// Password is what every account of the tests is made with; logs are searched
// for it afterwards.
const Password = "correct-horse-7-battery"

// New makes a client without a session that talks to the given sites, the
// first one first.
func New(sites ...Site) *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // cannot happen: no options
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &Client{http: &http.Client{Jar: jar, Transport: transport, Timeout: 15 * time.Second}, sites: sites}
}

// At returns another device of the same session that talks to other sites.
func (c *Client) At(sites ...Site) *Client {
	d := &Client{http: c.http, sites: sites}
	d.session = c.Session()
	return d
}

// Session returns the session the client is signed in with.
func (c *Client) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// ID is the id of the signed-in user.
func (c *Client) ID() string { return c.Session().User.ID }

// Site is where the client sends its next request.
func (c *Client) Site() Site {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sites[c.site]
}

// next moves to the next site, if the client still is at the one that failed.
func (c *Client) next(failed Site) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sites[c.site] == failed {
		c.site = (c.site + 1) % len(c.sites)
	}
}

// Register signs a new person up and in, with the password of the tests.
func (c *Client) Register(ctx context.Context, username string) error {
	return c.RegisterAs(ctx, username, strings.ToUpper(username[:1])+username[1:], Password)
}

// RegisterAs signs a new person up and in.
func (c *Client) RegisterAs(ctx context.Context, username, displayName, password string) error {
	return c.signIn(ctx, "register", map[string]string{"username": username, "password": password, "display_name": displayName})
}

// Login signs an existing person in, with the password of the tests.
func (c *Client) Login(ctx context.Context, login string) error {
	return c.LoginAs(ctx, login, Password)
}

// LoginAs signs an existing person in.
func (c *Client) LoginAs(ctx context.Context, login, password string) error {
	return c.signIn(ctx, "login", map[string]string{"login": login, "password": password})
}

// Refresh rotates the refresh cookie and takes the new access token.
func (c *Client) Refresh(ctx context.Context) error { return c.signIn(ctx, "refresh", nil) }

func (c *Client) signIn(ctx context.Context, how string, body any) error {
	var s Session
	if err := c.JSON(ctx, http.MethodPost, "/api/v1/auth/"+how, body, &s); err != nil {
		return err
	}
	if s.AccessToken == "" || s.User.ID == "" {
		return fmt.Errorf("%s answered no session: %+v", how, s)
	}
	c.Adopt(s)
	return nil
}

// Adopt makes the client go on with a session that another device of the same
// person refreshed.
func (c *Client) Adopt(s Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
}

// Logout ends the session.
func (c *Client) Logout(ctx context.Context) error {
	return c.JSON(ctx, http.MethodPost, "/api/v1/auth/logout", nil, nil)
}

// Post sends body to a person with a client_id of the caller's choice, once.
func (c *Client) Post(ctx context.Context, to, clientID, body string) (m Message, status int, err error) {
	status, err = c.call(ctx, http.MethodPost, "/api/v1/messages", map[string]string{"to": to, "client_id": clientID, "body": body}, &m)
	return m, status, err
}

// PostUntil retries Post with the same client_id until it is answered 2xx, as
// the UI's outbox does. Failures are the attempts that went wrong. Answers
// that no retry can change (4xx but 429) end it at once.
func (c *Client) PostUntil(ctx context.Context, to, clientID, body string) (m Message, failures []error, err error) {
	wait := 20 * time.Millisecond
	for {
		m, _, err = c.Post(ctx, to, clientID, body)
		var p *Problem
		if err == nil || !errors.As(err, &p) || (p.Status >= 400 && p.Status < 500 && p.Status != http.StatusTooManyRequests) {
			return m, failures, err
		}
		failures = append(failures, err)
		select {
		case <-ctx.Done():
			return m, failures, fmt.Errorf("%w; last answer: %w", ctx.Err(), err)
		case <-time.After(wait): // the back-off of a client, not a wait for a result
		}
		wait = min(wait*2, 500*time.Millisecond)
	}
}

// Message gets one message by id.
func (c *Client) Message(ctx context.Context, id string) (m Message, err error) {
	return m, c.JSON(ctx, http.MethodGet, "/api/v1/messages/"+id, nil, &m)
}

// Open opens (or makes) the direct conversation with a person.
func (c *Client) Open(ctx context.Context, userID string) (v Conversation, err error) {
	return v, c.JSON(ctx, http.MethodPost, "/api/v1/conversations", map[string]string{"user_id": userID}, &v)
}

// Conversations lists the first page of conversations, newest first.
func (c *Client) Conversations(ctx context.Context) (v Conversations, err error) {
	return c.ConversationsAfter(ctx, "")
}

// ConversationsAfter lists the page that follows a NextCursor; "" is the first.
func (c *Client) ConversationsAfter(ctx context.Context, cursor string) (v Conversations, err error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return v, c.JSON(ctx, http.MethodGet, "/api/v1/conversations?"+q.Encode(), nil, &v)
}

// Page gets one page of a conversation. before 0 means the latest, limit 0 the
// server's default.
func (c *Client) Page(ctx context.Context, conversation string, before uint64, limit int) (v Page, err error) {
	q := url.Values{}
	if before > 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return v, c.JSON(ctx, http.MethodGet, "/api/v1/conversations/"+conversation+"/messages?"+q.Encode(), nil, &v)
}

// History pages a whole conversation back to its first message and returns it
// oldest to newest.
func (c *Client) History(ctx context.Context, conversation string, limit int) ([]Message, error) {
	var all []Message
	for before := uint64(0); ; {
		page, err := c.Page(ctx, conversation, before, limit)
		if err != nil {
			return nil, err
		}
		all = append(slices.Clone(page.Items), all...)
		if !page.HasOlder {
			return all, nil
		}
		if len(page.Items) == 0 {
			return nil, fmt.Errorf("an empty page before %d says has_older", before)
		}
		before = page.Items[0].Seq
	}
}

// Events reads the caller's whole event log after a cursor ("" = from the
// oldest entry kept), following has_more.
func (c *Client) Events(ctx context.Context, after string) (all []Entry, cursor string, err error) {
	for {
		var page Events
		q := url.Values{"limit": {"1000"}}
		if after != "" {
			q.Set("after", after)
		}
		if err := c.JSON(ctx, http.MethodGet, "/api/v1/events?"+q.Encode(), nil, &page); err != nil {
			return nil, "", err
		}
		all, after = append(all, page.Items...), page.Cursor
		if !page.HasMore {
			return all, after, nil
		}
	}
}

// Read moves the caller's read mark of a conversation to seq.
func (c *Client) Read(ctx context.Context, conversation string, seq uint64) error {
	return c.JSON(ctx, http.MethodPut, "/api/v1/conversations/"+conversation+"/read", map[string]uint64{"seq": seq}, nil)
}

// Find searches the directory.
func (c *Client) Find(ctx context.Context, query string) (v Users, err error) {
	return v, c.JSON(ctx, http.MethodGet, "/api/v1/users?query="+url.QueryEscape(query), nil, &v)
}

// JSON does one call; out may be nil. Every answer but 2xx is a *Problem.
func (c *Client) JSON(ctx context.Context, method, path string, body, out any) error {
	_, err := c.call(ctx, method, path, body, out)
	return err
}

func (c *Client) call(ctx context.Context, method, path string, body, out any) (int, error) {
	site := c.Site()
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	res, err := c.Do(ctx, method, path, payload, nil)
	if err != nil {
		c.next(site)
		return 0, &Problem{Err: err}
	}
	if res.Status >= 502 && res.Status <= 504 {
		c.next(site)
	}
	if res.Status >= 300 {
		return res.Status, res.Problem()
	}
	if out != nil {
		if err := json.Unmarshal(res.Body, out); err != nil {
			return res.Status, fmt.Errorf("%s %s: %w in %.200s", method, path, err, res.Body)
		}
	}
	return res.Status, nil
}

// Response is a raw answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Problem decodes the body as problem+json. A body that is none still makes a
// Problem, whose Detail shows it.
func (r *Response) Problem() *Problem {
	p := &Problem{}
	if err := json.Unmarshal(r.Body, p); err != nil {
		p.Detail = fmt.Sprintf("not problem+json: %.200s", r.Body)
	}
	p.Status = r.Status
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}

// Do sends one raw request as the signed-in user; header overrides what the
// client would send. The error is the transport's.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, header http.Header) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Site().base(path)+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := c.Session().AccessToken; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &Response{res.StatusCode, res.Header, answer}, nil
}
