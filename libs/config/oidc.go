package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// OIDCProvider is one OpenID Connect provider that people may sign in with.
type OIDCProvider struct {
	ID       string // in addresses: a-z 0-9 -
	Name     string // on the button
	Issuer   string // where its discovery document is, and who its tokens are from
	ClientID string
	Secret   string
}

// OIDC reads CHAT_OIDC_PROVIDERS and CHAT_OIDC_SECRETS; none is no error. The
// error, one line per problem, is written for the operator and never holds a
// secret.
func (c *Config) OIDC() ([]OIDCProvider, error) {
	if c.OIDCProviders == "" && c.OIDCSecrets == "" {
		return nil, nil
	}
	var listed []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Issuer   string `json:"issuer"`
		ClientID string `json:"client_id"`
	}
	if c.OIDCProviders != "" && !strictJSON(c.OIDCProviders, &listed) {
		return nil, errors.New(`CHAT_OIDC_PROVIDERS: want a JSON list such as [{"id":"google","name":"Google","issuer":"https://accounts.google.com","client_id":"..."}]; secrets go into CHAT_OIDC_SECRETS`)
	}
	secrets := map[string]string{}
	if c.OIDCSecrets != "" && !strictJSON(c.OIDCSecrets, &secrets) {
		return nil, errors.New(`CHAT_OIDC_SECRETS: want a JSON object such as {"google":"secret"}`)
	}
	var all error
	list := make([]OIDCProvider, 0, len(listed))
	seen := map[string]bool{}
	for _, l := range listed {
		p := OIDCProvider{ID: l.ID, Name: strings.TrimSpace(l.Name), Issuer: l.Issuer, ClientID: l.ClientID, Secret: secrets[l.ID]}
		all = errors.Join(all, p.check(seen))
		seen[p.ID], seen[p.Issuer] = true, true
		list = append(list, p)
		delete(secrets, l.ID)
	}
	for key := range secrets {
		all = errors.Join(all, fmt.Errorf("CHAT_OIDC_SECRETS: there is no provider %q in CHAT_OIDC_PROVIDERS", key))
	}
	return list, all
}

// check says what is wrong with p; seen are the ids and issuers before it.
func (p OIDCProvider) check(seen map[string]bool) (all error) {
	bad := func(ok bool, want string) {
		if !ok {
			all = errors.Join(all, fmt.Errorf("CHAT_OIDC_PROVIDERS: provider %q: %s", p.ID, want))
		}
	}
	bad(plainID(p.ID), `"id": want 1 to 32 of a-z, 0-9 and -`)
	bad(p.Name != "" && len(p.Name) <= 40, `"name": want 1 to 40 bytes for the button`)
	bad(issuerURL(p.Issuer), `"issuer": want https://host[/path] without a query (http only on localhost)`)
	bad(p.ClientID != "", `"client_id" is missing`)
	bad(!seen[p.ID], "is there twice")
	bad(!seen[p.Issuer], "another provider has the same issuer")
	if p.Secret == "" {
		all = errors.Join(all, fmt.Errorf("CHAT_OIDC_SECRETS: the secret of provider %q is missing", p.ID))
	}
	return all
}

// plainID accepts what needs no escaping in an address.
func plainID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// issuerURL wants TLS: who can change what the provider says can be anybody.
func issuerURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || len(s) > 255 ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// strictJSON decodes one value and nothing besides.
func strictJSON(s string, into any) bool {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil && !d.More()
}
