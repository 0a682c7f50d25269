package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// counters are what the parts count themselves, summed over replicas. Their
// growth during a step, divided by the messages written in it, is what a message
// costs in rows, bytes and events, on however busy a machine.
type counters map[string]float64

// Which counters of MariaDB are kept: rows, bytes on the network, bytes of the
// redo log.
const databaseStatus = `SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted','Innodb_rows_updated','Innodb_rows_deleted',
'Bytes_received','Bytes_sent','Innodb_os_log_written','Innodb_data_written')`

// databaseSizes gives the bytes of each table of messages with its indexes.
const databaseSizes = `SELECT CONCAT('disk_', table_name), SUM(data_length + index_length) FROM information_schema.tables
WHERE table_schema = 'chat_messages' AND table_name IN ('messages', 'user_events', 'members', 'user_clocks', 'outbox') GROUP BY table_name`

// counters reads all counters now.
func (s *system) counters(ctx context.Context) (counters, error) {
	c := counters{}
	for _, p := range s.apps {
		for _, v := range p.Env {
			if address, ok := strings.CutPrefix(v, "CHAT_ADMIN_LISTEN="); ok {
				if err := c.metrics(ctx, "http://"+address+"/metrics"); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, monitor := range s.monitors {
		if err := c.nats(ctx, monitor+"/varz"); err != nil {
			return nil, err
		}
	}
	if s.db == nil {
		return c, nil
	}
	for _, question := range []string{databaseStatus, databaseSizes} {
		text, err := s.db.Query(ctx, question)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
			if err := c.add("database_"+strings.ToLower(name), value); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (c counters) add(name, value string) error {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("counter %s: %w", name, err)
	}
	c[name] += n
	return nil
}

// metrics adds the sums of the commit histograms of one of our processes.
func (c counters) metrics(ctx context.Context, url string) error {
	return ask(ctx, url, func(body io.Reader) error {
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), " ")
			if strings.HasPrefix(name, "chat_messages_commit_") && (strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_count")) {
				if err := c.add(strings.TrimPrefix(name, "chat_"), value); err != nil {
					return err
				}
			}
		}
		return lines.Err()
	})
}

// nats adds what one broker has sent and received; what goes from broker to
// broker counts on both.
func (c counters) nats(ctx context.Context, url string) error {
	return ask(ctx, url, func(body io.Reader) error {
		var v map[string]any
		if err := json.NewDecoder(body).Decode(&v); err != nil {
			return err
		}
		for _, name := range []string{"in_msgs", "out_msgs", "in_bytes", "out_bytes"} {
			n, _ := v[name].(float64)
			c["nats_"+name] += n
		}
		return nil
	})
}

func ask(ctx context.Context, url string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return read(res.Body)
}

// since is how much each has grown.
func (c counters) since(before counters) counters {
	grown := counters{}
	for name, n := range c {
		if n != before[name] {
			grown[name] = n - before[name]
		}
	}
	return grown
}
