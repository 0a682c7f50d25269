package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// bench runs `chatapp bench` against url for a second each and reads its JSON.
func bench(t testing.TB, url string, args ...string) (result, benchReport) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "r.json")
	r := runProgram(t, nil, "", append([]string{"bench", "--url", url, "--json", file, "--duration", "1s", "--warmup", "200ms"}, args...)...)
	var report benchReport
	if data, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(data, &report); err != nil {
			t.Fatal(err)
		}
	}
	return r, report
}

// A run against the real program counts what went through it, and the same
// accounts serve for all kinds of runs.
func TestBench(t *testing.T) {
	a := startApp(t, t.TempDir())
	accounts, chart := filepath.Join(t.TempDir(), "accounts"), filepath.Join(t.TempDir(), "c.svg")
	pid := "server=" + strconv.Itoa(a.cmd.Process.Pid)

	r, report := bench(t, a.url, "--senders", "1,4", "--pairs", "2", "--accounts", accounts, "--pid", pid, "--chart", chart)
	if r.code != 0 || len(report.Runs) != 2 || !strings.Contains(r.out, "msgs/s") {
		t.Fatalf("%+v", r)
	}
	for _, run := range report.Runs {
		got := run.PerSecond
		if got < 10 || !run.Failures.None() || run.Push.Count < 10 || run.Push.P50 <= 0 || run.Push.P50 > run.Push.P99 || run.Accept.Count < 10 || len(run.Cost) != 1 || run.Cost[0].RSS < 1<<20 {
			t.Errorf("%+v", run)
		}
	}
	if svg, err := os.ReadFile(chart); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("the chart: %v %.80s", err, svg)
	}

	r, report = bench(t, a.url, "--senders", "4", "--rate", "50", "--accounts", accounts)
	if r.code != 0 || len(report.Runs) != 1 || report.Runs[0].Push.Count != 50 {
		t.Fatalf("open loop at 50/s for 1 s: %+v", r)
	}
	r, report = bench(t, a.url, "--history-readers", "2", "--pairs", "2", "--accounts", accounts)
	if r.code != 0 || report.History == nil || report.History.Page.Count < 10 {
		t.Fatalf("%+v", r)
	}
	r, report = bench(t, a.url, "--storm", "4", "--accounts", accounts)
	if r.code != 0 || report.Storm == nil || report.Storm.Back.Count != 4 || report.Storm.Missed != 0 {
		t.Fatalf("%+v", r)
	}
	r, report = bench(t, a.url, "--idle", "4", "--accounts", accounts, "--pid", pid)
	if r.code != 0 || report.Idle == nil || report.Idle.Cost[0].After < 1<<20 {
		t.Fatalf("%+v", r)
	}
}

// One frame that is lost or comes twice between server and client must fail
// the run, however good the figures are.
func TestBenchSeesLossAndDuplicates(t *testing.T) {
	a := startApp(t, t.TempDir())
	for name, copies := range map[string]int{"lost": 0, "twice": 2} {
		r, report := bench(t, "http://"+meddler(t, strings.TrimPrefix(a.url, "http://"), copies), "--senders", "8", "--rate", "100")
		if r.code != exitViolation || len(report.Runs) != 1 {
			t.Fatalf("%s: %+v", name, r)
		}
		f := report.Runs[0].Failures
		if copies == 0 && f.Missing != 1 || copies == 2 && f.Duplicated != 1 || f.Missing+uint64(f.Duplicated) != 1 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestBenchThatCannotRun(t *testing.T) {
	for _, args := range [][]string{{"--url", "http://" + freeAddress(t)}, {"--url", "https://chat.example"}} {
		if r := runProgram(t, nil, "", append([]string{"bench", "--senders", "1"}, args...)...); r.code != exitCouldNot || !strings.HasPrefix(r.errors, "chatapp: ") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// meddler forwards connections to upstream and passes the tenth event frame it
// sees on as many times as told.
func meddler(t testing.TB, upstream string, copies int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var seen atomic.Int32
	go func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return // closed
			}
			up, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = down.Close()
				continue
			}
			go func() { _, _ = io.Copy(up, down); _ = up.Close() }()
			go func() { meddle(down, up, &seen, copies); _ = down.Close() }()
		}
	}()
	return l.Addr().String()
}

// meddle copies what the server says, frame by frame once it speaks WebSocket.
func meddle(down io.Writer, up io.Reader, seen *atomic.Int32, copies int) {
	first := make([]byte, 12)
	if _, err := io.ReadFull(up, first); err != nil {
		return
	}
	if _, err := down.Write(first); err != nil || !bytes.HasSuffix(first, []byte("101")) {
		_, _ = io.Copy(down, up)
		return
	}
	for tail := []byte(nil); !bytes.HasSuffix(tail, []byte("\r\n\r\n")); {
		var b [1]byte
		if _, err := io.ReadFull(up, b[:]); err != nil {
			return
		}
		tail = append(tail, b[0])
		_, _ = down.Write(b[:])
	}
	for {
		frame := make([]byte, 4)
		if _, err := io.ReadFull(up, frame[:2]); err != nil {
			return
		}
		frame, size := frame[:2], int(frame[1])
		if size == 126 {
			frame = frame[:4]
			if _, err := io.ReadFull(up, frame[2:]); err != nil {
				return
			}
			size = int(binary.BigEndian.Uint16(frame[2:]))
		}
		head := len(frame)
		frame = append(frame, make([]byte, size)...)
		if _, err := io.ReadFull(up, frame[head:]); err != nil {
			return
		}
		times := 1
		if bytes.HasPrefix(frame[head:], []byte(`{"type":"event"`)) && seen.Add(1) == 10 {
			times = copies
		}
		if _, err := down.Write(bytes.Repeat(frame, times)); err != nil {
			return
		}
	}
}
