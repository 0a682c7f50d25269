package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"chatapp/internal/check"
)

// corruption is what stands between people and a right server: every function
// may change what passes; nil leaves it alone.
type corruption struct {
	post  func(body []byte, again func(body []byte)) []byte // of POST /messages
	page  func(body []byte) []byte                          // of the history
	frame func(frame []byte) []byte                         // to a device; nil drops it
}

// corrupted serves upstream through c.
func corrupted(t *testing.T, upstream string, c corruption) string {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(res *http.Response) error {
		if c.page == nil || !strings.HasSuffix(res.Request.URL.Path, "/messages") || res.Request.Method != http.MethodGet || res.StatusCode != http.StatusOK {
			return nil
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		body = c.page(body)
		res.Body = io.NopCloser(bytes.NewReader(body))
		res.ContentLength = int64(len(body))
		res.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.frame != nil && r.URL.Path == "/api/v1/ws":
			bridge(t, w, r, u, c.frame)
			return
		case c.post != nil && r.Method == http.MethodPost && r.URL.Path == "/api/v1/messages":
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // the client has gone
			}
			body = c.post(body, func(more []byte) {
				req := r.Clone(r.Context())
				req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(more)), int64(len(more))
				proxy.ServeHTTP(httptest.NewRecorder(), req)
			})
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// bridge passes frames on, both ways.
func bridge(t *testing.T, w http.ResponseWriter, r *http.Request, u *url.URL, frame func([]byte) []byte) {
	dialer := websocket.Dialer{Subprotocols: websocket.Subprotocols(r)}
	up, res, err := dialer.DialContext(r.Context(), "ws://"+u.Host+r.URL.Path, http.Header{"Origin": {"http://" + u.Host}})
	if err != nil {
		http.Error(w, "no way up", http.StatusBadGateway)
		return
	}
	_ = res.Body.Close()
	defer up.Close()
	upgrader := websocket.Upgrader{Subprotocols: []string{"chat.v1"}, CheckOrigin: func(*http.Request) bool { return true }}
	down, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		t.Log(err)
		return
	}
	defer down.Close()
	go func() {
		defer up.Close()
		for {
			kind, data, err := down.ReadMessage()
			if err != nil || up.WriteMessage(kind, data) != nil {
				return
			}
		}
	}()
	for {
		kind, data, err := up.ReadMessage()
		if err != nil {
			return
		}
		if data = frame(data); data != nil && down.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// verifyArgs is a short run.
func verifyArgs(more ...string) []string {
	return append([]string{"verify", "--duration", "1500ms", "--people", "3", "--devices", "2", "--rate", "60"}, more...)
}

func TestVerifySeesWhatIsBroken(t *testing.T) {
	a := startApp(t, filepath.Join(t.TempDir(), "data"))
	for name, row := range map[string]struct {
		corruption
		want check.ViolationKind
	}{
		"nothing":               {corruption{}, ""},
		"a frame is dropped":    {corruption{frame: once(30, `"type":"event"`, func([]byte) []byte { return nil })}, check.Hole},
		"a post is sent twice":  {corruption{post: postedTwice()}, check.Phantom},
		"two items are swapped": {corruption{page: swapItems}, check.PageWrong},
		"a text is changed": {corruption{frame: once(30, `message.created`, func(f []byte) []byte {
			return bytes.Replace(f, []byte(`"body":"`), []byte(`"body":"not `), 1)
		})}, check.Altered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history := filepath.Join(t.TempDir(), "history.jsonl")
			r := runProgram(t, nil, "", verifyArgs("--json", "--history", history, "--url", corrupted(t, a.url, row.corruption))...)
			var report check.Report
			if err := json.Unmarshal([]byte(r.out), &report); err != nil {
				t.Fatalf("%v\n%s\n%s", err, r.out, r.errors)
			}
			code := 0
			if row.want != "" {
				code = exitViolation
			}
			if r.code != code || (row.want == "") != report.OK() || row.want != "" && report.ByKind[row.want] == 0 || report.Acked < 20 || report.Pushed < 100 {
				t.Fatalf("exit code %d, %v, %d accepted, %d shown\n%v\n%s", r.code, report.ByKind, report.Acked, report.Pushed, report.Violations, r.errors)
			}
			again := runProgram(t, nil, "", "verify", "--replay", history)
			if again.code != code || !strings.Contains(again.out, string(row.want)) {
				t.Errorf("judged again: %+v", again)
			}
		})
	}
}

// once changes the n-th frame that contains a text.
func once(n int64, text string, change func([]byte) []byte) func([]byte) []byte {
	var seen atomic.Int64
	return func(f []byte) []byte {
		if bytes.Contains(f, []byte(text)) && seen.Add(1) == n {
			return change(f)
		}
		return f
	}
}

// postedTwice sends the tenth post again as if it were a new message.
func postedTwice() func([]byte, func([]byte)) []byte {
	var seen atomic.Int64
	return func(body []byte, again func([]byte)) []byte {
		var post map[string]string
		if seen.Add(1) == 10 && json.Unmarshal(body, &post) == nil {
			post["client_id"] = "01900000-0000-7000-8000-000000000abc"
			if more, err := json.Marshal(post); err == nil {
				again(more)
			}
		}
		return body
	}
}

// swapItems swaps the first two messages of a page.
func swapItems(body []byte) []byte {
	var page map[string]any
	if json.Unmarshal(body, &page) != nil {
		return body
	}
	if items, ok := page["items"].([]any); ok && len(items) > 1 {
		items[0], items[1] = items[1], items[0]
	}
	out, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return out
}

func TestVerifySelfWithFaults(t *testing.T) {
	t.Parallel()
	r := runProgram(t, nil, "", verifyArgs("--self", "--faults", "kill,drop", "--seed", "5")...)
	for _, word := range []string{"OK: nothing lost", "kill", "drop", "recovery"} {
		if r.code != 0 || !strings.Contains(r.out, word) {
			t.Fatalf("%q missing, exit code %d\n%s\n%s", word, r.code, r.out, r.errors)
		}
	}
	if !strings.Contains(r.errors, "seed 5") {
		t.Error(r.errors)
	}
}

func TestVerifyCouldNotRun(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for word, args := range map[string][]string{
		"refused":       {"--url", "http://" + freeAddress(t)},
		"want http":     {"--url", "localhost"},
		"one of":        {"--self", "--replay", empty},
		"--url, --self": {},
		"no operations": {"--replay", empty},
		"no such file":  {"--replay", empty + "2"},
		"no fault":      {"--self", "--faults", "earthquake"},
		"--faults":      {"--url", "http://localhost", "--faults", "kill"},
		"unknown flag":  {"--self", "--password", "secret"},
		"no password":   {"--url", "http://localhost", "--login", "ada,ben"},
		"two accounts":  {"--url", "http://localhost", "--login", "ada"},
	} {
		r := runProgram(t, nil, "", append([]string{"verify"}, args...)...)
		if r.code != exitCouldNot || !strings.Contains(r.errors, word) || r.out != "" {
			t.Errorf("%v: exit code %d, want 2 and %q: %s%s", args, r.code, word, r.out, r.errors)
		}
	}
}
