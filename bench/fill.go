package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// copied are the tables of messages that grow together. They are copied with
// new ids, the same for the same old id, so that the copies fit each other: as
// if other people had written as much in other conversations.
var copied = []string{"conversations", "members", "messages", "user_events", "user_clocks", "people"}

// fill makes the messages table hold at least rows rows, by doubling what a
// first short run has written, and returns how many there are.
func (s *system) fill(ctx context.Context, o options, rows int) (int, error) {
	if s.db == nil {
		return 0, errors.New("-rows needs MariaDB")
	}
	seed := &record{}
	if err := seed.step(ctx, s, o, []string{"--senders", "64", "--duration", "3s", "--warmup", "0s"}); err != nil {
		return 0, err
	}
	for round := 0; ; round++ {
		count, err := s.count(ctx)
		if err != nil || count >= rows {
			return count, err
		}
		if count == 0 {
			return 0, errors.New("nothing to double")
		}
		fmt.Printf("%d rows; doubling\n", count)
		for _, table := range copied {
			statement, err := s.copyStatement(ctx, table, filepath.Base(s.work)+strconv.Itoa(round), rows-count)
			if err == nil && statement != "" {
				// Copies may be partial at the end, and ids are checked by the real thing only.
				err = s.db.SQL(ctx, "SET SESSION unique_checks=0, foreign_key_checks=0; "+statement)
			}
			if err != nil {
				return count, err
			}
		}
	}
}

func (s *system) count(ctx context.Context) (int, error) {
	text, err := s.db.Query(ctx, "SELECT COUNT(*) FROM chat_messages.messages")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// copyStatement copies a table into itself. Columns that hold one id or a pair
// of ids get a hash of the old value and salt, all others stay. The schema is
// asked, so that it may change; a table that is not there is left out.
func (s *system) copyStatement(ctx context.Context, table, salt string, most int) (string, error) {
	text, err := s.db.Query(ctx, fmt.Sprintf("SELECT column_name, column_type FROM information_schema.columns WHERE table_schema='chat_messages' AND table_name='%s' AND generation_expression IS NULL ORDER BY ordinal_position", table))
	if err != nil || text == "" {
		return "", err
	}
	var names, values []string
	for line := range strings.Lines(text) {
		name, kind, _ := strings.Cut(strings.TrimSpace(line), "\t")
		value := "`" + name + "`"
		switch kind {
		case "binary(16)":
			value = fmt.Sprintf("UNHEX(MD5(CONCAT(%s,'%s')))", value, salt)
		case "binary(32)":
			value = fmt.Sprintf("UNHEX(SHA2(CONCAT(%s,'%s'),256))", value, salt)
		}
		names, values = append(names, "`"+name+"`"), append(values, value)
	}
	limit := ""
	if table == "messages" || table == "user_events" {
		limit = fmt.Sprintf(" LIMIT %d", 2*most)
	}
	return fmt.Sprintf("INSERT INTO chat_messages.%s (%s) SELECT %s FROM chat_messages.%[1]s%[4]s;", table, strings.Join(names, ","), strings.Join(values, ","), limit), nil
}
