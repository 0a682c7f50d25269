package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"chatapp/libs/config"
)

// KeyFile is the file of the data directory dir that holds its encryption key.
// What the key encrypted is lost without it.
func KeyFile(dir string) string { return filepath.Join(dir, "encryption.key") }

// ReadKey is CHAT_ENCRYPTION_KEY, or the key of the data directory; "" where
// there is none.
func ReadKey(cfg config.Config) (string, error) {
	if cfg.EncryptionKey != "" || cfg.DatabaseURL != "" && cfg.NATSURL != "" {
		return cfg.EncryptionKey, nil
	}
	key, err := os.ReadFile(KeyFile(cfg.DataDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the key that encrypts secrets in the database: %w", err)
	}
	return string(key), nil
}

// EncryptionKey is ReadKey, and makes the key of the data directory when it is
// missing, waiting for room on the disk as long as ctx allows. Where nothing is
// kept in a data directory there may be none.
func (p *Platform) EncryptionKey(ctx context.Context) (string, error) {
	key, err := ReadKey(p.cfg)
	if key != "" || err != nil || p.lock == nil {
		return key, err
	}
	for {
		err := makeKey(p.cfg.DataDir)
		switch {
		case err == nil:
			return ReadKey(p.cfg)
		case !errors.Is(err, syscall.ENOSPC):
			return "", fmt.Errorf("the key that encrypts secrets in the database: %w", err)
		}
		p.log.Warn("waiting for room on the disk of the data directory", "error", err)
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// CopyKey copies the key of a data directory to another one; false when it has
// none: it is in CHAT_ENCRYPTION_KEY then, or nothing is encrypted yet.
func CopyKey(from, to string) (bool, error) {
	key, err := os.ReadFile(KeyFile(from))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, os.WriteFile(KeyFile(to), key, 0o600) //nolint:gosec // directories of the operator
}

// makeKey makes the key of dir. It is on the disk, whole, before anything can be
// encrypted with it; of two that make it at once the first one's stays.
func makeKey(dir string) error {
	f, err := os.CreateTemp(dir, ".encryption-*.key") // for its owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // linked under its real name by then
	_, err = f.WriteString(config.NewEncryptionKey() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), KeyFile(dir)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir) //nolint:gosec // the operator chose the directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
