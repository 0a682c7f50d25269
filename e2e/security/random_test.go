package security

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
	"chatapp/libs/testkit"
)

var (
	requests = flag.Int("requests", 1000, "how many random requests TestRandomRequests sends")
	seed     = flag.Uint64("seed", 0, "repeats the requests of a run; 0 = new ones")
)

// TestRandomRequests sends requests to every operation of the OpenAPI document
// with values that fit, almost fit or do not fit at all. No answer is a 5xx, and
// each is as the document says: its status, its content type, its schema.
func TestRandomRequests(t *testing.T) {
	w := harness.AllInOne(t)
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d requests; -seed %d repeats them", *requests, *seed)
	m := newMonkey(t, w, rand.New(rand.NewPCG(*seed, 1)))
	statuses := map[int]int{}
	for i := range *requests {
		statuses[m.once(t)]++
		if t.Failed() {
			t.Fatalf("at request %d", i)
		}
		if i%500 == 499 {
			m.staySignedIn(t)
		}
	}
	t.Logf("answers by status: %v", statuses)
	if statuses[http.StatusOK] == 0 || statuses[http.StatusBadRequest] == 0 {
		t.Error("requests that all succeed, or all fail, try little")
	}
}

// operation is one operation of the document.
type operation struct {
	method, path string
	Parameters   []struct {
		Name, In string
		Schema   map[string]any
	}
	RequestBody struct {
		Content map[string]struct{ Schema map[string]any }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema map[string]any }
	}
}

// monkey sends random requests as a person who has a conversation.
type monkey struct {
	random     *rand.Rand
	who        *client.Client
	operations []operation
	components map[string]any
	schemas    *jsonschema.Compiler
	known      []string // values that mean something: ids, names, cursors
}

// unfit are operations that would end the monkey's session, or never answer.
var unfit = map[string]bool{
	"POST /api/v1/auth/logout": true, "POST /api/v1/auth/sessions/end-others": true, "DELETE /api/v1/auth/sessions/{id}": true,
	"GET /api/v1/events/stream": true, "GET /api/v1/ws": true,
}

func newMonkey(t *testing.T, w *harness.World, random *rand.Rand) *monkey {
	t.Helper()
	m := &monkey{random: random, who: client.New(w.Front), schemas: jsonschema.NewCompiler()}
	other := client.New(w.Front)
	must(t, other.Register(t.Context(), "other"))
	must(t, m.who.Register(t.Context(), "monkey"))
	first, _, err := m.who.Post(t.Context(), other.ID(), client.NewID(), harness.SecretBody)
	must(t, err)
	_, cursor, err := m.who.Events(t.Context(), "")
	must(t, err)
	m.known = []string{m.who.ID(), other.ID(), first.ID, first.ConversationID, cursor, "other", "monkey", client.NewID(), "1", "15"}

	answer, err := m.who.Do(t.Context(), http.MethodGet, "/api/openapi.json", nil, nil)
	must(t, err)
	var doc struct {
		Paths map[string]map[string]operation
	}
	must(t, json.Unmarshal(answer.Body, &doc))
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer.Body))
	must(t, err)
	must(t, m.schemas.AddResource("doc.json", whole))
	m.components = whole.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			if !unfit[op.method+" "+path] {
				m.operations = append(m.operations, op)
			}
		}
	}
	// A map has no order; with one, a seed repeats a run.
	sortOperations(m.operations)
	return m
}

// staySignedIn is for long runs: a session ends with one of the requests or by time.
func (m *monkey) staySignedIn(t *testing.T) {
	t.Helper()
	if _, err := m.who.Conversations(t.Context()); err != nil {
		// Its own random attempts to sign in count against it: it waits as it is told.
		testkit.Eventually(t, time.Minute, func() bool { return m.who.Login(t.Context(), "monkey") == nil })
	}
}

// once sends one request and judges its answer.
func (m *monkey) once(t *testing.T) int {
	t.Helper()
	op := m.operations[m.random.IntN(len(m.operations))]
	path, query, header := op.path, url.Values{}, http.Header{}
	for _, p := range op.Parameters {
		value := m.text(p.Schema)
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case m.random.IntN(3) == 0: // left out
		case p.In == "query":
			query.Set(p.Name, value)
		case p.In == "header" && p.Name != "Authorization":
			header.Set(p.Name, headerText(value))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var body []byte
	if media, ok := op.RequestBody.Content["application/json"]; ok {
		body, _ = json.Marshal(m.value(media.Schema, 0))
		if m.random.IntN(20) == 0 && len(body) > 2 {
			body = body[:m.random.IntN(len(body))]
		}
	}
	answer, err := m.who.Do(t.Context(), op.method, path, body, header)
	if err != nil {
		t.Fatalf("%s %s %s: %v", op.method, path, body, err)
	}
	if problem := m.judge(op, answer); problem != "" {
		t.Errorf("%s %s %.500s: %d %.500s: %s", op.method, path, body, answer.Status, answer.Body, problem)
	}
	return answer.Status
}

// judge compares an answer with the document; "" when it is as promised.
func (m *monkey) judge(op operation, answer *client.Response) string {
	switch {
	case answer.Status >= 500:
		return "a server's error"
	case answer.Status == http.StatusRequestHeaderFieldsTooLarge:
		return "" // net/http refuses an address of 16 KB in its own words, before there is a route
	}
	status := fmt.Sprint(answer.Status)
	promised, ok := op.Responses[status]
	if !ok {
		status = "default"
		promised, ok = op.Responses[status]
	}
	if !ok {
		return "the document knows no such status"
	}
	if len(answer.Body) == 0 {
		return ""
	}
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if _, ok := promised.Content[media]; !ok {
		if answer.Status == http.StatusNotFound && media == "application/problem+json" {
			return "" // no such address: the path was no path of this operation
		}
		return "the document knows no content type " + media
	}
	if !strings.HasSuffix(media, "json") {
		return ""
	}
	at := strings.NewReplacer("~", "~0", "/", "~1").Replace
	schema, err := m.schemas.Compile(fmt.Sprintf("doc.json#/paths/%s/%s/responses/%s/content/%s/schema", url.PathEscape(at(op.path)), strings.ToLower(op.method), status, url.PathEscape(at(media))))
	if err != nil {
		return err.Error()
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer.Body))
	if err != nil {
		return "no JSON: " + err.Error()
	}
	if err := schema.Validate(value); err != nil {
		return err.Error()
	}
	return ""
}
