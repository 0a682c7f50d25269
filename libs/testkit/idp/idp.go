// Package idp runs a real OpenID Connect provider for tests: its people are
// made up, its protocol is not.
package idp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Password is everybody's password at the provider.
const Password = "provider-password"

// Person is somebody with an account at the provider.
type Person struct {
	Subject  string
	Username string // with which they sign in there; also preferred_username
	First    string
	Last     string
	Email    string
	Verified bool
}

// Client is an installation that the provider lets people sign in to.
type Client struct {
	ID, Secret, Redirect string
}

// Provider is one running provider. Safe for concurrent use.
type Provider struct {
	Issuer string // http://127.0.0.1:port

	server *http.Server
	store  *storage.Storage

	mu     sync.Mutex
	people map[string]*storage.User
	down   bool
	tamper func(tokens map[string]any)
}

// Listen starts a provider for clients on addr; port 0 chooses one. Stop it
// with Close.
func Listen(addr string, clients ...Client) (*Provider, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &Provider{Issuer: "http://" + listener.Addr().String(), people: map[string]*storage.User{}}
	known := map[string]*storage.Client{}
	for _, c := range clients {
		known[c.ID] = storage.WebClient(c.ID, c.Secret, c.Redirect)
	}
	p.store = storage.NewStorageWithClients(p, known)
	handler, err := p.handler()
	if err != nil {
		return nil, err
	}
	p.server = &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// Close stops the provider.
func (p *Provider) Close() error { return p.server.Close() }

// Add gives a person an account, or changes the one with that subject.
func (p *Provider) Add(who Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[who.Subject] = &storage.User{
		ID: who.Subject, Username: who.Username, Password: Password, FirstName: who.First, LastName: who.Last,
		Email: who.Email, EmailVerified: who.Verified,
	}
}

// SetDown makes the provider answer 503 to everything, or work again.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Tamper changes every answer of the token endpoint; nil stops that.
func (p *Provider) Tamper(change func(tokens map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tamper = change
}

// IDToken makes a genuine ID token of subject for a client, without a sign-in.
func (p *Provider) IDToken(client, subject, nonce string) (string, error) {
	ctx := op.ContextWithIssuer(context.Background(), p.Issuer)
	known, err := p.store.GetClientByClientID(ctx, client)
	if err != nil {
		return "", err
	}
	request := &storage.AuthRequest{ApplicationID: client, UserID: subject, Nonce: nonce, Scopes: []string{"openid"}}
	return op.CreateIDToken(ctx, p.Issuer, request, time.Hour, "", "", p.store, known)
}

// GetUserByID implements storage.UserStore.
func (p *Provider) GetUserByID(subject string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.people[subject]
}

// GetUserByUsername implements storage.UserStore.
func (p *Provider) GetUserByUsername(name string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.people {
		if u.Username == name {
			return u
		}
	}
	return nil
}

// ExampleClientID implements storage.UserStore.
func (p *Provider) ExampleClientID() string { return storage.ServiceUserID }

func (p *Provider) handler() (http.Handler, error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	provider, err := op.NewProvider(&op.Config{CryptoKey: key, CodeMethodS256: true}, p.store, op.StaticIssuer(p.Issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, fmt.Errorf("make the provider: %w", err)
	}
	issuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	back := op.AuthCallbackURL(provider)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		_ = page.Execute(w, map[string]string{"ID": r.FormValue("authRequestID")})
	})
	mux.HandleFunc("POST /login/username", issuer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.PostFormValue("id")
		if err := p.store.CheckUsernamePassword(r.PostFormValue("username"), r.PostFormValue("password"), id); err != nil {
			w.WriteHeader(http.StatusForbidden)
			_ = page.Execute(w, map[string]string{"ID": id, "Error": err.Error()})
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusSeeOther)
	}))
	mux.HandleFunc("POST /login/cancel", p.cancel)
	mux.Handle("/", provider)
	return p.moody(mux), nil
}

// cancel sends the person back without a sign-in, as providers do.
func (p *Provider) cancel(w http.ResponseWriter, r *http.Request) {
	request, err := p.store.AuthRequestByID(r.Context(), r.PostFormValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	query := url.Values{"error": {"access_denied"}, "state": {request.GetState()}}
	http.Redirect(w, r, request.GetRedirectURI()+"?"+query.Encode(), http.StatusSeeOther) //nolint:gosec // a registered client's address
}

// moody is the provider with what SetDown and Tamper ask for.
func (p *Provider) moody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down, tamper := p.down, p.tamper
		p.mu.Unlock()
		switch {
		case down:
			http.Error(w, "closed for today", http.StatusServiceUnavailable)
		case tamper != nil && r.URL.Path == "/oauth/token":
			forge(w, r, next, tamper)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func forge(w http.ResponseWriter, r *http.Request, next http.Handler, tamper func(map[string]any)) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	tokens := map[string]any{}
	if rec.Code == http.StatusOK && json.Unmarshal(body, &tokens) == nil {
		tamper(tokens)
		var changed bytes.Buffer
		_ = json.NewEncoder(&changed).Encode(tokens)
		body = changed.Bytes()
	}
	w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

var page = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Provider</title></head><body>
<h1>Provider</h1>{{with .Error}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/login/username"><input type="hidden" name="id" value="{{.ID}}">
<label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label>
<button>Sign in</button></form>
<form method="post" action="/login/cancel"><input type="hidden" name="id" value="{{.ID}}"><button>Cancel</button></form>
</body></html>
`))
