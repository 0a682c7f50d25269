package client

// What says what a Notice is about.
type What int

// The things that happen to a device.
const (
	Welcomed What = iota // connected, at Cursor; Resumed: after asking to go on from its own cursor
	Resynced             // the server moved the device to Cursor
	Arrived              // Entry came; Fresh unless it had come before
	Broken               // the connection has ended
)

// Notice is one thing that happened to a device.
type Notice struct {
	What    What
	Cursor  string
	Resumed bool
	Entry   *Entry
	Fresh   bool
}

// tell informs the observer. The caller holds the lock.
func (d *Device) tell(n Notice) {
	if d.frames.Observe != nil {
		d.frames.Observe(n)
	}
}
