package load

import (
	"bytes"
	"strings"
	"testing"
)

// An answer must be recognised wherever the network cuts it.
func TestParseAnswer(t *testing.T) {
	for name, row := range map[string]struct {
		text   string
		status int
		body   string
	}{
		"length":  {"HTTP/1.1 201 Created\r\nX-A: b\r\ncontent-LENGTH: 5\r\n\r\nhello", 201, "hello"},
		"empty":   {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		"none":    {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		"upgrade": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 101, ""},
		"chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", 200, "5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"},
		"problem": {"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}", 429, "{}"},
	} {
		for cut := range len(row.text) {
			if a, n, err := parseAnswer([]byte(row.text[:cut])); n != 0 || err != nil {
				t.Fatalf("%s cut at %d: %+v %d %v", name, cut, a, n, err)
			}
		}
		a, n, err := parseAnswer([]byte(row.text + "HTTP/1.1"))
		if err != nil || n != len(row.text) || a.status != row.status || string(a.body) != row.body {
			t.Errorf("%s: %d %q, %d of %d bytes, %v", name, a.status, a.body, n, len(row.text), err)
		}
	}
	for name, text := range map[string]string{
		"other protocol": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"no length":      "HTTP/1.1 200 OK\r\n\r\n",
		"bad length":     "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"no field":       "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"bad chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	} {
		if _, n, err := parseAnswer([]byte(text)); err == nil {
			t.Errorf("%s was taken for an answer of %d bytes", name, n)
		}
	}
}

// serverFrame is a frame as a server sends it.
func serverFrame(op byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{0x80 | op, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{0x80 | op, 126, byte(n >> 8), byte(n)}, payload...)
	default:
		return append([]byte{0x80 | op, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	}
}

func TestParseFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 100_000} {
		want := strings.Repeat("x", size)
		data := serverFrame(opText, want)
		for _, cut := range []int{0, 1, 2, 3, 9, len(data) / 2, len(data) - 1} {
			if cut >= len(data) {
				continue
			}
			if _, _, n, err := parseFrame(data[:cut]); n != 0 || err != nil {
				t.Fatalf("%d bytes cut at %d: %d %v", size, cut, n, err)
			}
		}
		op, payload, n, err := parseFrame(append(data, 0x81))
		if op != opText || string(payload) != want || n != len(data) || err != nil {
			t.Errorf("%d bytes: kind %d, %d of %d, %v", size, op, n, len(data), err)
		}
	}
	for name, data := range map[string][]byte{
		"fragment":   {0x01, 0},
		"compressed": {0xc1, 0},
		"masked":     {0x81, 0x80},
		"endless":    {0x82, 127, 1, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, _, _, err := parseFrame(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestIDs(t *testing.T) {
	id := bytes.Repeat([]byte("?"), idLength)
	for _, row := range []struct {
		run  uint32
		flow int
		n    uint64
	}{{0, 0, 0}, {maxRun - 1, maxFlows - 1, maxN}, {0xabcdef1, 0x12345, 0x123456789a}} {
		putID(id, row.run, row.flow, row.n)
		flow, n, ok := readID(id, row.run)
		if !ok || flow != row.flow || n != row.n {
			t.Errorf("%s: %x %x %v, want %+v", id, flow, n, ok, row)
		}
		if _, _, ok := readID(id, row.run^1); ok {
			t.Errorf("%s was taken for one of another run", id)
		}
	}
	for _, foreign := range []string{"", "0193e0a0-0000-7000-8000-000000000000", strings.Repeat("x", idLength)} {
		if _, _, ok := readID([]byte(foreign), 0); ok {
			t.Errorf("%q was taken for ours", foreign)
		}
	}
}

func TestEventSeq(t *testing.T) {
	frame := []byte(`{"type":"event","event":{"cursor":"00000000000000aa-17","seq":17,"type":"message.created","data":{"seq":3}}}`)
	if seq, ok := eventSeq(frame); seq != 17 || !ok {
		t.Errorf("%d %v", seq, ok)
	}
	for _, other := range []string{`{"type":"typing","seq":1}`, `{"type":"event","event":{}}`, `{"type":"event","event":{"seq":"x"}}`} {
		if seq, ok := eventSeq([]byte(other)); ok {
			t.Errorf("%s: %d", other, seq)
		}
	}
}

func TestText(t *testing.T) {
	for _, size := range []int{1, 2, 63, 64, 1000, 8000} {
		if got := text(size); len(got) != size || strings.TrimSpace(got) != got {
			t.Errorf("%d: %d %q", size, len(got), got)
		}
	}
}

// The judge tells what is wrong with a log from what is right.
func TestJudge(t *testing.T) {
	for name, row := range map[string]struct {
		numbers                       []uint64
		holes, duplicated, disordered int
	}{
		"right":       {[]uint64{6, 7, 8}, 0, 0, 0},
		"hole":        {[]uint64{6, 8}, 1, 0, 0},
		"twice":       {[]uint64{6, 6, 7}, 0, 1, 0},
		"before":      {[]uint64{5, 6}, 0, 1, 0},
		"swapped":     {[]uint64{7, 6, 8}, 0, 0, 1},
		"late, twice": {[]uint64{7, 6, 6}, 0, 1, 1},
	} {
		j := judge{last: 5}
		for _, n := range row.numbers {
			j.see(n)
		}
		if len(j.holes) != row.holes || j.duplicated != row.duplicated || j.disorders != row.disordered {
			t.Errorf("%s: %+v", name, j)
		}
	}
}
