package httpx

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/errs"
)

// maxDepth is how deep a body's objects and arrays may nest.
const maxDepth = 16

// What makes a body's text no text. huma keeps only the message of a parse
// error, so these are recognised by it and become invalid-text.
var (
	errNotUTF8       = errors.New("the text is not valid UTF-8")
	errLoneSurrogate = errors.New("the text contains half of a surrogate pair")
)

// strictJSON is JSON as RFC 8259 and RFC 7493 (I-JSON) want it: valid UTF-8, no
// lone surrogates, no duplicate keys, bounded depth. encoding/json accepts all
// of these and silently changes the text, so two readers could disagree.
var strictJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		// huma parses every body twice, first into an any: check that once.
		if _, first := v.(*any); first {
			if err := strict(data); err != nil {
				return err
			}
		}
		return json.Unmarshal(data, v)
	},
}

func strict(data []byte) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	if loneSurrogate(data) {
		return errLoneSurrogate
	}
	return checkStructure(json.NewDecoder(bytes.NewReader(data)))
}

// checkStructure walks the tokens with one set of keys per open object.
func checkStructure(d *json.Decoder) error {
	type level struct {
		keys   map[string]bool // nil for an array
		expect bool            // the next string is a key
	}
	var open []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("not valid JSON")
		}
		top := len(open) - 1
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{', '[':
				if top >= 0 {
					open[top].expect = open[top].keys != nil
				}
				if len(open) == maxDepth {
					return fmt.Errorf("nested deeper than %d levels", maxDepth)
				}
				next := level{}
				if delim == '{' {
					next = level{keys: map[string]bool{}, expect: true}
				}
				open = append(open, next)
			default:
				open = open[:top]
			}
			continue
		}
		if top < 0 || open[top].keys == nil {
			continue
		}
		if !open[top].expect {
			open[top].expect = true
			continue
		}
		key, _ := token.(string)
		if open[top].keys[key] {
			return fmt.Errorf("the key %q appears twice", cut(key, 64))
		}
		open[top].keys[key], open[top].expect = true, false
	}
}

// loneSurrogate finds \uD800..\uDFFF escapes that are not a proper pair.
func loneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if i >= len(data) || data[i] != 'u' {
			continue
		}
		switch hi := hex4(data, i+1); {
		case hi >= 0xDC00 && hi <= 0xDFFF:
			return true
		case hi >= 0xD800 && hi <= 0xDBFF:
			if i+6 >= len(data) || data[i+5] != '\\' || data[i+6] != 'u' {
				return true
			}
			if lo := hex4(data, i+7); lo < 0xDC00 || lo > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

func hex4(data []byte, at int) int {
	if at+4 > len(data) {
		return -1
	}
	n := 0
	for _, b := range data[at : at+4] {
		switch {
		case b >= '0' && b <= '9':
			n = n<<4 | int(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			n = n<<4 | int(b|0x20-'a'+10)
		default:
			return -1
		}
	}
	return n
}

// EncodeCursor makes an opaque page cursor of v.
func EncodeCursor(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // cursors are structs of plain fields
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// DecodeCursor reads a cursor back into v; anything that EncodeCursor cannot
// have made of v's type is an invalid-cursor error. Cursors are not signed:
// every query they go into is limited to the caller's own data.
func DecodeCursor(s string, v any) error {
	invalid := func(cause error) error {
		return errs.Wrap(errs.InvalidCursor, "The cursor is not one that this list gave out.", cause)
	}
	if len(s) > 1024 {
		return invalid(errors.New("too long"))
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return invalid(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid(errors.New("more than one value"))
	}
	return nil
}
