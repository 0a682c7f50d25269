// Package secrets makes what the parts of an installation prove themselves
// with: nkeys for NATS, passwords for the database, a certificate authority and
// the certificates of the two servers. Each consumer gets a directory of its
// own, so that each can be given to one container alone:
//
//	ca/                              the authority; nobody mounts it
//	auth/ users/ messages/ notify/   nats.nkey, database.password, ca.pem; auth: encryption.key
//	bus/                             nats.nkey, ca.pem
//	migrate-auth/ ...                database.password, ca.pem
//	nats/                            nats-auth.conf, server.pem, server.key, ca.pem
//	mysql/                           root.password, init.sql, server.pem, server.key, ca.pem
//
// What exists is kept; what follows from the rest (nats-auth.conf, init.sql) is
// written anew, because a newer ChatApp may need other permissions.
package secrets

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"

	"chatapp/libs/config"
	"chatapp/libs/events"
	"chatapp/libs/topology"
)

// Options say what to make.
type Options struct {
	Dir string
	// Hosts are the names and addresses under which NATS and MySQL are reached.
	Hosts []string
	// Renew makes the two servers' certificates anew.
	Renew bool
	// Chown gives every directory to the user that its container runs as; only
	// root can.
	Chown bool
}

// DefaultHosts are the names in our Compose file and Kubernetes manifests.
func DefaultHosts() []string {
	hosts := []string{"localhost", "127.0.0.1", "nats", "mysql"}
	for _, n := range []string{"nats-0", "nats-1", "nats-2", "nats-3"} {
		hosts = append(hosts, n, n+".nats", n+".nats-headless")
	}
	return hosts
}

// The users that containers run as; see Dockerfile and docker-compose.yml.
const (
	appUID   = 65532
	mysqlUID = 999
)

// Consumers lists the directories that are mounted.
func Consumers() []string {
	list := append(topology.Services(), "bus")
	for _, s := range topology.Schemas() {
		list = append(list, topology.Migrate(s))
	}
	return append(list, topology.NATS, topology.MySQL)
}

// maker makes the files below one directory and remembers which.
type maker struct {
	Options
	made []string
}

// Make makes what is missing below o.Dir and returns the files it wrote. Files
// are for their owner alone.
func Make(o Options) (made []string, err error) {
	m := &maker{Options: o}
	for _, step := range []func() error{m.identities, m.passwords, m.encryption, m.certificates, m.owners} {
		if err := step(); err != nil {
			return m.made, err
		}
	}
	return m.made, nil
}

// identities makes the nkeys and tells NATS about them.
func (m *maker) identities() error {
	public := map[string]string{}
	for _, identity := range topology.NATSIdentities() {
		seed, err := m.keep(filepath.Join(dirOf(identity), "nats.nkey"), func() ([]byte, error) {
			pair, err := nkeys.CreateUser()
			if err != nil {
				return nil, err
			}
			return pair.Seed()
		})
		if err != nil {
			return err
		}
		pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
		if err == nil {
			public[identity], err = pair.PublicKey()
		}
		if err != nil {
			return fmt.Errorf("%s is not an nkey's seed: %w", filepath.Join(m.Dir, dirOf(identity), "nats.nkey"), err)
		}
	}
	return m.write(filepath.Join(topology.NATS, "nats-auth.conf"), []byte(topology.NATSConfig(public)))
}

// dirOf is the directory of an identity.
func dirOf(identity string) string {
	if identity == topology.BusAdmin {
		return "bus"
	}
	return identity
}

// passwords makes those of the database's users and tells MySQL about them.
func (m *maker) passwords() error {
	all := map[string]string{}
	for _, s := range topology.Schemas() {
		for user, dir := range map[string]string{topology.AppUser(s): s, topology.MigrateUser(s): topology.Migrate(s)} {
			b, err := m.keep(filepath.Join(dir, "database.password"), password)
			if err != nil {
				return err
			}
			all[user] = string(bytes.TrimSpace(b))
			if strings.ContainsAny(all[user], "'\\\n") {
				return fmt.Errorf("%s: a quote, backslash or line break cannot be part of it", filepath.Join(m.Dir, dir, "database.password"))
			}
		}
	}
	if _, err := m.keep(filepath.Join(topology.MySQL, "root.password"), password); err != nil {
		return err
	}
	return m.write(filepath.Join(topology.MySQL, "init.sql"), []byte(topology.MySQLSetup(all)))
}

// encryption makes the key that encrypts secrets in the database of auth.
func (m *maker) encryption() error {
	_, err := m.keep(filepath.Join(events.ServiceAuth, "encryption.key"), func() ([]byte, error) {
		return []byte(config.NewEncryptionKey()), nil
	})
	return err
}

// password is 130 bits of letters and digits.
func password() ([]byte, error) { return []byte(rand.Text()), nil }

// keep returns the file's content, made by create when there is none.
func (m *maker) keep(name string, create func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(m.Dir, name)
	b, err := os.ReadFile(path) //nolint:gosec // below the operator's directory
	if err == nil && len(bytes.TrimSpace(b)) == 0 {
		return nil, fmt.Errorf("%s is empty (a power cut?): delete it, and what it was for needs the new one", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if b, err = create(); err != nil {
		return nil, err
	}
	return b, m.write(name, b)
}

// write replaces a file in one step, unless it is the same.
func (m *maker) write(name string, content []byte) error {
	path := filepath.Join(m.Dir, name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) { //nolint:gosec // below the operator's directory
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// Left behind when an earlier run was killed; it may not be written to.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o400); err != nil {
		return err
	}
	m.made = append(m.made, name)
	return os.Rename(path+".new", path)
}

// owners gives the directories to those who mount them.
func (m *maker) owners() error {
	if !m.Chown {
		return nil
	}
	for _, c := range Consumers() {
		uid := appUID
		if c == topology.MySQL {
			uid = mysqlUID
		}
		if err := give(filepath.Join(m.Dir, c), uid); err != nil {
			return err
		}
	}
	return nil
}

// give gives a directory and what is in it to a user. That user may have put
// links there since the last time: they are not followed.
func give(dir string, uid int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(name, uid, uid)
	})
	return errors.Join(err, root.Close())
}

// Files lists the files of a consumer, in order.
func Files(dir, consumer string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, consumer))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
