package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
)

// settings looks at what contradicts itself.
func (e *examiner) settings(context.Context) {
	c := e.Config
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return // config.Load refused it
	}
	switch {
	case u.Scheme == "http" && !c.Local():
		e.add("public URL", Warning, c.PublicURL+" is not https: passwords and messages can be read on the way",
			"put a proxy with HTTPS in front (docs/operations.md) and set CHAT_PUBLIC_URL to its https:// address")
	case u.Scheme == "https" && len(c.TrustedProxies) == 0:
		e.add("trusted proxies", Warning, "HTTPS is done by a proxy, but none is trusted: all people share its limits on signing in",
			"set CHAT_TRUSTED_PROXIES to the proxy's address")
	default:
		e.add("public URL", OK, c.PublicURL, "")
	}
	for _, p := range c.TrustedProxies {
		if p == "0.0.0.0/0" || p == "::/0" {
			e.add("trusted proxies", Failed, p+" trusts everybody: whoever asks can choose the address that limits count",
				"set CHAT_TRUSTED_PROXIES to the addresses of your proxies")
		}
	}
	if c.NATSURL != "" && c.NATSReplicas == 1 {
		e.add("copies of streams", Warning, "CHAT_NATS_REPLICAS is 1: pushes stop while the one server with a stream is away (no message is lost)",
			"with three NATS servers set CHAT_NATS_REPLICAS=3")
	}
}

// File systems on which SQLite's locks and syncs cannot be relied on.
var remote = map[int64]string{
	0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB", 0x65735546: "FUSE", 0x01021997: "9P", 0x5346414f: "AFS",
}

const (
	littleSpace = 1 << 30
	noSpace     = 100 << 20
)

// dataDirectory looks at where the embedded database and broker keep files.
func (e *examiner) dataDirectory(context.Context) {
	c := e.Config
	if c.DatabaseURL != "" && c.NATSURL != "" {
		return // nothing is kept there
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		dir = c.DataDir
	}
	info, err := os.Stat(dir)
	if os.IsNotExist(err) {
		e.add("data directory", OK, dir+" does not exist yet: it is made at the first start", "")
		return
	}
	const rights = "give it to the user that runs ChatApp (chown), or choose another with CHAT_DATA_DIR"
	if err != nil || !info.IsDir() {
		e.add("data directory", Failed, fmt.Sprintf("%s cannot be used: %v", dir, err), rights)
		return
	}
	if err := writable(dir); err != nil {
		e.add("data directory", Failed, dir+" cannot be written: "+err.Error(), rights)
		return
	}
	if info.Mode().Perm()&0o077 != 0 {
		e.add("data directory", Warning, fmt.Sprintf("%s can be read by others (%v): it holds all messages and keys", dir, info.Mode().Perm()), "chmod 700 "+dir)
	} else {
		e.add("data directory", OK, dir, "")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return
	}
	if kind := remote[int64(fs.Type)]; kind != "" { //nolint:unconvert // its type differs between systems
		e.add("file system", Failed, dir+" is on "+kind+": SQLite cannot rely on its locks, and data can be lost",
			"use a local disk, or MySQL (CHAT_DATABASE_URL)")
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	seen := fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	switch {
	case free < noSpace:
		e.add("disk space", Failed, seen+": writing is refused when it is gone", "make room; it works again by itself")
	case free < littleSpace:
		e.add("disk space", Warning, seen, "make room before it is gone")
	default:
		e.add("disk space", OK, seen, "")
	}
}

func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return err
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}

// fewFiles is how many open files are too few for a few hundred people.
const fewFiles = 4096

// files looks at the limit of open files: each socket is one.
func (e *examiner) files(context.Context) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	// Go raises the soft limit to the hard one.
	seen := fmt.Sprintf("%d, so about %d people can be connected to one process", limit.Max, max(0, int64(min(limit.Max, 1<<40))-200))
	if limit.Max < fewFiles {
		e.add("open files", Warning, seen, "raise the limit: ulimit -Hn, LimitNOFILE= in systemd, ulimits in Compose")
		return
	}
	e.add("open files", OK, seen, "")
}

// listeners looks whether our ports are free, or ours.
func (e *examiner) listeners(ctx context.Context) {
	running := e.running(ctx)
	for key, address := range map[string]string{"CHAT_LISTEN": e.Config.Listen, "CHAT_ADMIN_LISTEN": e.Config.AdminListen} {
		if address == "" {
			continue
		}
		l, err := net.Listen("tcp", address) //nolint:noctx // closed at once
		switch {
		case err == nil:
			_ = l.Close()
			if !running {
				e.add(key, OK, address+" is free: ChatApp is not running here", "")
			}
		case !running:
			e.add(key, Failed, address+" cannot be listened on: "+err.Error(), "stop the other program, or choose another address with "+key)
		}
	}
}

// running asks the ChatApp on this machine whether it is ready, if there is one.
func (e *examiner) running(ctx context.Context) bool {
	if e.Config.AdminListen == "" {
		return false
	}
	host, port, err := net.SplitHostPort(e.Config.AdminListen)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	res, err := do(ctx, http.DefaultClient, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return false
	}
	if res.status != http.StatusOK {
		e.add("running ChatApp", Failed, "it is not ready: "+res.body, "its log says more; the other findings may say why")
	} else {
		e.add("running ChatApp", OK, "ready", "")
	}
	return true
}
