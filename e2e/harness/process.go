package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one real operating-system process that can be started, stopped,
// killed and started again with the same command line. Its output is appended
// to Log over all its lives.
type Process struct {
	Name string
	Path string
	Args []string
	Env  []string // complete environment, besides PATH and HOME
	Dir  string
	Log  string                      // file
	Up   func(context.Context) error // nil when the process is ready to serve; asked until it is

	group  string // control group its next life starts in, see Confine
	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// ready is how long a process may take from its start to being ready. Race
// builds on a busy machine are slow; a process that exits fails at once.
const ready = 60 * time.Second

// Start starts the process and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.WaitReady(ctx)
}

// Launch starts the process and does not wait.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	fmt.Fprintf(out, "=== %s starts %s\n", time.Now().UTC().Format(time.RFC3339Nano), p.Name)
	p.cmd = exec.Command(p.Path, p.Args...)
	if p.group != "" {
		into := []string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(p.group, "cgroup.procs"), p.Path}
		p.cmd = exec.Command("/bin/sh", append(into, p.Args...)...)
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.Dir, out, out
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GORACE=halt_on_error=0"}, p.Env...)
	// A process of its own group that dies with the tests, whatever kills them.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	exited, cmd := make(chan struct{}), p.cmd
	p.exited = exited
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(exited)
	}()
	return nil
}

// WaitReady asks Up until it answers nil. A process that exited is an error
// at once, with the end of its log.
func (p *Process) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.Up(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done():
			return fmt.Errorf("%s exited (%v) before it was ready (%w); log:\n%s", p.Name, p.exit(), err, p.Tail(2000))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; log:\n%s", p.Name, err, p.Tail(2000))
		case <-tick.C:
		}
	}
}

func (p *Process) done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// PID is the number of the running process.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

func (p *Process) exit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Running says whether the process has been started and has not ended.
func (p *Process) Running() bool {
	done := p.done()
	if done == nil {
		return false
	}
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// Kill ends the process with SIGKILL and waits for its end.
func (p *Process) Kill() {
	if p.Running() {
		_ = p.Signal(syscall.SIGKILL)
		<-p.done()
	}
}

// Stop ends the process with SIGTERM. It must exit with code 0 within the
// time ctx leaves; otherwise it is killed and that is the error.
func (p *Process) Stop(ctx context.Context) error {
	if !p.Running() {
		return fmt.Errorf("%s is not running (%v); log:\n%s", p.Name, p.exit(), p.Tail(2000))
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done():
		if err := p.exit(); err != nil {
			return fmt.Errorf("%s after SIGTERM: %w; log:\n%s", p.Name, err, p.Tail(2000))
		}
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s ignored SIGTERM: %w; log:\n%s", p.Name, ctx.Err(), p.Tail(2000))
	}
}

// Command runs the program with other arguments, in the environment of the
// process, to its end. What it says is part of the error.
func (p *Process) Command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, p.Path, args...)
	cmd.Dir, cmd.Env = p.Dir, p.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", p.Path, strings.Join(args, " "), err, out)
	}
	return nil
}

// Done is closed when the process, in its present life, has ended.
func (p *Process) Done() <-chan struct{} { return p.done() }

// Signal sends a signal to the process and its children.
func (p *Process) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return syscall.Kill(-p.cmd.Process.Pid, s)
}

// Tail returns the last n bytes of the log.
func (p *Process) Tail(n int64) string {
	f, err := os.Open(p.Log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > n {
		_, _ = f.Seek(-n, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

// httpUp makes an Up that wants status 200 from url.
func httpUp(url string) func(context.Context) error {
	c := &http.Client{Timeout: 2 * time.Second}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := c.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s %.300s", url, res.Status, body)
		}
		return nil
	}
}

// run runs a helper command to its end; its output is part of the error.
func run(ctx context.Context, dir, stdin, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	// The product must build without the workspace, as it ships.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
