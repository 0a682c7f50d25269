package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chatapp/internal/archive"
	"chatapp/libs/config"
	"chatapp/libs/db"
	"chatapp/libs/obs"
	"chatapp/libs/platform/embedded"
	"chatapp/services/messages"
)

// backupOrder is the order in which databases are copied, one after the other:
// what refers to something before what is referred to. A person who signed up
// in between is then an account without messages, never the other way round.
var backupOrder = []string{"messages", "users", "auth"}

type backupCommand struct {
	File string `arg:"" type:"path" help:"The file to write, for example chatapp-2026-11-25.backup. It is never overwritten."`
}

// Run copies the embedded databases while ChatApp runs, or while it does not.
func (c *backupCommand) Run(ctx context.Context, p program) error {
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	if cfg.DatabaseURL != "" {
		return errors.New("the databases are on a MySQL server (CHAT_DATABASE_URL): back them up there, see docs/operations.md")
	}
	for _, service := range backupOrder {
		if _, err := os.Stat(embedded.Database(cfg.DataDir, service)); err != nil {
			return fmt.Errorf("there is nothing to back up in %s (CHAT_DATA_DIR): %w", cfg.DataDir, err)
		}
	}
	out, err := newFile(c.File)
	if err != nil {
		return err
	}
	m, err := writeBackup(ctx, p, cfg, out)
	if err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), out.discard())
	}
	if err := out.keep(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	say(p, fmt.Sprintf("%s holds all that was accepted before %s", c.File, m.Began.Format(time.RFC3339)))
	return nil
}

func writeBackup(ctx context.Context, p program, cfg config.Config, out *pendingFile) (archive.Manifest, error) {
	// Beside the databases: there is no more room anywhere else.
	tmp, err := os.MkdirTemp(cfg.DataDir, ".backup-")
	if err != nil {
		return archive.Manifest{}, err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // a copy
	began := time.Now().UTC()
	var names []string
	for _, service := range backupOrder {
		copied := embedded.Database(tmp, service)
		if err := embedded.CopySQLite(ctx, embedded.Database(cfg.DataDir, service), copied); err != nil {
			return archive.Manifest{}, err
		}
		names = append(names, filepath.Base(copied))
		if info, err := os.Stat(copied); err == nil {
			say(p, fmt.Sprintf("%s: %.1f MB copied", service, float64(info.Size())/1e6))
		}
	}
	// The key of the data directory belongs to what it encrypted.
	hasKey, err := embedded.CopyKey(cfg.DataDir, tmp)
	if err != nil {
		return archive.Manifest{}, err
	}
	if hasKey {
		names = append(names, filepath.Base(embedded.KeyFile(tmp)))
	}
	return archive.Write(out, tmp, obs.ReadBuild().Version, began, names)
}

// pendingFile becomes the file of its name when it is complete.
type pendingFile struct {
	*os.File
	name string
}

func newFile(name string) (*pendingFile, error) {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s exists already: choose another name", name)
	}
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("the backup cannot be written: %w", err)
	}
	return &pendingFile{f, name}, nil
}

func (f *pendingFile) keep() error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.File.Name(), f.name)
}

func (f *pendingFile) discard() error { return errors.Join(f.Close(), os.Remove(f.File.Name())) }

type restoreCommand struct {
	File    string `arg:"" type:"existingfile" help:"A file of 'chatapp backup'."`
	Replace bool   `help:"Put it in the place of what is in the data directory; the old files are kept beside it."`
}

// Run fills a data directory that no ChatApp uses. The logs get a new epoch, so
// that every client loads anew: some know more than the backup does.
func (c *restoreCommand) Run(ctx context.Context, p program) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	if cfg.DatabaseURL != "" {
		return errors.New("the databases are on a MySQL server (CHAT_DATABASE_URL): restore them there and then run 'chatapp new-epoch', see docs/operations.md")
	}
	release, err := embedded.Claim(cfg)
	if err != nil {
		return err
	}
	err = c.restore(ctx, p, cfg, log)
	return errors.Join(err, release())
}

func (c *restoreCommand) restore(ctx context.Context, p program, cfg config.Config, log *slog.Logger) error {
	present, err := filepath.Glob(filepath.Join(cfg.DataDir, "*.db*"))
	if err != nil {
		return err
	}
	if len(present) > 0 && !c.Replace {
		return fmt.Errorf("there are databases in %s already: restore with --replace, or into another CHAT_DATA_DIR", cfg.DataDir)
	}
	tmp, err := os.MkdirTemp(cfg.DataDir, ".restore-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // a copy
	m, err := unpack(ctx, c.File, tmp)
	if err != nil {
		return err
	}
	if err := prepare(ctx, cfg, log, tmp); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(tmp, "*.db*"))
	if err != nil {
		return err
	}
	present = append(present, filepath.Join(cfg.DataDir, "nats"))
	if _, err := os.Stat(embedded.KeyFile(tmp)); err == nil { // else the key that is here stays
		present, files = append(present, embedded.KeyFile(cfg.DataDir)), append(files, embedded.KeyFile(tmp))
	}
	kept, err := setAside(cfg.DataDir, present)
	if err != nil {
		return err
	}
	for _, f := range files {
		err = errors.Join(err, os.Rename(f, filepath.Join(cfg.DataDir, filepath.Base(f))))
	}
	if err != nil {
		return fmt.Errorf("the backup could not be put in place; what was there is in %s: %w", kept, err)
	}
	say(p, fmt.Sprintf("restored what was accepted before %s; every client will load anew", m.Began.Format(time.RFC3339)))
	if kept != "" {
		say(p, "what was there before is in "+kept+": delete it when all is well")
	}
	return nil
}

// unpack writes the databases of a backup into dir and reads them through.
func unpack(ctx context.Context, file, dir string) (archive.Manifest, error) {
	r, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return archive.Manifest{}, err
	}
	defer r.Close()
	m, err := archive.Read(r, dir)
	if err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	for _, service := range backupOrder {
		if !slices.ContainsFunc(m.Files, func(f archive.File) bool { return f.Name == service+".db" }) {
			return m, fmt.Errorf("%s: the database of %s is not in it", file, service)
		}
		if err := embedded.CheckSQLite(ctx, embedded.Database(dir, service)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// prepare brings the restored databases up to date and gives them a new epoch.
func prepare(ctx context.Context, cfg config.Config, log *slog.Logger, dir string) error {
	cfg.DataDir = dir
	return eachSchema(ctx, cfg, log, backupOrder, func(service string, d *db.DB) error {
		if service != "messages" {
			return nil
		}
		_, err := messages.NewEpoch(ctx, d)
		return err
	})
}

// setAside moves what exists of files into a new directory in dir, and returns
// its name; "" when there was nothing.
func setAside(dir string, files []string) (string, error) {
	aside := filepath.Join(dir, "before-restore-"+time.Now().UTC().Format("20060102T150405"))
	moved := ""
	for _, f := range files {
		if _, err := os.Lstat(f); err != nil {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return moved, err
		}
		if err := os.Rename(f, filepath.Join(aside, filepath.Base(f))); err != nil {
			return aside, err
		}
		moved = aside
	}
	return moved, nil
}

type newEpochCommand struct{}

// Run is for databases that were restored by other means than chatapp restore.
func (newEpochCommand) Run(ctx context.Context, p program) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	return eachSchema(ctx, cfg, log, []string{"messages"}, func(_ string, d *db.DB) error {
		epoch, err := messages.NewEpoch(ctx, d)
		if err == nil {
			say(p, "the logs have the new epoch "+epoch+": start ChatApp now, and every client loads anew")
		}
		return err
	})
}
