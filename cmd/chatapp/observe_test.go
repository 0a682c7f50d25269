package main

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"chatapp/internal/client"
	"chatapp/libs/id"
	"chatapp/libs/testkit"
)

// What somebody writes or keeps secret in these tests.
const (
	secretPassword = "a-secret-Passw0rd-to-find"
	secretText     = "a secret text to find"
	browserTrace   = "0af7651916cd43dd8448eb211c80319c"
	browserSpan    = "b7ad6b7169203331"
)

// receiver is an OTLP/HTTP receiver.
type receiver struct {
	mu    sync.Mutex
	spans map[string]*spans.Span // by service and name, of the browser's trace
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(req.Body)
	}
	data, err := io.ReadAll(body)
	var got collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(data, &got) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range got.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				if hex.EncodeToString(s.TraceId) == browserTrace {
					r.spans[service+": "+s.Name] = s
				}
			}
		}
	}
}

func (r *receiver) get(name string) *spans.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans[name]
}

// conversation signs two people up, connects the second and lets the first
// write, as the UI does; it returns the tokens that were used.
func conversation(t testing.TB, url string) []string {
	t.Helper()
	var sessions []client.Session
	for _, name := range []string{"ada", "ben"} {
		var s client.Session
		if code := api(t, "POST", url+"/api/v1/auth/register", "", map[string]string{"username": name, "password": secretPassword}, &s); code != http.StatusCreated {
			t.Fatalf("register: %d", code)
		}
		login(t, url, name, secretPassword)
		sessions = append(sessions, s)
	}
	ada, ben := sessions[0], sessions[1]
	d := websocket.Dialer{Subprotocols: []string{"chat.v1", "bearer." + ben.AccessToken}}
	conn, _, err := d.Dial("ws"+strings.TrimPrefix(url, "http")+"/api/v1/ws", http.Header{"Origin": {url}}) //nolint:bodyclose // a WebSocket
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.WriteJSON(map[string]string{"type": "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, frame, err := conn.ReadMessage(); err != nil || !strings.Contains(string(frame), "welcome") {
		t.Fatalf("%s %v", frame, err)
	}
	body := fmt.Sprintf(`{"to":%q,"client_id":%q,"body":%q}`, ben.User.ID, id.New(), secretText)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + ada.AccessToken}, "Content-Type": {"application/json"},
		"Traceparent": {"00-" + browserTrace + "-" + browserSpan + "-01"},
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	if _, frame, err := conn.ReadMessage(); err != nil || !strings.Contains(string(frame), secretText) {
		t.Fatalf("%s %v", frame, err)
	}
	for _, path := range []string{"/api/v1/messages/" + id.New().String(), "/api/v1/nothing/" + id.New().String(), "/api/v1/messages?with=" + ben.User.ID} {
		api(t, "GET", url+path, ada.AccessToken, nil, nil)
	}
	api(t, "POST", url+"/api/v1/auth/login", "", map[string]string{"login": "ada", "password": "wrong" + secretPassword}, nil)
	return []string{ada.AccessToken, ben.AccessToken}
}

// One message is one trace, from the browser's request to the write to the
// receiver's socket, through both services and the bus.
func TestOneTraceFromThePostToTheSocket(t *testing.T) {
	r := &receiver{spans: map[string]*spans.Span{}}
	s := httptest.NewServer(r)
	defer s.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	a := startApp(t, filepath.Join(t.TempDir(), "data"))
	conversation(t, a.url)
	chain := []string{"chatapp-messages: POST /api/v1/messages", "chatapp-messages: commit", "chatapp-notify: receive", "chatapp-notify: socket write"}
	testkit.Eventually(t, 10*time.Second, func() bool {
		for _, name := range chain {
			if r.get(name) == nil {
				return false
			}
		}
		return true
	})
	parent := browserSpan
	for _, name := range chain {
		span := r.get(name)
		if got := hex.EncodeToString(span.ParentSpanId); got != parent {
			t.Errorf("the parent of %q is %s, want %s", name, got, parent)
		}
		parent = hex.EncodeToString(span.SpanId)
		if text := span.String(); strings.Contains(text, secretText) || strings.Contains(text, "ada") {
			t.Errorf("a span holds what is nobody's business: %s", text)
		}
	}
}

// A log at its most talkative says which request and which trace a line belongs
// to, and nothing that somebody wrote or keeps secret.
func TestLogsCorrelateAndKeepSecrets(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1") // nobody there: requests go on
	a := startLogging(t, "CHAT_LOG_LEVEL=debug", "CHAT_LOG_FORMAT=json")
	tokens := conversation(t, a.url)
	if code := a.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	text := a.errs.String()
	for _, secret := range append(tokens, secretPassword, secretText) {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	traced := regexp.MustCompile(`"path":"/api/v1/messages".*"request_id":"[0-9a-f-]{36}","trace_id":"` + browserTrace + `"`)
	if !traced.MatchString(text) {
		t.Error("the request's line has no request_id and trace_id")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, `"msg":"request"`) && !strings.Contains(line, `"request_id":"`) {
			t.Errorf("without request id: %s", line)
		}
	}
}

// unbounded is what must not be the value of a label: ids, and addresses that
// are no route pattern.
var unbounded = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|\?|/nothing`)

// Real traffic leaves only labels with few values.
func TestMetricLabelsAreBounded(t *testing.T) {
	a := startApp(t, filepath.Join(t.TempDir(), "data"))
	conversation(t, a.url)
	res, err := http.Get("http://" + a.admin + "/metrics") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for name, f := range families {
		if !strings.HasPrefix(name, "chat_") {
			continue
		}
		for _, m := range f.Metric {
			series++
			for _, l := range m.Label {
				if unbounded.MatchString(l.GetValue()) {
					t.Errorf("%s{%s=%q}", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	if series < 50 {
		t.Errorf("only %d series", series)
	}
	for _, name := range []string{
		"chat_ready", "chat_notify_push_lag_seconds", "chat_outbox_rows", "chat_outbox_oldest_seconds", "chat_dead_letters",
		"chat_database_connections_in_use", "chat_token_checks_total", "chat_auth_results_total", "chat_bus_connected",
	} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if n := families["chat_notify_push_lag_seconds"].GetMetric()[0].GetHistogram().GetSampleCount(); n != 1 {
		t.Errorf("push lag of %d entries, want 1", n)
	}
}
