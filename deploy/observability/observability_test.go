// Package observability checks that the alerts and the dashboard ask for metrics
// that exist and name runbooks that exist.
package observability

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	metric  = regexp.MustCompile(`\bchat_\w+`)
	suffix  = regexp.MustCompile(`_(bucket|count|sum)$`)
	runbook = regexp.MustCompile(`runbook: docs/operations\.md#([a-z0-9-]+)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped = regexp.MustCompile(`[^a-z0-9 -]`)
)

// docs/metrics.md is what a running program registered; lint keeps it current.
func TestQueriesAskForMetricsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, name := range metric.FindAllString(read(t, "../../docs/metrics.md"), -1) {
		known[name] = true
	}
	for _, file := range []string{"alerts.yml", "grafana/dashboards/chatapp.json"} {
		names := metric.FindAllString(read(t, file), -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics only", file, len(names))
		}
		for _, name := range names {
			if !known[name] && !known[suffix.ReplaceAllString(name, "")] {
				t.Errorf("%s asks for %s, which no service has", file, name)
			}
		}
	}
}

func TestRunbooksExist(t *testing.T) {
	known := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(read(t, "../../docs/operations.md"), -1) {
		known[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	alerts := read(t, "alerts.yml")
	found := runbook.FindAllStringSubmatch(alerts, -1)
	if len(found) != strings.Count(alerts, "- alert:") {
		t.Error("an alert names no runbook")
	}
	for _, m := range found {
		if !known[m[1]] {
			t.Errorf("docs/operations.md has no section #%s", m[1])
		}
	}
}
