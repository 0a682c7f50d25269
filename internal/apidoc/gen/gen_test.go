package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreCurrent is the drift check: change a route or an event
// and forget "make gen", and it names the file.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run make gen", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code says: run make gen", name)
		}
	}
}
