package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Setting describes one key for people.
type Setting struct {
	Key     string
	Value   string // effective; "(hidden)" for a secret that is set
	Default string
	Text    string
	Secret  bool // may also be given as KEY_FILE
}

// Describe lists every key with c's value, in the order of the struct. Secrets
// are hidden, also the password inside a URL.
func Describe(c Config) []Setting {
	v := reflect.ValueOf(c)
	t := v.Type()
	list := make([]Setting, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		s := Setting{
			Key:     f.Tag.Get("env"),
			Default: f.Tag.Get("envDefault"),
			Text:    f.Tag.Get("desc"),
			Secret:  f.Tag.Get("secret") == "true",
			Value:   show(v.Field(i).Interface()),
		}
		if s.Secret && s.Value != "" {
			s.Value = "(hidden)"
		}
		s.Value = hidePassword(s.Value)
		list = append(list, s)
	}
	return list
}

// Markdown is the table of all keys for the README.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	for _, s := range Describe(Config{}) {
		def := "-"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		text := s.Text
		if s.Secret {
			text += " Also as a file: `" + s.Key + "_FILE`."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Key, def, strings.ReplaceAll(text, "|", "\\|"))
	}
	return b.String()
}

func show(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v)
}

// hidePassword blanks the password of each URL in a comma-separated list. It
// works on text, because a URL too broken to parse still holds a password.
func hidePassword(s string) string {
	parts := strings.Split(s, ",")
	for i, p := range parts {
		scheme, rest, ok := strings.Cut(p, "://")
		at := strings.LastIndex(rest, "@")
		if !ok || at < 0 {
			continue
		}
		if user, _, has := strings.Cut(rest[:at], ":"); has {
			parts[i] = scheme + "://" + user + ":(hidden)" + rest[at:]
		}
	}
	return strings.Join(parts, ",")
}

// readSecrets replaces each KEY_FILE of a secret by KEY with the file's
// content (one trailing newline dropped), and refuses unknown keys.
func readSecrets(vars map[string]string) error {
	var keys []string
	var all error
	for _, s := range Describe(Config{}) {
		keys = append(keys, s.Key)
		if !s.Secret {
			continue
		}
		file := s.Key + "_FILE"
		keys = append(keys, file)
		path, ok := vars[file]
		if !ok || path == "" {
			continue
		}
		if vars[s.Key] != "" {
			all = errors.Join(all, fmt.Errorf("%s and %s are both set: keep one", s.Key, file))
			continue
		}
		b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", file, err))
			continue
		}
		vars[s.Key] = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	}
	unknown := make([]string, 0)
	for key := range vars {
		if !slices.Contains(keys, key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		all = errors.Join(all, fmt.Errorf("%s is not a setting of ChatApp; did you mean %s?", key, nearest(key, keys)))
	}
	return all
}

// nearest is the known key with the smallest edit distance to key.
func nearest(key string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(key, a) - distance(key, b) })
}

// distance counts the single-character edits between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// tidy rewrites the parser's error as one line per key, without the value.
func tidy(err error, vars map[string]string) error {
	agg, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var all error
	for _, e := range agg.Errors {
		pe, ok := errors.AsType[env.ParseError](e)
		if !ok {
			all = errors.Join(all, e)
			continue
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(pe.Name)
		key := f.Tag.Get("env")
		all = errors.Join(all, fmt.Errorf("%s=%q is not valid: want %s", key, vars[key], wants(f.Type)))
	}
	return all
}

func wants(t reflect.Type) string {
	switch t.String() {
	case "time.Duration":
		return "a duration such as 90s, 10m or 24h"
	case "slog.Level":
		return "debug, info, warn or error"
	case "int":
		return "a whole number"
	default:
		return "a " + t.String()
	}
}

// Text is one KEY=value line per setting, as `chatapp config` prints it.
func Text(c Config) string {
	var b strings.Builder
	for _, s := range Describe(c) {
		fmt.Fprintf(&b, "%s=%s\n", s.Key, s.Value)
	}
	return b.String()
}
