package embedded

import (
	"github.com/ncruces/go-sqlite3/vfs"
)

// walVFS is the system's file layer, but for one thing: what is written to a
// write-ahead log is gathered and written in large pieces. SQLite writes a page
// of a transaction in two calls, and a busy one has hundreds of pages.
//
// Nobody can tell the difference: everything gathered is written before the log
// is synced, read, measured or truncated, and with synchronous=FULL, which
// OpenSQLite sets, SQLite syncs the log at every commit before it tells other
// connections of the new pages.
type walVFS struct{ vfs.VFSFilename }

const walVFSName = "chatapp-wal"

// walBuffer is how much is gathered at most.
const walBuffer = 512 << 10

func init() {
	if system, ok := vfs.Find("").(vfs.VFSFilename); ok {
		vfs.Register(walVFSName, walVFS{system})
	} else {
		vfs.Register(walVFSName, vfs.Find(""))
	}
}

// OpenFilename implements vfs.VFSFilename.
func (v walVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, out, err
	}
	return &walFile{File: f}, out, nil
}

// walFile gathers consecutive writes. SQLite calls the methods of one file from
// one connection at a time.
type walFile struct {
	vfs.File
	at  int64 // where gathered belongs
	buf []byte
}

// WriteAt implements io.WriterAt.
func (f *walFile) WriteAt(p []byte, off int64) (int, error) {
	if len(f.buf) > 0 && (off != f.at+int64(len(f.buf)) || len(f.buf)+len(p) > walBuffer) {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	if len(f.buf) == 0 {
		f.at = off
	}
	f.buf = append(f.buf, p...)
	return len(p), nil
}

// flush writes what was gathered. When that fails it stays, and the next call
// reports the error again: a log that is not whole must not be synced.
func (f *walFile) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	if _, err := f.File.WriteAt(f.buf, f.at); err != nil {
		return err
	}
	f.buf = f.buf[:0]
	return nil
}

// ReadAt implements io.ReaderAt.
func (f *walFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// Sync implements vfs.File.
func (f *walFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

// Truncate implements vfs.File.
func (f *walFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Size implements vfs.File.
func (f *walFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Close implements vfs.File.
func (f *walFile) Close() error {
	err := f.flush()
	if closed := f.File.Close(); err == nil {
		err = closed
	}
	return err
}
