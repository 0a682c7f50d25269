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
		if data := field["data"]; data != "" && field["event"] != "resync" {
			var e Entry
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return err
			}
			if field["id"] != e.Cursor || field["event"] != e.Type {
				return fmt.Errorf("id %q and event %q go with %s", field["id"], field["event"], data)
			}
			if !take(e) {
				return nil
			}
		}
		field = map[string]string{}
	}
	return lines.Err()
}
