// Package load drives a running ChatApp over its public API as hard as asked,
// and measures what comes out: messages that were accepted (201) AND pushed to
// the sender's and the recipient's WebSocket, and how long that took.
//
// It shares the machine with what it measures, so the path of a message makes
// no garbage and decodes no JSON: requests are bytes made beforehand on raw
// HTTP/1.1 connections, and of a pushed frame only two fields are looked at.
//
//	people.go   accounts: signs people up, keeps them in a file
//	wire.go     a TCP connection; http.go and socket.go: what is spoken on it
//	flow.go     one sender: its connection, its person, its partner
//	run.go      a run: closed loop (each sender waits until its message has
//	            arrived) or open loop (constant arrival rate)
//	poller_*.go all connections of a run on one thread
//	meter.go    histograms and counters; result.go: what they say at the end
//	process.go  CPU and memory of processes
//
// Every push that is missing, comes twice or comes out of order is counted and
// fails the run: a fast server that loses messages has no speed.
package load

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// Target is the installation under load.
type Target struct {
	base string // without a trailing slash
	host string // host:port
}

// NewTarget reads the base URL of an installation. Only plain http is spoken:
// with TLS the load would measure the driver's cryptography.
func NewTarget(base string) (Target, error) {
	u, err := url.Parse(base)
	if err != nil {
		return Target{}, fmt.Errorf("the URL: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" {
		return Target{}, errors.New("want a URL like http://localhost:8080 (plain http, without a gateway that speaks TLS)")
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "80")
	}
	return Target{base: "http://" + u.Host, host: host}, nil
}

// Plan is one run.
type Plan struct {
	Senders  int           `json:"senders"`             // at once
	Pairs    int           `json:"pairs"`               // of people; senders share them in turn
	Rate     float64       `json:"rate,omitempty"`      // messages a second; 0 = closed loop
	Size     int           `json:"size"`                // bytes of a message's text
	Warmup   time.Duration `json:"warmup_ns"`           // not measured
	Duration time.Duration `json:"duration_ns"`         // measured
	Patience time.Duration `json:"-"`                   // how long to wait for the last pushes
	Watch    []Process     `json:"processes,omitempty"` // whose CPU and memory to measure
}

func (p Plan) check() error {
	switch {
	case p.Senders < 1 || p.Senders > maxFlows:
		return fmt.Errorf("senders: want 1 to %d", maxFlows)
	case p.Pairs < 1:
		return errors.New("pairs: want at least 1")
	case p.Rate < 0:
		return errors.New("rate: want messages per second")
	case p.Size < 1 || p.Size > 8000:
		return errors.New("size: want 1 to 8000 bytes")
	case p.Duration <= 0 || p.Warmup < 0:
		return errors.New("duration: want more than 0")
	}
	return nil
}
