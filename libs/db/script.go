package db

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// script writes several statements as one text for MySQL. Values never need
// escaping: bytes and strings are written as hexadecimal digits, numbers and
// times as decimal ones, so no value can end a literal, whatever the server's
// mode.
type script struct {
	text []byte
	err  error // a value of a type that has no literal
}

// String is the text of all statements.
func (s *script) String() string { return string(s.text) }

// raw adds a statement without values.
func (s *script) raw(sql string) {
	if len(s.text) > 0 {
		s.text = append(s.text, ';')
	}
	s.text = append(s.text, sql...)
}

// statement adds sql with its placeholders replaced.
func (s *script) statement(sql string, args []any) {
	s.raw("")
	for _, arg := range args {
		before, after, ok := strings.Cut(sql, "?")
		if !ok {
			s.err = fmt.Errorf("db: more values than placeholders in %q", sql)
			return
		}
		s.text = append(s.text, before...)
		s.value(arg)
		sql = after
	}
	s.text = append(s.text, sql...)
}

// insert adds a multi-row INSERT.
func (s *script) insert(i Insert) {
	s.raw(i.head())
	for at, v := range i.Rows {
		switch {
		case at == 0:
			s.text = append(s.text, '(')
		case at%len(i.Columns) == 0:
			s.text = append(s.text, "),("...)
		default:
			s.text = append(s.text, ',')
		}
		s.value(v)
	}
	s.text = append(s.text, ')')
	if set := i.assign("%[1]s = VALUES(%[1]s)"); set != "" {
		s.text = append(append(s.text, " ON DUPLICATE KEY UPDATE "...), set...)
	}
}

func (s *script) value(v any) {
	switch v := v.(type) {
	case nil:
		s.text = append(s.text, "NULL"...)
	case uint8:
		s.text = strconv.AppendUint(s.text, uint64(v), 10)
	case uint64:
		s.text = strconv.AppendUint(s.text, v, 10)
	case int:
		s.text = strconv.AppendInt(s.text, int64(v), 10)
	case []byte:
		s.hex("x'", v)
	case string:
		s.hex("_utf8mb4 x'", []byte(v))
	case time.Time:
		s.text = v.UTC().AppendFormat(s.text, "'2006-01-02 15:04:05.000000'")
	case interface{ AppendHex([]byte) []byte }: // ids, without an allocation each
		s.text = append(v.AppendHex(append(s.text, "x'"...)), '\'')
	case driver.Valuer:
		plain, err := v.Value()
		if _, again := plain.(driver.Valuer); err != nil || again {
			s.err = fmt.Errorf("db: %T has no literal: %w", v, err)
			return
		}
		s.value(plain)
	default:
		s.err = fmt.Errorf("db: %T has no literal", v)
	}
}

func (s *script) hex(open string, v []byte) {
	s.text = append(hex.AppendEncode(append(s.text, open...), v), '\'')
}
