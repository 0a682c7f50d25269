// Package archive is the file that `chatapp backup` writes: a gzipped tar with a
// manifest first and then the files that it lists with their checksums. It knows
// nothing of what is in them.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Format is the version of the layout; a reader refuses a newer one.
const Format = 1

const manifestName = "manifest.json"

// maxManifest bounds what is read of a file that may not be ours.
const maxManifest = 1 << 20

// Manifest says what is in an archive.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the ChatApp that wrote it
	Began   time.Time `json:"began"`   // what was accepted before is in it
	Files   []File    `json:"files"`
}

// File is one file of an archive.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Write writes the files called names of dir, after a manifest of them, to w.
func Write(w io.Writer, dir, version string, began time.Time, names []string) (Manifest, error) {
	m := Manifest{Format: Format, Version: version, Began: began}
	for _, name := range names {
		f, err := describe(dir, name)
		if err != nil {
			return m, err
		}
		m.Files = append(m.Files, f)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	zip := gzip.NewWriter(w)
	tape := tar.NewWriter(zip)
	err = tape.WriteHeader(header(manifestName, int64(len(text)), began))
	if err == nil {
		_, err = tape.Write(text)
	}
	for _, f := range m.Files {
		if err == nil {
			err = put(tape, dir, f, began)
		}
	}
	if err != nil {
		return m, err
	}
	return m, errors.Join(tape.Close(), zip.Close())
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
}

func describe(dir, name string) (File, error) {
	r, err := os.Open(filepath.Join(dir, name)) //nolint:gosec // our own file
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func put(tape *tar.Writer, dir string, f File, at time.Time) error {
	r, err := os.Open(filepath.Join(dir, f.Name)) //nolint:gosec // our own file
	if err != nil {
		return err
	}
	defer r.Close()
	if err := tape.WriteHeader(header(f.Name, f.Size, at)); err != nil {
		return err
	}
	_, err = io.Copy(tape, r)
	return err
}

// Read writes the files of an archive into dir, which must exist, and checks
// each. An error means that the archive is not ours, newer, cut off or damaged.
func Read(r io.Reader, dir string) (Manifest, error) {
	var m Manifest
	zip, err := gzip.NewReader(r)
	if err != nil {
		return m, fmt.Errorf("not a backup of ChatApp: %w", err)
	}
	tape := tar.NewReader(zip)
	first, err := tape.Next()
	if err != nil || first.Name != manifestName {
		return m, errors.New("not a backup of ChatApp: it has no manifest")
	}
	if err := json.NewDecoder(io.LimitReader(tape, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("the manifest of the backup cannot be read: %w", err)
	}
	if m.Format > Format {
		return m, fmt.Errorf("the backup was written by ChatApp %s, in a format that this one does not know: use that one", m.Version)
	}
	for _, f := range m.Files {
		if err := get(tape, dir, f); err != nil {
			return m, fmt.Errorf("the backup is damaged or cut off at %s: %w", f.Name, err)
		}
	}
	return m, nil
}

func get(tape *tar.Reader, dir string, f File) error {
	h, err := tape.Next()
	if err != nil {
		return err
	}
	if h.Name != f.Name || h.Size != f.Size || filepath.Base(f.Name) != f.Name {
		return fmt.Errorf("found %q of %d bytes", h.Name, h.Size)
	}
	w, err := os.OpenFile(filepath.Join(dir, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a base name, checked above
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, sum), tape)
	err = errors.Join(err, w.Sync(), w.Close())
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		err = errors.New("the checksum is another")
	}
	return err
}
