package security

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// TestMatrix calls every operation of the OpenAPI document as everybody, with
// the owner's ids, and checks the status, that a refusal tells nothing and that
// nothing of the owner's changed. A new route without a row fails it.
func TestMatrix(t *testing.T) {
	w := harness.AllInOne(t)
	c := newCast(t, w)
	table := map[string]row{}
	for _, r := range rows() {
		if _, twice := table[r.op]; twice {
			t.Errorf("%s: two rows", r.op)
		}
		table[r.op] = r
	}
	documented := operations(t, w)
	for op := range table {
		if !slices.Contains(documented, op) {
			t.Errorf("%s: a row, but no such route", op)
		}
	}
	calls := 0
	for _, op := range documented {
		r, ok := table[op]
		if !ok {
			t.Errorf("%s: no row says who may do this; add one to rows_test.go", op)
			continue
		}
		t.Run(op, func(t *testing.T) {
			for _, who := range everybody {
				calls += c.try(t, r, who)
			}
		})
	}
	t.Logf("%d routes x %d roles, %d calls", len(documented), len(everybody), calls)
}

// operations lists what the running product says it serves.
func operations(t *testing.T, w *harness.World) []string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	must(t, client.New(w.Front).JSON(t.Context(), http.MethodGet, "/api/openapi.json", nil, &doc))
	var list []string
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			list = append(list, strings.ToUpper(method)+" "+path)
		}
	}
	return list
}

// try makes the call of one row as one role and returns how many were made.
func (c *cast) try(t *testing.T, r row, who role) int {
	t.Helper()
	do := r.call(t, c, who)
	method, _, _ := strings.Cut(r.op, " ")
	before, err := c.state(t.Context())
	must(t, err)
	got := c.send(t, who, method, do)
	if want := r.want[who]; got.Status != want {
		t.Errorf("as %s: %d, want %d: %.300s", who, got.Status, want, got.Body)
	}
	for secret, may := range map[string][]role{ownerEmail: {owner, admin}, ownerMessage: {owner, peer}} {
		if strings.Contains(string(got.Body), secret) && !slices.Contains(may, who) {
			t.Errorf("as %s: the answer holds %q", who, secret)
		}
	}
	calls := 1
	if got.Status == http.StatusNotFound && do.target != "" {
		calls++
		c.likeMissing(t, who, method, do, got)
	}
	after, err := c.state(t.Context())
	must(t, err)
	if after != before && !slices.Contains(r.moves, who) {
		t.Errorf("as %s: what the owner sees changed:\n%s", who, change(before, after))
	}
	return calls
}

// change shows the lines that differ.
func change(before, after string) string {
	var out strings.Builder
	news := strings.Split(after, "\n")
	for i, line := range strings.Split(before, "\n") {
		if i < len(news) && line != news[i] {
			fmt.Fprintf(&out, "- %s\n+ %s\n", line, news[i])
		}
	}
	return out.String()
}

// likeMissing wants the same answer for an id that nobody has.
func (c *cast) likeMissing(t *testing.T, who role, method string, do call, got *client.Response) {
	t.Helper()
	nobodys := client.NewID()
	twin := do
	twin.path = strings.ReplaceAll(do.path, do.target, nobodys)
	if do.body != nil {
		text, err := json.Marshal(do.body)
		must(t, err)
		twin.body = json.RawMessage(strings.ReplaceAll(string(text), do.target, nobodys))
	}
	a, b := got.Problem(), c.send(t, who, method, twin).Problem()
	if a.Status != b.Status || a.Type != b.Type || a.Title != b.Title || a.Detail != b.Detail {
		t.Errorf("as %s: %+v is not what a missing id gets: %+v", who, a, b)
	}
}

func (c *cast) send(t *testing.T, who role, method string, do call) *client.Response {
	t.Helper()
	var body []byte
	header := http.Header{}
	switch text, raw := do.body.(string); {
	case raw && do.media != "":
		body, header["Content-Type"] = []byte(text), []string{do.media}
	case do.body != nil:
		var err error
		body, err = json.Marshal(do.body)
		must(t, err)
	}
	from := c.people[who]
	if do.as != nil {
		from = do.as
	}
	answer, err := from.Do(t.Context(), method, do.path, body, header)
	must(t, err)
	return answer
}
