package messages

import (
	"encoding/json"
	"testing"
)

// The document is made without a database or a bus, and names every route.
func TestOpenAPI(t *testing.T) {
	data, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, operations := range doc.Paths {
		n += len(operations)
	}
	if n != 25 {
		t.Errorf("%d operations described, want 25", n)
	}
}
