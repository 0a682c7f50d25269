package bus

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"

	"chatapp/libs/errs"
)

// NATS says that something is not allowed outside any call; the call itself
// only sees that no answer comes. What follows gives the refusal to the call.

var errNoPermission = errors.New("nats: no permission")

// operation is what NATS may refuse: a verb as in its refusals, and a subject.
type operation struct{ verb, subject string }

// The verbs of an operation.
const (
	publishing  = "publish"
	subscribing = "subscription"
)

func (o operation) refusal() error {
	return errs.Wrap(errs.Unavailable, "The message bus refused the message.", fmt.Errorf("%w: %s to %q", errNoPermission, o.verb, o.subject))
}

var refused = regexp.MustCompile(`(?i)(publish|subscription) to "([^"]+)"`)

// refuse fails what is in flight of the operation that err names.
func (b *Bus) refuse(err error) {
	match := refused.FindStringSubmatch(err.Error())
	if match == nil {
		return
	}
	op := operation{strings.ToLower(match[1]), match[2]}
	b.mu.Lock()
	var failed []*nats.Msg
	for msg := range b.waiting {
		if op.verb == publishing && msg.Subject == op.subject {
			failed = append(failed, msg)
		}
	}
	for o, end := range b.watched {
		if *o == op {
			end(op.refusal())
		}
	}
	b.mu.Unlock()
	for _, msg := range failed {
		b.settle(msg, op.refusal())
	}
}

// untilRefused is ctx, which also ends when NATS refuses op; see refusedOr.
func (b *Bus) untilRefused(ctx context.Context, op operation) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	b.mu.Lock()
	b.watched[&op] = end
	b.mu.Unlock()
	return ctx, func() {
		b.mu.Lock()
		delete(b.watched, &op)
		b.mu.Unlock()
		end(nil)
	}
}

// refusedOr is the refusal that ended ctx, or err when it was something else.
func refusedOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errNoPermission) {
		return cause
	}
	return err
}
