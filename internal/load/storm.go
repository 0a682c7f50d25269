package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// StormResult is how a crowd came back.
type StormResult struct {
	Devices int     `json:"devices"`
	Back    Latency `json:"cut_to_gap_free"` // from the first reconnect until a device has what it missed
	All     float64 `json:"all_back_seconds"`
	Retries int     `json:"retries"` // handshakes refused with 429 or 503 and tried again
	Missed  int     `json:"missed"`  // devices that did not get their message, or not in order
	Driver  float64 `json:"driver_cpu_seconds"`
	Cost    []Cost  `json:"cost,omitempty"` // CPU per 1,000 devices
	First   string  `json:"first,omitempty"`
}

// Storm connects everybody, cuts all connections at once, sends one message to
// each while they are away, and lets all come back at once from where they were.
// People come in pairs, who write to each other.
func Storm(ctx context.Context, t Target, people []Person, processes []Process, step func(done, of int)) (StormResult, error) {
	c, err := newCrowd(ctx, t, people, step)
	if err != nil {
		return StormResult{}, err
	}
	c.close()
	nonce := rand.Uint32N(maxRun)
	if err := c.writeToAll(ctx, nonce); err != nil {
		return StormResult{}, err
	}
	before, err := usagesOf(processes)
	if err != nil {
		return StormResult{}, err
	}
	cpu, start := ownCPU(), time.Now()
	r := c.comeBack(ctx, nonce, start)
	r.All, r.Driver = time.Since(start).Seconds(), (ownCPU() - cpu).Seconds()
	after, err := usagesOf(processes)
	if err != nil {
		return r, err
	}
	for i, p := range processes {
		used := (after[i].cpu - before[i].cpu).Seconds()
		r.Cost = append(r.Cost, Cost{Name: p.Name, CPU: used / float64(len(people)) * 1000, Cores: used / r.All, RSS: after[i].rss})
	}
	return r, ctx.Err()
}

// writeToAll lets everybody write one message to the other of the pair.
func (c *crowd) writeToAll(ctx context.Context, nonce uint32) error {
	const writers = 32
	group, ctx := errgroup.WithContext(ctx)
	for w := range writers {
		group.Go(func() error {
			for i := w; i < len(c.people) && ctx.Err() == nil; i += writers {
				if err := writeOne(ctx, c.target, nonce, i, c.people[i], c.people[i^1], 1); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// writeOne posts messages 1 to count on a connection of its own.
func writeOne(ctx context.Context, t Target, nonce uint32, index int, from, to Person, count int) error {
	f, err := newFlow(ctx, t, index, index, from, to, 64)
	if err != nil {
		return err
	}
	defer f.close()
	for n := range count {
		if err := f.post(nonce, uint64(n+1), 0); err != nil {
			return err
		}
		a, err := f.wait()
		if err != nil {
			return err
		}
		if a.status != http.StatusCreated {
			return fmt.Errorf("POST: %w", statusError{status: a.status, text: fmt.Sprintf("%.300s", a.body)})
		}
	}
	return nil
}

// wait reads the next answer of a wire that blocks.
func (w *wire) wait() (answer, error) {
	for {
		a, n, err := parseAnswer(w.unread())
		if n > 0 || err != nil {
			w.take(n)
			return a, err
		}
		if err := w.fill(); err != nil {
			return answer{}, err
		}
	}
}

// comeBack reconnects everybody. Each device keeps trying for a minute.
func (c *crowd) comeBack(ctx context.Context, nonce uint32, start time.Time) StormResult {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r := StormResult{Devices: len(c.people)}
	var mu sync.Mutex
	h := newHistogram()
	var group errgroup.Group
	group.SetLimit(atOnceDialing)
	for i := range c.people {
		group.Go(func() error {
			s, retries, err := c.reconnect(ctx, i, nonce)
			mu.Lock()
			defer mu.Unlock()
			r.Retries += retries
			c.sockets[i] = s
			if err != nil {
				if r.Missed++; r.First == "" {
					r.First = err.Error()
				}
				return nil
			}
			put(h, time.Since(start))
			return nil
		})
	}
	_ = group.Wait() // each device's error is counted
	r.Back = latency(h)
	c.close()
	return r
}

// reconnect resumes one device and waits for the message it missed.
func (c *crowd) reconnect(ctx context.Context, i int, nonce uint32) (s *socket, retries int, err error) {
	cursor := c.sockets[i].cursor
	for {
		s, err = dialSocket(ctx, c.target, c.people[i].Token, cursor, 2048, source(c.target, i))
		refused := statusError{}
		if !errors.As(err, &refused) || refused.status != http.StatusTooManyRequests && refused.status != http.StatusServiceUnavailable {
			break
		}
		retries++
		select {
		case <-time.After(100 * time.Millisecond): // the back-off of a client
		case <-ctx.Done():
			return nil, retries, err
		}
	}
	if err != nil {
		return nil, retries, err
	}
	if s.cursor != cursor {
		return s, retries, fmt.Errorf("resumed from %s, welcomed at %s", cursor, s.cursor)
	}
	deadline, _ := ctx.Deadline()
	if err := s.conn.SetDeadline(deadline); err != nil {
		return s, retries, err
	}
	for {
		frame, err := s.next()
		if err != nil {
			return s, retries, fmt.Errorf("what was missed did not come: %w", err)
		}
		seq, ok := eventSeq(frame)
		if !ok {
			return s, retries, fmt.Errorf("pushed %.200s", frame)
		}
		s.log.see(seq)
		if len(s.log.holes)+s.log.disorders+s.log.duplicated > 0 {
			return s, retries, fmt.Errorf("event %d came out of order after cursor %s", seq, cursor)
		}
		at := bytes.Index(frame, clientKey)
		if at < 0 {
			continue
		}
		if flow, _, ok := readID(frame[at+len(clientKey):], nonce); ok && flow == i^1 {
			return s, retries, nil
		}
	}
}
