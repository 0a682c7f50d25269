package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Stream reads the SSE stream after a cursor and hands every entry to take,
// until take returns false. The id and event lines must agree with the data.
func (c *Client) Stream(ctx context.Context, after string, take func(Entry) bool) error {
	return c.Follow(ctx, after, func(n Notice) bool { return n.What != Arrived || take(*n.Entry) })
}

// Follow reads the SSE stream after a cursor and tells of its welcome, of every
// entry and of a resync, until take returns false. Entries are told as they
// come: all are Fresh.
func (c *Client) Follow(ctx context.Context, after string, take func(Notice) bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Site().Notify+"/api/v1/events/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Session().AccessToken)
	req.Header.Set("Last-Event-ID", after)
	streaming := *c.http
	streaming.Timeout = 0
	res, err := streaming.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return fmt.Errorf("SSE answered %s %s", res.Status, res.Header.Get("Content-Type"))
	}
	field := map[string]string{}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			field[name] = strings.TrimPrefix(value, " ")
			continue
		}
		n, ok, err := notice(field, after)
		if err != nil {
			return err
		}
		if ok && !take(n) {
			return nil
		}
		field = map[string]string{}
	}
	return lines.Err()
}

// notice reads one server-sent event; ok is false for what tells nothing.
func notice(field map[string]string, after string) (n Notice, ok bool, err error) {
	data, id := field["data"], field["id"]
	switch {
	case data == "" && id != "":
		return Notice{What: Welcomed, Cursor: id, Resumed: after != ""}, true, nil
	case data == "" || field["event"] == "typing":
		return n, false, nil
	case field["event"] == "resync":
		return Notice{What: Resynced, Cursor: id}, true, nil
	}
	var e Entry
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return n, false, err
	}
	if id != e.Cursor || field["event"] != e.Type {
		return n, false, fmt.Errorf("id %q and event %q go with %s", id, field["event"], data)
	}
	return Notice{What: Arrived, Cursor: e.Cursor, Entry: &e, Fresh: true}, true, nil
}
