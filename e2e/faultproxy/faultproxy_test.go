package faultproxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo answers every line with itself; it returns its address.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// dial opens a connection through a fresh link to an echo.
func dial(t *testing.T) (*Link, net.Conn, *bufio.Reader) {
	t.Helper()
	link := New()
	t.Cleanup(link.Close)
	address, err := link.Forward(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return link, c, bufio.NewReader(c)
}

func say(t *testing.T, c net.Conn, r *bufio.Reader, word string) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := c.Write([]byte(word + "\n")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if got, err := r.ReadString('\n'); err != nil || got != word+"\n" {
		t.Fatalf("said %q, heard %q, %v", word, got, err)
	}
	return time.Since(began)
}

func TestLatency(t *testing.T) {
	link, c, r := dial(t)
	say(t, c, r, "plain")
	link.Set(Faults{Latency: 50 * time.Millisecond, Jitter: 10 * time.Millisecond})
	if took := say(t, c, r, "slow"); took < 100*time.Millisecond {
		t.Errorf("there and back took %v, want at least twice the latency", took)
	}
	link.Set(Faults{})
	say(t, c, r, "plain again")
}

// Silence in either direction keeps the answer back; its end brings everything.
func TestSilence(t *testing.T) {
	for name, f := range map[string]Faults{"up": {SilentUp: true}, "down": {SilentDown: true}} {
		t.Run(name, func(t *testing.T) {
			link, c, r := dial(t)
			say(t, c, r, "before")
			link.Set(f)
			if _, err := c.Write([]byte("held\n")); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if got, err := r.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("in the silence came %q, %v", got, err)
			}
			link.Set(Faults{})
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if got, err := r.ReadString('\n'); err != nil || got != "held\n" {
				t.Fatalf("after the silence came %q, %v", got, err)
			}
		})
	}
}

// A silent link does not pass the end of a connection on, but knows it.
func TestHalfOpen(t *testing.T) {
	link, c, r := dial(t)
	say(t, c, r, "hi")
	conn := link.Conns()[0]
	link.Set(Faults{SilentUp: true, SilentDown: true})
	_ = c.Close()
	<-conn.ClientGone()
	select {
	case <-conn.TargetGone():
		t.Fatal("the target learned of the end through a silent link")
	case <-time.After(50 * time.Millisecond): // nothing to wait for: it must not happen
	}
	link.Set(Faults{})
	<-conn.TargetGone()
}

func TestCutAndRefuse(t *testing.T) {
	link, c, r := dial(t)
	say(t, c, r, "hi")
	address := c.RemoteAddr().String()
	if n := link.Cut(); n != 1 {
		t.Errorf("cut %d connections, want 1", n)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := r.ReadString('\n'); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after a cut: %v, want a reset", err)
	}
	link.Set(Faults{Refuse: true})
	refused, err := net.Dial("tcp", address)
	if err == nil {
		_ = refused.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = refused.Read(make([]byte, 1))
		_ = refused.Close()
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a refused connection: %v, want a reset", err)
	}
}
