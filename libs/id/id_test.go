package id

import (
	"encoding/json"
	"testing"
)

func TestRoundTrips(t *testing.T) {
	v := New()
	if got, err := Parse(v.String()); err != nil || got != v {
		t.Errorf("%v %v", got, err)
	}
	data, err := json.Marshal(map[string]ID{"id": v})
	if err != nil || string(data) != `{"id":"`+v.String()+`"}` {
		t.Errorf("%s %v", data, err)
	}
	raw, err := v.Value()
	if err != nil || len(raw.([]byte)) != 16 {
		t.Errorf("%v %v", raw, err)
	}
	var back ID
	if err := back.Scan(raw); err != nil || back != v {
		t.Errorf("%v %v", back, err)
	}
	if err := back.Scan(nil); err != nil || !back.IsZero() {
		t.Errorf("NULL: %v %v", back, err)
	}
}

func TestRefused(t *testing.T) {
	good := New().String()
	for _, bad := range []string{"", "1", good + "0", "{" + good[1:], "urn:uuid:" + good[9:], good[:35] + "g"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	var v ID
	for _, bad := range []any{7, []byte("short"), "short", 1.5} {
		if v.Scan(bad) == nil {
			t.Errorf("scanned %v", bad)
		}
	}
}

// New ids follow each other, so that rows land next to their neighbours.
func TestNewIsOrderedInTime(t *testing.T) {
	last := New()
	for range 1000 {
		next := New()
		if next.Compare(last) <= 0 {
			t.Fatalf("%v after %v", next, last)
		}
		last = next
	}
}
