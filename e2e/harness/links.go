package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"chatapp/e2e/faultproxy"
)

// Links are the edges of a shape that can be broken one by one.
type Links struct {
	Front *faultproxy.Link            // people to the gateway
	NATS  map[string]*faultproxy.Link // a process, by name, to all broker nodes
	DB    map[string]*faultproxy.Link // a process, by name, to the database
}

func newLinks() *Links {
	return &Links{Front: faultproxy.New(), NATS: map[string]*faultproxy.Link{}, DB: map[string]*faultproxy.Link{}}
}

// between makes the links of one process and returns what it finds at their
// other ends: its database and its brokers.
func (l *Links) between(name string, w *World) (database, brokers string, err error) {
	l.DB[name], l.NATS[name] = faultproxy.New(), faultproxy.New()
	address, err := l.DB[name].Forward(w.DB.Address())
	if err != nil {
		return "", "", err
	}
	brokers, err = w.NATS.URLThrough(l.NATS[name].Forward)
	return w.DB.URLThrough(address), brokers, err
}

func (l *Links) close() {
	l.Front.Close()
	for _, edges := range []map[string]*faultproxy.Link{l.NATS, l.DB} {
		for _, edge := range edges {
			edge.Close()
		}
	}
}

// Sizes of the disks of ServicesApart.
const (
	databaseDisk = "size=420m"
	brokerDisk   = "size=192m"
)

// SmallDisks says whether ServicesApart can put the database and the broker on
// disks that can be filled: only root can mount them.
func SmallDisks() bool { return os.Geteuid() == 0 }

// smallDisks mounts them where the database and the brokers will keep their
// files. They are gone with the world.
func (w *World) smallDisks(t *testing.T, tmp string) {
	t.Helper()
	if !SmallDisks() {
		t.Log("NOT ROOT: no disks of a limited size; faults that fill a disk cannot run")
		return
	}
	for dir, size := range map[string]string{"mariadb/data": databaseDisk, "nats-0": brokerDisk, "nats-1": brokerDisk, "nats-2": brokerDisk} {
		path := filepath.Join(tmp, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", size, "tmpfs", path).CombinedOutput(); err != nil {
			t.Fatalf("mount a small disk: %v\n%s", err, out)
		}
		w.after = append(w.after, func() {
			// Lazily: whoever still looks into it shall not keep the test.
			if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", path, err)
			}
		})
	}
}
