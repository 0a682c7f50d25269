// Command gen writes the filter of well-known passwords from a list of them, a
// JSON array of strings: gen PASSWORDS.json FILTER.
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

func main() {
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "breached/gen:", err)
		os.Exit(1)
	}
}

func generate(from, to string) error {
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
	return os.WriteFile(to, out.Bytes(), 0o644) //nolint:gosec // public
}
