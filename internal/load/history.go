package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

// HistoryResult is how fast pages of history are read.
type HistoryResult struct {
	Readers       int     `json:"readers"`
	Conversations int     `json:"conversations"`
	PerSecond     float64 `json:"pages_per_second"`
	Page          Latency `json:"page"`
	Driver        float64 `json:"driver_us_per_page"`
	Cost          []Cost  `json:"cost,omitempty"` // CPU per 1,000 pages
	Failed        int     `json:"failed"`         // answers other than 200
	First         string  `json:"first,omitempty"`
}

// History lets readers get the latest 15 messages of random conversations, one
// page after the other each. The conversations are those of people, who come
// in pairs; short ones are filled up to a page first.
func History(ctx context.Context, p *People, people []Person, readers int, plan Plan) (HistoryResult, error) {
	requests, err := pages(ctx, p, people)
	if err != nil {
		return HistoryResult{}, err
	}
	h := &history{requests: requests, meter: newMeter(plan.Warmup, plan.Warmup+plan.Duration), page: newHistogram()}
	h.result.Readers, h.result.Conversations = readers, len(requests)
	if h.poll, err = newPoller(); err != nil {
		return HistoryResult{}, err
	}
	defer h.close()
	for i := range readers {
		w, err := dial(ctx, p.Target, 16<<10, source(p.Target, i))
		if err != nil {
			return HistoryResult{}, err
		}
		h.readers = append(h.readers, &reader{wire: w})
		if err := w.detach(); err != nil {
			return HistoryResult{}, err
		}
		if err := h.poll.add(w.fd, i); err != nil {
			return HistoryResult{}, err
		}
	}
	h.start = time.Now()
	spent, cancel := watch(ctx, h.start, h.meter, plan.Watch)
	defer cancel()
	if err := h.loop(ctx); err != nil {
		return HistoryResult{}, err
	}
	used, err := spent()
	if err != nil {
		return HistoryResult{}, err
	}
	r := h.result
	r.Page, r.PerSecond = latency(h.page), float64(h.count)/plan.Duration.Seconds()
	r.Driver = float64(used.driver.Microseconds()) / float64(max(h.count, 1))
	r.Cost = used.costs(plan.Watch, h.count, plan.Duration)
	return r, nil
}

// pages makes the request of the latest page of everybody's conversation.
func pages(ctx context.Context, p *People, people []Person) ([][]byte, error) {
	requests := make([][]byte, len(people))
	nonce := rand.Uint32N(maxRun)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range len(people) / 2 {
		group.Go(func() error {
			a, b := people[2*i], people[2*i+1]
			var conversation struct {
				ID      string `json:"id"`
				LastSeq int    `json:"last_seq"`
			}
			if err := p.call(ctx, http.MethodPost, "/api/v1/conversations", a.Token, map[string]string{"user_id": b.ID}, &conversation); err != nil {
				return err
			}
			if missing := 15 - conversation.LastSeq; missing > 0 {
				if err := writeOne(ctx, p.Target, nonce, 2*i, a, b, missing); err != nil {
					return err
				}
			}
			for k, who := range []Person{a, b} {
				requests[2*i+k] = fmt.Appendf(nil, "GET /api/v1/conversations/%s/messages?limit=15 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
					conversation.ID, p.Target.host, who.Token)
			}
			return nil
		})
	}
	return requests, group.Wait()
}

type reader struct {
	*wire
	sentAt time.Duration
}

// history is a running measurement.
type history struct {
	requests [][]byte
	readers  []*reader
	poll     *poller
	start    time.Time
	meter    *meter // only its window
	page     *hdrhistogram.Histogram
	count    int64
	result   HistoryResult
}

func (h *history) close() {
	for _, r := range h.readers {
		r.close()
	}
	h.poll.close()
}

func (h *history) ask(r *reader) error {
	r.sentAt = time.Since(h.start)
	return r.write(h.requests[rand.IntN(len(h.requests))])
}

func (h *history) loop(ctx context.Context) error {
	for _, r := range h.readers {
		if err := h.ask(r); err != nil {
			return err
		}
	}
	for time.Since(h.start) < h.meter.until {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tokens, err := h.poll.wait(pause)
		if err != nil {
			return err
		}
		for _, i := range tokens {
			if err := h.take(h.readers[i]); err != nil {
				return fmt.Errorf("a reader: %w", err)
			}
		}
	}
	return nil
}

func (h *history) take(r *reader) error {
	if err := r.fill(); err != nil {
		return err
	}
	a, n, err := parseAnswer(r.unread())
	if n == 0 || err != nil {
		return err
	}
	r.wire.take(n)
	now := time.Since(h.start)
	if a.status != http.StatusOK {
		if h.result.Failed++; h.result.First == "" {
			h.result.First = fmt.Sprintf("answered %d %.300s", a.status, a.body)
		}
	}
	if r.sentAt >= h.meter.from && now < h.meter.until {
		h.count++
		put(h.page, now-r.sentAt)
	}
	return h.ask(r)
}
