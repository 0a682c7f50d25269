package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Close is one end of a connection: the close code, or 0 when it broke.
type Close struct {
	Code   int
	Reason string
	At     time.Time
	Served string // base URL of the notify that served the connection
}

// Device is a connected device of one person: a WebSocket that comes back by
// itself and resumes from its cursor, and a record of everything that came in.
// It judges while it records: see Faults.
type Device struct {
	client *Client
	frames Options

	mu         sync.Mutex
	changed    chan struct{}
	conn       *websocket.Conn
	cursor     string
	elsewhere  string  // how the last frame was a welcome at another cursor
	entries    []Entry // append-only, as all slices here: views share them
	messages   []Message
	arrived    []time.Time
	duplicates int
	faults     []string
	closes     []Close
	welcomes   int
	resyncs    int
	typing     []Typing
	lastError  error

	stop context.CancelFunc
	done chan struct{}
}

// Typing is a typing frame.
type Typing struct {
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
}

// Options of a device.
type Options struct {
	Cursor  string // resume from here; "" = from now
	Payload string // "full" (default) or "id"
	Origin  string // Origin header; "" = the address connected to, as a browser sends it
	// Observe is told everything that happens to the device, in order, at once.
	// It must not call the device.
	Observe func(Notice)
}

// Connect starts a device and returns when it was welcomed; it stays connected
// until Close or ctx ends.
func (c *Client) Connect(ctx context.Context, o Options) (*Device, error) {
	if o.Payload == "" {
		o.Payload = "full"
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Device{client: c, frames: o, cursor: o.Cursor, changed: make(chan struct{}), stop: stop, done: make(chan struct{})}
	go d.run(run)
	if err := d.Wait(ctx, "a welcome", func(v View) bool { return v.Welcomes > 0 || v.Ended() }); err != nil {
		d.Close()
		return nil, err
	}
	if v := d.View(); v.Welcomes == 0 {
		d.Close()
		return nil, fmt.Errorf("not welcomed: %+v", v.Closes)
	}
	return d, nil
}

// Close ends the device.
func (d *Device) Close() {
	d.stop()
	d.mu.Lock()
	if d.conn != nil {
		_ = d.conn.Close()
	}
	d.mu.Unlock()
	<-d.done
}

// View is what a device has seen so far.
type View struct {
	Entries    []Entry     // in log order, each once
	Messages   []Message   // the messages among them
	Arrived    []time.Time // when Entries[i] came
	Duplicates int         // entries that came again
	Faults     []string    // holes and disorder: must be empty
	Closes     []Close
	Welcomes   int
	Resyncs    int
	Typing     []Typing
	Cursor     string
	LastError  error
}

// Bodies are the bodies of Messages.
func (v View) Bodies() []string {
	var all []string
	for _, m := range v.Messages {
		all = append(all, m.Body)
	}
	return all
}

// Ended says that the server ended the session: no reconnect follows.
func (v View) Ended() bool {
	return len(v.Closes) > 0 && v.Closes[len(v.Closes)-1].Code == 4401
}

// View returns what the device has seen; later arrivals do not change it.
func (d *Device) View() View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view()
}

func (d *Device) view() View {
	v := View{d.entries, d.messages, d.arrived, d.duplicates, d.faults, d.closes, d.welcomes, d.resyncs, d.typing, d.cursor, d.lastError}
	if d.elsewhere != "" {
		v.Faults = append(slices.Clip(v.Faults), d.elsewhere)
	}
	return v
}

// Wait blocks until what the device has seen satisfies ok. The error names
// what was waited for and what there was instead.
func (d *Device) Wait(ctx context.Context, what string, ok func(View) bool) error {
	for {
		d.mu.Lock()
		v, changed := d.view(), d.changed
		d.mu.Unlock()
		if ok(v) {
			return nil
		}
		select {
		case <-changed:
		case <-d.done:
			if ok(d.View()) {
				return nil
			}
			return fmt.Errorf("device ended before %s: closes %+v, last error %v", what, v.Closes, v.LastError)
		case <-ctx.Done():
			return fmt.Errorf("%s did not happen: %w; %d entries (last %s), %d welcomes, closes %+v, faults %v, last error %v",
				what, ctx.Err(), len(v.Entries), v.Cursor, v.Welcomes, v.Closes, v.Faults, v.LastError)
		}
	}
}

// WaitMessages waits for n messages.
func (d *Device) WaitMessages(ctx context.Context, n int) error {
	return d.Wait(ctx, strconv.Itoa(n)+" messages", func(v View) bool { return len(v.Messages) >= n })
}

// Send writes one text frame on the current connection.
func (d *Device) Send(frame string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return errors.New("not connected")
	}
	return d.conn.WriteMessage(websocket.TextMessage, []byte(frame))
}

// Drop cuts the connection without a close frame, as a dead network does; the
// device comes back by itself.
func (d *Device) Drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.NetConn().Close()
	}
}

// update changes the record and wakes the waiters.
func (d *Device) update(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *Device) run(ctx context.Context) {
	defer close(d.done)
	backoff := 20 * time.Millisecond
	for ctx.Err() == nil {
		site := d.client.Site()
		connected, end := d.session(ctx, site)
		if ctx.Err() != nil {
			return
		}
		if connected {
			backoff = 20 * time.Millisecond
			d.update(func() { d.closes = append(d.closes, end) })
		}
		if end.Code == 4401 {
			return
		}
		d.client.next(site)
		select {
		case <-ctx.Done():
		case <-time.After(max(backoff, hint(end.Reason))): // the back-off of a client
		}
		backoff = min(backoff*2, time.Second)
	}
}

// hint reads the reconnect delay a restarting server asks for.
func hint(reason string) time.Duration {
	ms, found := strings.CutPrefix(reason, "retry_after_ms=")
	if !found {
		return 0
	}
	n, _ := strconv.Atoi(ms)
	return time.Duration(n) * time.Millisecond
}

// session is one connection: dial, hello, read until it ends.
func (d *Device) session(ctx context.Context, site Site) (connected bool, end Close) {
	conn, res, err := DialRaw(ctx, site.Notify, d.client.Session().AccessToken, d.frames.Origin) //nolint:bodyclose // gorilla has read what there is
	if err != nil {
		d.update(func() { d.lastError = err })
		if res != nil && res.StatusCode == http.StatusUnauthorized {
			return true, Close{Code: 4401, Reason: "handshake answered 401", At: time.Now(), Served: site.Notify}
		}
		return false, Close{}
	}
	defer conn.Close()
	d.mu.Lock()
	d.conn = conn
	if ctx.Err() != nil {
		_ = conn.Close() // Close came while this was connecting, and found nothing to close
	}
	hello, _ := json.Marshal(map[string]string{"type": "hello", "cursor": d.cursor, "payload": d.frames.Payload})
	err = conn.WriteMessage(websocket.TextMessage, hello)
	d.mu.Unlock()
	for err == nil {
		var data []byte
		_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second)) // server pings every 25 s
		if _, data, err = conn.ReadMessage(); err == nil {
			d.update(func() { d.record(data) })
		}
	}
	d.mu.Lock()
	d.conn = nil
	d.tell(Notice{What: Broken, Cursor: d.cursor})
	d.mu.Unlock()
	end = Close{At: time.Now(), Served: site.Notify}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		end.Code, end.Reason = closed.Code, closed.Text
	}
	return true, end
}

// DialRaw opens a WebSocket the way a browser does: the token as a second
// offered protocol, an Origin. The response is set even on failure.
func DialRaw(ctx context.Context, base, token, origin string) (*websocket.Conn, *http.Response, error) {
	if origin == "" {
		origin = base
	}
	dialer := websocket.Dialer{Subprotocols: []string{"chat.v1", "bearer." + token}, HandshakeTimeout: 5 * time.Second}
	conn, res, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(base, "http")+"/api/v1/ws", http.Header{"Origin": {origin}})
	if err != nil {
		return nil, res, err
	}
	if got := conn.Subprotocol(); got != "chat.v1" {
		_ = conn.Close()
		return nil, res, fmt.Errorf("the server chose subprotocol %q", got)
	}
	return conn, res, nil
}

// record takes one frame in. The caller holds the lock.
func (d *Device) record(data []byte) {
	var frame struct {
		Type   string `json:"type"`
		Cursor string `json:"cursor"`
		Event  *Entry `json:"event"`
		Typing
	}
	if err := json.Unmarshal(data, &frame); err != nil {
		d.faults = append(d.faults, fmt.Sprintf("not JSON: %.100s", data))
		return
	}
	if d.elsewhere != "" && frame.Type != "resync" && frame.Type != "welcome" {
		d.faults = append(d.faults, d.elsewhere)
	}
	d.elsewhere = ""
	switch frame.Type {
	case "welcome":
		d.welcomes++
		d.tell(Notice{What: Welcomed, Cursor: frame.Cursor, Resumed: d.cursor != ""})
		if d.cursor != "" && frame.Cursor != d.cursor {
			// A resync comes next and moves it; were it to move now and the connection
			// to break, it would never know what it missed.
			d.elsewhere = fmt.Sprintf("resumed from %s but welcomed at %s", d.cursor, frame.Cursor)
			return
		}
		d.cursor = frame.Cursor
	case "resync":
		d.resyncs++
		d.cursor = frame.Cursor
		d.tell(Notice{What: Resynced, Cursor: d.cursor})
	case "typing":
		d.typing = append(d.typing, frame.Typing)
	case "event":
		d.event(frame.Event)
	}
}

// event judges one entry: it must be exactly the next one.
func (d *Device) event(e *Entry) {
	if e == nil {
		d.faults = append(d.faults, "event frame without event")
		return
	}
	epoch, after, err := ParseCursor(d.cursor)
	entryEpoch, seq, err2 := ParseCursor(e.Cursor)
	switch {
	case err != nil || err2 != nil || seq != e.Seq || epoch != entryEpoch:
		d.faults = append(d.faults, fmt.Sprintf("entry %s (seq %d) after cursor %q: %v %v", e.Cursor, e.Seq, d.cursor, err, err2))
		d.tell(Notice{What: Arrived, Cursor: d.cursor, Entry: e, Fresh: true})
		return
	case seq <= after:
		d.duplicates++
		d.tell(Notice{What: Arrived, Cursor: d.cursor, Entry: e})
		return
	case seq > after+1:
		d.faults = append(d.faults, fmt.Sprintf("hole: %s came after %s", e.Cursor, d.cursor))
	}
	d.cursor = e.Cursor
	d.entries = append(d.entries, *e)
	d.arrived = append(d.arrived, time.Now())
	d.tell(Notice{What: Arrived, Cursor: d.cursor, Entry: e, Fresh: true})
	if m, ok := e.Message(); ok {
		d.messages = append(d.messages, m)
	}
}

// Check returns everything that is wrong with what the device saw: holes,
// disorder, wire duplicates, unwanted resyncs, and messages that differ from
// the given ones in any way (each must be there exactly once, and no other).
func (v View) Check(want map[string]Message) error {
	var wrong []string
	wrong = append(wrong, v.Faults...)
	if v.Duplicates > 0 {
		wrong = append(wrong, fmt.Sprintf("%d entries came more than once", v.Duplicates))
	}
	if v.Resyncs > 0 {
		wrong = append(wrong, fmt.Sprintf("%d resyncs", v.Resyncs))
	}
	missing := maps.Clone(want)
	last := map[string]uint64{}
	for _, m := range v.Messages {
		w, ok := missing[m.ID]
		if !ok || w.Body != m.Body || w.Seq != m.Seq || w.SenderID != m.SenderID || w.ClientID != m.ClientID {
			wrong = append(wrong, fmt.Sprintf("unexpected or changed message %+v", m))
		}
		if m.Seq != last[m.ConversationID]+1 && last[m.ConversationID] != 0 {
			wrong = append(wrong, fmt.Sprintf("seq %d came after %d", m.Seq, last[m.ConversationID]))
		}
		last[m.ConversationID] = m.Seq
		delete(missing, m.ID)
	}
	if len(missing) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d messages never came", len(missing), len(want)))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong[:min(len(wrong), 8)], "; "))
	}
	return nil
}
