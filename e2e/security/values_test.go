package security

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// hostile are texts that broke programs before.
var hostile = []string{
	"", " ", "0", "-1", "1e400", "null", "true", "[]", "{}", "'; DROP TABLE accounts; --", `" OR 1=1 --`, "%00", "%", "_", "\\", "../../etc/passwd",
	"<script>alert(1)</script>", "javascript:alert(1)", "${jndi:ldap://example.org/a}", "{{7*7}}", "\r\nSet-Cookie: a=b", "\u202eevil", "a\u0301\u0301\u0301\u0301",
	"\x00", "\ufeff", "\uffff", "ﷺ", "👩‍👩‍👧‍👦", "İı", "ß", "9223372036854775807", "9223372036854775808", "18446744073709551616",
	"2026-02-30T25:61:61Z", "00000000-0000-0000-0000-000000000000", "e30", "0123456789abcdef-0", "0123456789abcdef-18446744073709551615",
}

// text makes a value of a parameter: one that means something, one that fits,
// or a hostile one.
func (m *monkey) text(schema map[string]any) string {
	switch m.random.IntN(4) {
	case 0:
		return pick(m, hostile)
	case 1, 2:
		return pick(m, m.known)
	}
	return fmt.Sprint(m.value(schema, 0))
}

// value makes a value for a schema, most of the time one that fits.
func (m *monkey) value(schema map[string]any, depth int) any {
	if m.random.IntN(12) == 0 || depth > 6 {
		return m.misfit()
	}
	if ref, ok := schema["$ref"].(string); ok {
		named, _ := m.components[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
		return m.value(named, depth+1)
	}
	if list, ok := schema["enum"].([]any); ok && m.random.IntN(8) > 0 {
		return pick(m, list)
	}
	switch kind(schema) {
	case "object":
		return m.object(schema, depth)
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := make([]any, m.random.IntN(4))
		for i := range list {
			list[i] = m.value(items, depth+1)
		}
		return list
	case "integer", "number":
		return pick(m, []any{0, 1, -1, 15, 100, 101, math.MaxInt64, uint64(math.MaxUint64), 1.5})
	case "boolean":
		return m.random.IntN(2) == 0
	}
	if m.random.IntN(3) == 0 {
		return pick(m, hostile)
	}
	return pick(m, m.known)
}

func (m *monkey) object(schema map[string]any, depth int) map[string]any {
	made := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if name == "$schema" || m.random.IntN(8) == 0 {
			continue
		}
		of, _ := properties[name].(map[string]any)
		made[name] = m.value(of, depth+1)
	}
	if m.random.IntN(10) == 0 {
		made[pick(m, []string{"role", "id", "seq", "sender_id", "__proto__", "A"})] = m.misfit()
	}
	return made
}

// misfit is a value of any kind.
func (m *monkey) misfit() any {
	deep := any(1)
	for range 20 {
		deep = []any{deep}
	}
	return pick(m, []any{nil, true, 0, -1, 1e308, "", pick(m, hostile), strings.Repeat("x", m.random.IntN(20000)), []any{}, map[string]any{}, deep})
}

// kind is the type a schema wants; of several the first that is not null.
func kind(schema map[string]any) string {
	switch of := schema["type"].(type) {
	case string:
		return of
	case []any:
		for _, one := range of {
			if one != "null" {
				return fmt.Sprint(one)
			}
		}
	}
	return "string"
}

func pick[T any](m *monkey, list []T) T { return list[m.random.IntN(len(list))] }

// headerText leaves out what no HTTP client sends in a header.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

func sortOperations(list []operation) {
	slices.SortFunc(list, func(a, b operation) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
}
