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

// The commands of an operator, beside the running ChatApp: what happened is
// exported, the log is found to be sound, and no longer when a row was changed.
func TestAuditCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	a := startApp(t, dir)
	twoPeople(t, a)
	var tip string
	eventually(t, func() bool {
		r := runProgram(t, env, "", "audit", "verify")
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
		_, tip, _ = strings.Cut(strings.TrimSpace(r.out), "tip ")
		return strings.Contains(r.out, "auth: 2 events under ") && strings.Contains(r.out, ", 0 not sealed yet")
	})
	if r := runProgram(t, env, "", "audit", "verify", "--tip", tip); r.code != 0 {
		t.Fatalf("its own tip: %+v", r)
	}
	var last audit.Entry
	lines := strings.Split(strings.TrimSpace(runProgram(t, env, "", "audit", "export", "--service", "auth").out), "\n")
	for _, line := range lines {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if number, hash, _ := strings.Cut(tip, ":"); len(lines) != 2 || last.Event != "sign-up" || last.SealHash != hash || number == "0" {
		t.Errorf("%d lines, the last %+v; tip %s", len(lines), last, tip)
	}
	if r := runProgram(t, env, "", "audit", "export", "--until", "2020-01-01T00:00:00Z"); r.code != 0 || r.out != "" {
		t.Errorf("before there was anything: %+v", r)
	}
	wantCode := func(code int, want string, args ...string) {
		t.Helper()
		if r := runProgram(t, env, "", args...); r.code != code || !strings.Contains(r.out+r.errors, want) {
			t.Errorf("%v: %+v, want code %d and %q", args, r, code, want)
		}
	}
	wantCode(exitCouldNot, "a tip is", "audit", "verify", "--tip", "7")
	wantCode(exitCouldNot, "unknown flag", "audit", "verify", "--tipp", "7")
	other := "1:" + strings.Repeat("0", 64)
	wantCode(exitViolation, "the log was made anew", "audit", "verify", "--tip", other)

	d, err := embedded.OpenSQLite(t.Context(), embedded.Database(dir, "auth"), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.W.WithContext(t.Context()).Exec("UPDATE audit_log SET event = 'logout' WHERE id = ?", last.ID).Error; err != nil {
		t.Fatal(err)
	}
	wantCode(exitViolation, "row "+last.ID.String()+" of seal ", "audit", "verify")
}
