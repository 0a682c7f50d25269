package apidoc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/testkit"
)

func parsed(t *testing.T) object {
	t.Helper()
	raw, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestDocumentIsWhole: every reference leads somewhere, every operation has a
// name, a summary, the problem as an answer, and a decision about tokens.
func TestDocumentIsWhole(t *testing.T) {
	doc := parsed(t)
	walk(doc, func(o object) {
		ref, ok := o["$ref"].(string)
		if !ok {
			return
		}
		var at any = doc
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			group, _ := at.(object)
			at = group[part]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	n := 0
	for path, item := range doc["paths"].(object) {
		for method, value := range item.(object) {
			n++
			op := value.(object)
			responses := op["responses"].(object)
			if op["operationId"] == nil || op["summary"] == nil || op["security"] == nil ||
				responses["default"] == nil || responses["422"] != nil {
				t.Errorf("%s %s: %v", method, path, op)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d operations: is a service missing?", n)
	}
	for _, path := range []string{"/api/v1/auth/login", "/api/v1/users/me", "/api/v1/messages", "/api/v1/ws"} {
		if doc["paths"].(object)[path] == nil {
			t.Errorf("%s is missing", path)
		}
	}
}

func walk(v any, visit func(object)) {
	switch v := v.(type) {
	case object:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

func TestMergeRefusesContradictions(t *testing.T) {
	const head = `{"openapi":"3.1.0",`
	for name, c := range map[string]struct{ a, b, wrong string }{
		"alike":      {head + `"components":{"schemas":{"P":{"type":"object"}}}}`, head + `"components":{"schemas":{"P":{"type":"object"}}}}`, ""},
		"component":  {head + `"components":{"schemas":{"P":{"type":"object"}}}}`, head + `"components":{"schemas":{"P":{"type":"string"}}}}`, "schemas P is defined differently"},
		"route":      {head + `"paths":{"/x":{"get":{"operationId":"a"}}}}`, head + `"paths":{"/x":{"get":{"operationId":"b"}}}}`, "/x get is defined differently"},
		"operation":  {head + `"paths":{"/x":{"get":{"operationId":"a"}}}}`, head + `"paths":{"/y":{"get":{"operationId":"a"}}}}`, `"a" of get /y is also that of get /x`},
		"version":    {head + `"paths":{}}`, `{"openapi":"3.0.3"}`, "want 3.1"},
		"no JSON":    {head + `"paths":{}}`, `{`, "not an OpenAPI document"},
		"two routes": {head + `"paths":{"/x":{"get":{"operationId":"a"}}}}`, head + `"paths":{"/x":{"put":{"operationId":"b"}}}}`, ""},
	} {
		document := func(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }
		_, err := merge([]source{{"one", "", document(c.a)}, {"two", "", document(c.b)}})
		if (err == nil) != (c.wrong == "") || (err != nil && !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want %q", name, err, c.wrong)
		}
	}
}

// TestProse: the examples of the WebSocket protocol are real JSON, and every
// type of entry and problem is explained.
func TestProse(t *testing.T) {
	text, err := markdown()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []section{clientFrames(), serverFrames()} {
		for _, row := range s.Rows {
			var frame struct {
				Type  string        `json:"type"`
				Event *events.Entry `json:"event"`
			}
			if err := json.Unmarshal([]byte(strings.Trim(row[0], "`")), &frame); err != nil || frame.Type == "" {
				t.Errorf("%s: %v", row[0], err)
			}
			if (frame.Type == "event") != (frame.Event != nil) {
				t.Errorf("%s: entry %v", row[0], frame.Event)
			}
		}
	}
	for _, s := range errs.Slugs() {
		if !strings.Contains(text, "`/problems/"+string(s)+"`") {
			t.Errorf("%s is not in the document", s)
		}
	}
	for _, s := range []string{events.TypeMessageCreated, events.TypeConversationRead} {
		if !strings.Contains(text, "`"+s+"`") {
			t.Errorf("%s is not in the document", s)
		}
	}
}

func TestHandler(t *testing.T) {
	h := Handler()
	for path, kind := range map[string]string{DocumentPath: "application/json", PagePath: "text/html; charset=utf-8"} {
		r := testkit.Call(t, h, http.MethodGet, path, "", nil).Want(http.StatusOK)
		if r.Header.Get("Content-Type") != kind || r.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, r.Header)
		}
		again := testkit.NewRequest(t, http.MethodGet, path, "", nil)
		again.Header.Set("If-None-Match", r.Header.Get("ETag"))
		testkit.Do(t, h, again).Want(http.StatusNotModified)
		testkit.Call(t, h, http.MethodPost, path, "", nil).WantProblem(errs.MethodNotAllowed)
	}
	testkit.Call(t, h, http.MethodGet, "/api/nothing", "", nil).WantProblem(errs.NotFound)
}

// TestPage: every operation and schema is on the page, its links lead
// somewhere on it, and its policy allows the one style sheet it has.
func TestPage(t *testing.T) {
	r := testkit.Call(t, Handler(), http.MethodGet, PagePath, "", nil).Want(http.StatusOK)
	html := string(r.Body)
	for path := range parsed(t)["paths"].(object) {
		if !strings.Contains(html, "<code>"+path+"</code>") {
			t.Errorf("%s is not on the page", path)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if strings.Count(html, `id="`+link[1]+`"`) != 1 {
			t.Errorf("#%s is there %d times", link[1], strings.Count(html, `id="`+link[1]+`"`))
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(html)
	if len(style) != 2 {
		t.Fatal("no style sheet")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(r.Header.Get("Content-Security-Policy"), "'sha256-"+hash+"'") {
		t.Errorf("the policy does not allow the page's style %s", hash)
	}
	for _, bad := range []string{"<script", " style=", "javascript:", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}
