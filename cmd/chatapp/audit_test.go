package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"chatapp/libs/audit"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/testkit"
)

// tipOf is the tip of a service among what audit verify prints, as it is printed.
func tipOf(out, service string) string {
	_, line, _ := strings.Cut("\n"+out, "\n"+service+": ")
	line, _, _ = strings.Cut(line, "\n")
	_, tip, _ := strings.Cut(line, "tip ")
	return tip
}

// The commands of an operator, beside the running ChatApp: what happened is
// exported, the logs are found to be sound, and no longer when a row was changed.
func TestAuditCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	a := startApp(t, dir)
	ada, ben, _ := twoPeople(t, a)
	if err := ada.JSON(t.Context(), "PUT", "/api/v1/users/me/blocks/"+ben.ID(), nil, nil); err != nil {
		t.Fatal(err)
	}
	var all string
	eventually(t, func() bool {
		r := runProgram(t, env, "", "audit", "verify")
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
		all = r.out
		return strings.Contains(all, "auth: 2 events under ") && strings.Contains(all, "users: 1 events under ") &&
			strings.Contains(all, "messages: 0 events under ") && strings.Count(all, ", 0 not sealed yet") == 3
	})
	tip, users := tipOf(all, "auth"), tipOf(all, "users")
	if r := runProgram(t, env, "", "audit", "verify", "--tip", tip, "--tip", users); r.code != 0 {
		t.Fatalf("their own tips: %+v", r)
	}
	var last audit.Entry
	lines := exportLines(t, env, &last, "--service", "users")
	if len(lines) != 1 || last.Service != "users" || last.Event != "person-blocked" || last.Detail == nil || !strings.Contains(*last.Detail, ben.ID()) {
		t.Errorf("%q", lines)
	}
	lines = exportLines(t, env, &last, "--service", "auth")
	if parts := strings.Split(tip, ":"); len(lines) != 2 || last.Event != "sign-up" || last.SealHash != parts[2] || parts[1] == "0" {
		t.Errorf("%d lines, the last %+v; tip %s", len(lines), last, tip)
	}
	if lines := exportLines(t, env, &audit.Entry{}); len(lines) != 3 {
		t.Errorf("of all services: %q", lines)
	}
	if r := runProgram(t, env, "", "audit", "export", "--until", "2020-01-01T00:00:00Z"); r.code != 0 || r.out != "" {
		t.Errorf("before there was anything: %+v", r)
	}
	refusedTips(t, env, tip)

	d, err := embedded.OpenSQLite(t.Context(), embedded.Database(dir, "auth"), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.W.WithContext(t.Context()).Exec("UPDATE audit_log SET event = 'logout' WHERE id = ?", last.ID).Error; err != nil {
		t.Fatal(err)
	}
	wantCode(t, env, exitViolation, "row "+last.ID.String()+" of seal ", "audit", "verify")
	wantCode(t, env, 0, "users: 1 events", "audit", "verify", "--service", "users")
}

// exportLines exports and decodes the last line.
func exportLines(t *testing.T, env []string, last *audit.Entry, args ...string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(runProgram(t, env, "", append([]string{"audit", "export"}, args...)...).out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), last); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return lines
}

func wantCode(t *testing.T, env []string, code int, want string, args ...string) {
	t.Helper()
	if r := runProgram(t, env, "", args...); r.code != code || !strings.Contains(r.out+r.errors, want) {
		t.Errorf("%v: %+v, want code %d and %q", args, r, code, want)
	}
}

// refusedTips are tips that are none, and such as do not fit; tip is one of auth.
func refusedTips(t *testing.T, env []string, tip string) {
	t.Helper()
	_, bare, _ := strings.Cut(tip, ":")
	wantCode(t, env, 0, "auth: 2 events", "audit", "verify", "--service", "auth", "--tip", bare)
	wantCode(t, env, exitCouldNot, "say of which service", "audit", "verify", "--tip", bare)
	wantCode(t, env, exitCouldNot, "only users is looked at", "audit", "verify", "--service", "users", "--tip", tip)
	wantCode(t, env, exitCouldNot, "a tip is", "audit", "verify", "--tip", "auth:7")
	wantCode(t, env, exitCouldNot, "unknown flag", "audit", "verify", "--tipp", "7")
	other := "1:" + strings.Repeat("0", 64)
	wantCode(t, env, exitViolation, "the log was made anew", "audit", "verify", "--tip", "auth:"+other)
	wantCode(t, env, exitViolation, "the end of the log was cut off", "audit", "verify", "--tip", "messages:"+other)
}
