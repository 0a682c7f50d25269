//go:build !linux

package load

import (
	"errors"
	"time"
)

// poller exists on Linux only; elsewhere there is no load.
type poller struct{}

const timerToken = -1

func newPoller() (*poller, error) { return nil, errors.New("the load driver needs Linux") }

func (*poller) add(int, int) error                { return nil }
func (*poller) tick(time.Duration) error          { return nil }
func (*poller) wait(time.Duration) ([]int, error) { return nil, nil }
func (*poller) close()                            {}
