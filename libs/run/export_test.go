package run

import "time"

// What tests, which testkit keeps outside this package, look at.
var NewClockWatch = newClockWatch

// SetNow gives the watch another clock.
func (w *clockWatch) SetNow(now func() time.Time) { w.now = now }

// Look is one look.
var Look = (*clockWatch).look
