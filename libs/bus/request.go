package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"chatapp/libs/errs"
	"chatapp/libs/trace"
)

// Requests that name no deadline wait this long; replies are computed by at
// most so many goroutines per Serve.
const (
	requestTimeout = 5 * time.Second
	serveParallel  = 128
)

// remote is how an *errs.Error travels; the cause stays in the log of the
// process that had it.
type remote struct {
	Slug         errs.Slug    `json:"slug"`
	Detail       string       `json:"detail"`
	Fields       []errs.Field `json:"fields,omitempty"`
	RetryAfterMS int64        `json:"retry_after_ms,omitempty"`
}

// Request asks whoever serves subject: req goes as JSON, the answer is read
// into resp (nil to ignore it). An *errs.Error of the other side comes back as
// one with the same slug and words; nobody there, or no answer in time (ctx, at
// most five seconds), is unavailable, and so is a refusal by NATS, at once.
func (b *Bus) Request(ctx context.Context, subject string, req, resp any) error {
	began := time.Now()
	err := b.request(ctx, subject, req, resp)
	b.metrics.observe(subject, began, err)
	return err
}

func (b *Bus) request(ctx context.Context, subject string, req, resp any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("request %s: %w", subject, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ctx, done := b.untilRefused(ctx, operation{publishing, subject})
	defer done()
	if !b.nc.IsConnected() {
		return unavailable(nats.ErrDisconnected)
	}
	msg := &nats.Msg{Subject: subject, Data: body, Header: nats.Header{}}
	if parent := trace.Traceparent(ctx); parent != "" {
		msg.Header[trace.Header] = []string{parent}
	}
	if deadline, ok := ctx.Deadline(); ok {
		msg.Header[headerTimeout] = []string{strconv.FormatInt(time.Until(deadline).Milliseconds(), 10)}
	}
	reply, err := b.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		if err = refusedOr(ctx, err); errors.Is(err, context.Canceled) {
			return err
		}
		return unavailable(fmt.Errorf("request %s: %w", subject, err))
	}
	if slug := reply.Header.Get(headerError); slug != "" {
		return remoteError(slug, reply.Data)
	}
	if resp == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Data, resp); err != nil {
		return fmt.Errorf("answer to %s: %w", subject, err)
	}
	return nil
}

func remoteError(slug string, data []byte) error {
	var r remote
	if err := json.Unmarshal(data, &r); err != nil {
		r.Detail = "The other service gave no details."
	}
	return &errs.Error{
		Slug: errs.Slug(slug), Detail: r.Detail, Fields: r.Fields,
		RetryAfter: time.Duration(r.RetryAfterMS) * time.Millisecond,
	}
}

// Serve answers requests on subject until ctx ends, then finishes the ones it
// has and returns nil; that NATS refuses it, now or later, is an error.
// Processes with the same group share the work. handle
// runs concurrently; its answer goes back as JSON, its error as Request says
// (anything but an *errs.Error becomes internal and is logged here).
func (b *Bus) Serve(ctx context.Context, subject, group string, handle func(ctx context.Context, req []byte) (any, error)) error {
	ctx, done := b.untilRefused(ctx, operation{subscribing, subject})
	defer done()
	var running sync.WaitGroup
	slots := make(chan struct{}, serveParallel)
	base := context.WithoutCancel(ctx)
	sub, err := b.nc.QueueSubscribe(subject, group, func(msg *nats.Msg) {
		slots <- struct{}{}
		running.Add(1)
		go func() {
			defer func() { <-slots; running.Done() }()
			b.answer(base, msg, handle)
		}()
	})
	if err != nil {
		return unavailable(fmt.Errorf("serve %s: %w", subject, err))
	}
	<-ctx.Done()
	drained := sub.StatusChanged(nats.SubscriptionClosed)
	if err := sub.Drain(); err == nil {
		select {
		case <-drained:
		case <-time.After(requestTimeout):
		}
	}
	running.Wait()
	return refusedOr(ctx, nil)
}

func (b *Bus) answer(ctx context.Context, msg *nats.Msg, handle func(ctx context.Context, req []byte) (any, error)) {
	ctx = trace.WithTraceparent(ctx, msg.Header.Get(trace.Header))
	timeout := requestTimeout
	if ms, err := strconv.ParseInt(msg.Header.Get(headerTimeout), 10, 64); err == nil && ms > 0 {
		timeout = min(timeout, time.Duration(ms)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var result any
	err := protect(func() (err error) {
		result, err = handle(ctx, msg.Data)
		return err
	})
	reply := &nats.Msg{Subject: msg.Reply}
	if err == nil {
		reply.Data, err = json.Marshal(result)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = unavailable(err)
	}
	if err != nil {
		e := errs.Of(err)
		if e.Slug == errs.Internal {
			b.log.Error("a request over NATS failed", "subject", msg.Subject, "error", err)
		}
		reply.Header = nats.Header{headerError: {string(e.Slug)}}
		reply.Data, _ = json.Marshal(remote{Slug: e.Slug, Detail: e.Detail, Fields: e.Fields, RetryAfterMS: e.RetryAfter.Milliseconds()}) // plain strings and a number: cannot fail
	}
	if err := b.nc.PublishMsg(reply); err != nil && msg.Reply != "" {
		b.log.Warn("an answer over NATS was lost", "subject", msg.Subject, "error", err)
	}
}
