package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ErrNoHistory says that the previous version is not in this clone.
var ErrNoHistory = errors.New("the previous version is not in this clone's history")

// versioned are the programs that a rolling upgrade replaces.
var versioned = []string{Auth, Users, Messages, Notify}

func packagesOf(services []string) (paths []string) {
	for _, s := range services {
		paths = append(paths, "./services/"+s+"/cmd/"+s)
	}
	return paths
}

// Previous builds the services as they were at the commit that e2e/previous
// names, once per machine, and returns where they are and the commit. The error
// is ErrNoHistory in a clone that does not reach back that far and cannot fetch
// it.
func Previous(ctx context.Context) (dir, commit string, err error) {
	root, err := Root()
	if err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "e2e", "previous"))
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			commit = line
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(cache, "chatapp-e2e", commit)
	if exists(filepath.Join(dir, "bin", Notify)) {
		return filepath.Join(dir, "bin"), commit, nil
	}
	if err := haveCommit(ctx, root, commit); err != nil {
		return "", "", err
	}
	// Complete or not there: whoever is second replaces it by the same.
	work, err := os.MkdirTemp("", "chatapp-previous")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(work)
	archive := fmt.Sprintf("git archive %s -- go.mod go.sum libs services internal web | tar -x -C '%s'", commit, work)
	if err := run(ctx, root, "", "bash", "-o", "pipefail", "-c", archive); err != nil {
		return "", "", err
	}
	bin := filepath.Join(work, "bin")
	args := append([]string{"build", "-tags", "nomsgpack", "-o", bin + "/"}, packagesOf(versioned)...)
	if err := run(ctx, work, "", "go", args...); err != nil {
		return "", "", fmt.Errorf("build the version of %s: %w", commit, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	return filepath.Join(dir, "bin"), commit, run(ctx, "", "", "cp", "-r", bin, dir)
}

// haveCommit makes sure that commit is here, fetching what a shallow clone left
// out.
func haveCommit(ctx context.Context, root, commit string) error {
	have := func() error { return run(ctx, root, "", "git", "cat-file", "-e", commit+"^{commit}") }
	if have() == nil {
		return nil
	}
	shallow, _ := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--is-shallow-repository").Output()
	if strings.TrimSpace(string(shallow)) == "true" {
		if err := run(ctx, root, "", "git", "fetch", "--unshallow"); err == nil && have() == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: commit %s (e2e/previous); in a shallow clone: git fetch --unshallow", ErrNoHistory, commit)
}

// change is one edit of Next: old is there once and becomes what is new.
type change struct{ file, old, new string }

// nextVersion is what a typical next release differs in: a column, and a field
// in an event that other services hand on.
var (
	nextChanges = []change{
		{"libs/events/events.go", "\tCreatedAt      time.Time `json:\"created_at\"`\n", "\tCreatedAt      time.Time `json:\"created_at\"`\n\tNext           string    `json:\"next,omitempty\"`\n"},
		{"services/messages/message.go", "\treturn events.Message{\n", "\treturn events.Message{\n\t\tNext: \"next\",\n"},
	}
	nextFiles = map[string]string{
		"services/messages/migrations/mysql/9000_next.sql":  "-- +goose Up\nALTER TABLE messages ADD COLUMN next_note VARCHAR(64) NULL, ALGORITHM=INSTANT;\nALTER TABLE members ADD INDEX members_next (read_seq), ALGORITHM=INPLACE, LOCK=NONE;\n",
		"services/messages/migrations/sqlite/9000_next.sql": "-- +goose Up\nALTER TABLE messages ADD COLUMN next_note TEXT NULL;\n",
	}
)

// Next builds the services as they might be in the release after this one: the
// present sources and one migration that adds, and one more field in an event.
func Next(ctx context.Context, t *testing.T) (dir string, err error) {
	t.Helper()
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(root, "bin", "e2e-next")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	files := map[string]string{}
	for name, text := range nextFiles {
		files[name] = text
	}
	for _, c := range nextChanges {
		text, err := os.ReadFile(filepath.Join(root, c.file))
		if err != nil {
			return "", err
		}
		if strings.Count(string(text), c.old) != 1 {
			return "", fmt.Errorf("%s has changed: harness/versions.go must learn it", c.file)
		}
		files[c.file] = strings.Replace(string(text), c.old, c.new, 1)
	}
	replace := map[string]string{}
	scratch := t.TempDir()
	for name, text := range files {
		changed := filepath.Join(scratch, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, name)] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	overlay := filepath.Join(scratch, "overlay.json")
	if err := errors.Join(err, os.WriteFile(overlay, list, 0o600)); err != nil {
		return "", err
	}
	args := []string{"build", "-tags", "nomsgpack", "-overlay", overlay, "-o", dir + "/"}
	if race(Messages) {
		args = append(args, "-race")
	}
	if err := run(ctx, root, "", "go", append(args, packagesOf(versioned)...)...); err != nil {
		return "", fmt.Errorf("build the next version: %w", err)
	}
	return dir, nil
}

// Present is where the services under test are.
func Present() (dir string, err error) {
	b, err := build()
	return b.dir, err
}

// Use makes p the program of the same name in dir from its next start on. One
// that is not of the earlier version gets the setting that such a one lacks.
func (w *World) Use(p *Process, dir string) {
	p.Path = filepath.Join(dir, filepath.Base(p.Path))
	if !w.older {
		return
	}
	const key = "CHAT_ENCRYPTION_KEY="
	p.Env = slices.DeleteFunc(p.Env, func(kv string) bool { return strings.HasPrefix(kv, key) })
	if dir != w.Binaries {
		p.Env = append(p.Env, key+encryptionKey)
	}
}

// ServicesFrom is Services with the programs of another directory, without keys,
// TLS and jobs, which versions before them do not know.
func ServicesFrom(t *testing.T, dir string) *World {
	w, _, tmp, logs := begin(t, "services")
	if dir != "" {
		w.Binaries, w.older = dir, true
	}
	w.services(t, tmp, logs, false)
	return w
}
