// Command gen writes the documents that are made from the code: the merged
// OpenAPI document and the description of the events. Run it from the
// repository's root (make gen):
//
//	go run -tags nomsgpack ./internal/apidoc/gen
//
// A test of this package fails when the committed files differ.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"chatapp/internal/apidoc"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// write puts every generated file under root.
func write(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their path under root, writing nothing.
func generate(root string) (map[string][]byte, error) {
	api, err := apidoc.Document()
	if err != nil {
		return nil, err
	}
	events, err := eventsDoc(filepath.Join(root, "libs", "events"))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"docs/api/openapi.json": api, "docs/events.md": events}, nil
}
