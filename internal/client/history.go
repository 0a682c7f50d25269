package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// CheckHistory reads a whole conversation as c sees it and returns everything
// that is wrong with it: seq must be 1..n without a gap, and the messages must
// be exactly the wanted ones (by id), byte for byte.
func (c *Client) CheckHistory(ctx context.Context, conversation string, want map[string]Message) error {
	history, err := c.History(ctx, conversation, 100)
	if err != nil {
		return err
	}
	var wrong []string
	missing := maps.Clone(want)
	for i, m := range history {
		if m.Seq != uint64(i+1) {
			wrong = append(wrong, fmt.Sprintf("position %d holds seq %d", i+1, m.Seq))
		}
		w, ok := missing[m.ID]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("phantom or duplicate %+v", m))
		case w.Seq != m.Seq, w.Body != m.Body, w.SenderID != m.SenderID, w.ClientID != m.ClientID, w.ConversationID != m.ConversationID, !w.CreatedAt.Equal(m.CreatedAt):
			wrong = append(wrong, fmt.Sprintf("answered %+v, reads %+v", w, m))
		}
		delete(missing, m.ID)
	}
	for _, m := range missing {
		wrong = append(wrong, fmt.Sprintf("lost %+v", m))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d things wrong with the history of %d messages: %s", len(wrong), len(history), strings.Join(wrong[:min(len(wrong), 5)], "; "))
	}
	return nil
}

// CheckLog reads the caller's whole event log from its start and compares it
// with what a device that was there from the start has seen.
func (c *Client) CheckLog(ctx context.Context, seen View) error {
	log, cursor, err := c.Events(ctx, "")
	if err != nil {
		return err
	}
	for i, e := range log {
		if e.Seq != uint64(i+1) {
			return fmt.Errorf("log position %d holds event %d", i+1, e.Seq)
		}
	}
	if len(log) == 0 {
		return errors.New("the log is empty")
	}
	if last := log[len(log)-1].Cursor; cursor != last {
		return fmt.Errorf("the log ends at %s but says cursor %s", last, cursor)
	}
	if len(seen.Entries) != len(log) {
		return fmt.Errorf("the log has %d entries, the device saw %d", len(log), len(seen.Entries))
	}
	for i, e := range seen.Entries {
		var pushed, logged any
		if err := errors.Join(json.Unmarshal(e.Data, &pushed), json.Unmarshal(log[i].Data, &logged)); err != nil {
			return err
		}
		if e.Cursor != log[i].Cursor || e.Type != log[i].Type || !e.Time.Equal(log[i].Time) || !reflect.DeepEqual(pushed, logged) {
			return fmt.Errorf("pushed %s %s %s, logged %s %s %s", e.Cursor, e.Type, e.Data, log[i].Cursor, log[i].Type, log[i].Data)
		}
	}
	return nil
}
