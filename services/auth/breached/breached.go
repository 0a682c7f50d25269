// Package breached knows the passwords that attackers try first: those of
// published breaches, by how often they were used. It holds a filter and not
// the list: a good password is taken for one of them once in 65,000 times.
package breached

import (
	"bytes"
	_ "embed" // the filter
	"strings"
	"sync"

	"github.com/FastFilter/xorfilter"
	"github.com/cespare/xxhash/v2"
)

//go:generate go run ./gen ../../../web/node_modules/@zxcvbn-ts/language-common/src/passwords.json list.fuse ../../../web/src/lib/common-passwords.json

//go:embed list.fuse
var list []byte

// filter is read when the first password is checked.
var filter = sync.OnceValue(func() *xorfilter.BinaryFuse[uint16] {
	f, err := xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(list))
	if err != nil {
		panic(err) // the file is part of the program: a test reads it
	}
	return f
})

// Contains reports whether a password is a well-known one, in any case. Ones
// shorter than eight characters are not in the list.
func Contains(password string) bool { return filter().Contains(Key(password)) }

// Key is what the filter knows of a password.
func Key(password string) uint64 { return xxhash.Sum64String(strings.ToLower(password)) }
