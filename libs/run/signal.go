package run

import (
	"context"
	"time"
)

// sameSignal is how soon a second signal is still the first one: make, timeout
// and terminals deliver some twice.
const sameSignal = time.Second

// EndOnSecondSignal restores the signals' usual effect, which is to end the
// process at once, a second after ctx (from signal.NotifyContext, like stop)
// was cancelled by the first one.
func EndOnSecondSignal(ctx context.Context, stop context.CancelFunc) {
	context.AfterFunc(ctx, func() { time.AfterFunc(sameSignal, stop) })
}
