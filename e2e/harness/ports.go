package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

var (
	portsMu sync.Mutex
	ports   = map[int]bool{}
)

// FreePort returns a TCP port of the loopback interface that nobody listens on
// and that this program has not given out before. It lies below the ephemeral
// range, so that no outgoing connection takes it while a process is restarted.
func FreePort() int {
	portsMu.Lock()
	defer portsMu.Unlock()
	for {
		port := 11000 + rand.IntN(20000)
		if ports[port] {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		_ = l.Close()
		ports[port] = true
		return port
	}
}

// loopback is host:port of a port on the loopback interface.
func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
