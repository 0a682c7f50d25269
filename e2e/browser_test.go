package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"chatapp/e2e/harness"
)

// browserThroughGateway: real browsers chat through Caddy, which serves the UI
// from web/dist. All the rest of the browser tests runs on the all-in-one:
// npm test in e2e/browser.
func browserThroughGateway(t *testing.T, w *harness.World) {
	root, err := harness.Root()
	must(t, err)
	if _, err := os.Stat(filepath.Join(root, "web", "dist", "index.html")); err != nil {
		t.Fatalf("the UI is not built: make ui (%v)", err)
	}
	dir := filepath.Join(root, "e2e", "browser")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	npm := func(name string, args ...string) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CHATAPP_URL="+w.Front.Auth)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@playwright")); err != nil {
		npm("npm", "ci", "--no-audit", "--no-fund")
	}
	// Playwright takes patterns for whole paths: "chat" would be every file below a folder "chatapp".
	npm("npx", "playwright", "test", "tests/chat.spec.ts", "tests/session.spec.ts", "tests/xss.spec.ts", "--reporter=list", "--output="+filepath.Join(root, "e2e", "artifacts", "browser-services"))
}
