// Command gen writes, from a list of well-known passwords by rank (a JSON array
// of strings), the filter of them and the first ones for the UI's meter:
// gen PASSWORDS.json FILTER TOP.json.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/FastFilter/xorfilter"

	"chatapp/services/auth/breached"
)

// shortest is the length below which the auth service refuses every password.
const shortest = 8

// forUI is how many go into the browser: they weigh 20 KB there.
const forUI = 5000

func main() {
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "breached/gen:", err)
		os.Exit(1)
	}
}

func generate(from, to, top string) error {
	data, err := os.ReadFile(from) //nolint:gosec // named by make gen
	if err != nil {
		return err
	}
	var words []string
	if err := json.Unmarshal(data, &words); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	var keys []uint64
	for _, w := range words {
		if len(w) >= shortest {
			keys = append(keys, breached.Key(w))
		}
	}
	slices.Sort(keys)
	filter, err := xorfilter.NewBinaryFuse[uint16](slices.Compact(keys))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := filter.Save(&out); err != nil {
		return err
	}
	if err := os.WriteFile(to, out.Bytes(), 0o644); err != nil { //nolint:gosec // public
		return err
	}
	first, err := json.Marshal(words[:min(forUI, len(words))])
	if err != nil {
		return err
	}
	return os.WriteFile(top, append(first, '\n'), 0o644) //nolint:gosec // public
}
