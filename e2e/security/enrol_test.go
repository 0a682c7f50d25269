package security

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// enrols are the routes that somebody needs who has to set up a second step.
var enrols = []string{
	"GET /api/v1/auth/account", "GET /api/v1/auth/factors", "GET /api/v1/users/me",
	"POST /api/v1/auth/factors/totp", "POST /api/v1/auth/factors/totp/activate",
	"POST /api/v1/auth/passkeys/register/begin", "POST /api/v1/auth/passkeys/register/finish",
}

const secondStep = "/problems/second-step-required"

// TestOnlyEnrollingIsOpenWithoutASecondStep walks every route of the OpenAPI
// document that needs a token, as an administrator who has to set up a second
// step first: each is refused, but for those that set it up. A new route is
// closed until its row above says otherwise.
func TestOnlyEnrollingIsOpenWithoutASecondStep(t *testing.T) {
	w := harness.AllInOne(t)
	command(t, w, "admin", "create", "--username", "late", "--password-stdin")
	p := client.New(w.Front)
	must(t, p.Login(t.Context(), "late"))
	said := command(t, w, "admin", "second-step", "everybody")
	if !strings.Contains(said, "1 of those") {
		t.Errorf("the command says %q", said)
	}
	must(t, p.Refresh(t.Context()))

	left := slices.Clone(enrols)
	list := protected(t, w)
	for _, op := range list {
		answer := knock(t, p, op)
		refused := answer.Status == http.StatusForbidden && answer.Problem().Type == secondStep
		i := slices.Index(left, op)
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		if refused == (i >= 0) {
			t.Errorf("%s: %d %.200s", op, answer.Status, answer.Body)
		}
	}
	if len(left) > 0 || len(list) < 60 {
		t.Errorf("%d routes; there are none like %q", len(list), left)
	}
	must(t, p.Logout(t.Context()))
}

// protected lists the operations that need a token.
func protected(t *testing.T, w *harness.World) []string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ Security []json.RawMessage }
	}
	must(t, client.New(w.Front).JSON(t.Context(), http.MethodGet, "/api/openapi.json", nil, &doc))
	var list []string
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			if len(doc.Paths[path][method].Security) > 0 {
				list = append(list, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return list
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// knock calls an operation with made-up ids and without a body.
func knock(t *testing.T, p *client.Client, op string) *client.Response {
	t.Helper()
	method, path, _ := strings.Cut(op, " ")
	header := http.Header{}
	if path == "/api/v1/ws" {
		header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"chat.v1"},
		}
	}
	answer, err := p.Do(t.Context(), method, parameter.ReplaceAllString(path, client.NewID()), nil, header)
	must(t, err)
	return answer
}
