package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Disk is a small file system of its own (ext4 in a file): it can be filled,
// and lose what was not synced, as a disk does when the power goes.
type Disk struct {
	Path  string // where it is mounted
	image string
	cuts  int
}

// Sizes of the disks of ServicesApart.
const (
	databaseDisk = "480M"
	brokerDisk   = "224M"
)

// OwnDisks says whether ServicesApart can put the database and the brokers on
// disks of their own: that takes root and loop devices.
var OwnDisks = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "e2edisk")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	d, err := newDisk(context.Background(), filepath.Join(dir, "mount"), "16M")
	return err == nil && d.remove(context.Background()) == nil
})

// newDisk makes an empty disk and mounts it at path.
func newDisk(ctx context.Context, path, size string) (*Disk, error) {
	d := &Disk{Path: path, image: path + ".img"}
	return d, errors.Join(os.MkdirAll(path, 0o755), run(ctx, "", "", "truncate", "-s", size, d.image), run(ctx, "", "", "mkfs.ext4", "-q", "-F", "-m", "0", d.image), d.mount(ctx))
}

func (d *Disk) mount(ctx context.Context) error {
	err := run(ctx, "", "", "mount", "-o", "loop", d.image, d.Path)
	if err == nil {
		_ = os.Remove(filepath.Join(d.Path, "lost+found")) // MariaDB would take it for a schema
	}
	return err
}

// PowerCut sets the disk back to what has reached it: everything that was
// written and not synced may be gone. Whoever used it must have been killed.
func (d *Disk) PowerCut(ctx context.Context) error {
	d.cuts++
	kept := fmt.Sprintf("%s.%d.img", d.Path, d.cuts)
	if err := run(ctx, "", "", "cp", "--sparse=always", d.image, kept); err != nil {
		return err
	}
	err := errors.Join(run(ctx, "", "", "umount", d.Path), os.Remove(d.image))
	d.image = kept
	return errors.Join(err, d.mount(ctx))
}

func (d *Disk) remove(ctx context.Context) error {
	// Lazily: whoever still looks into it shall not keep the test.
	return errors.Join(run(ctx, "", "", "umount", "--lazy", d.Path), os.Remove(d.image))
}

// ownDisks puts disks where the database and the brokers will keep their files.
// They are gone with the world.
func (w *World) ownDisks(t *testing.T, tmp string) {
	t.Helper()
	if !OwnDisks() {
		t.Log("NO DISKS OF THEIR OWN (needs root and loop devices): faults of disks cannot run")
		return
	}
	sizes := []struct{ dir, size string }{{"mariadb/data", databaseDisk}, {"nats-0", brokerDisk}, {"nats-1", brokerDisk}, {"nats-2", brokerDisk}}
	for _, s := range sizes {
		d, err := newDisk(t.Context(), filepath.Join(tmp, s.dir), s.size)
		if err != nil {
			t.Fatal(err)
		}
		w.Disks = append(w.Disks, d)
		w.after = append(w.after, func() {
			if err := d.remove(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
