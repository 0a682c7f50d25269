package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// source is one service's document.
type source struct {
	name        string
	description string
	openAPI     func() ([]byte, error)
}

// object is a JSON object whose shape is of no interest here.
type object = map[string]any

// merge makes one document of many: paths and components side by side. What
// two services define alike is there once (the problem body, the bearer
// scheme); what they define differently is an error, and so is an operation id
// used twice, for client generators name functions after it.
func merge(sources []source) ([]byte, error) {
	var tags []any
	m := merger{paths: object{}, components: object{}, operations: map[string]string{}}
	for _, s := range sources {
		raw, err := s.openAPI()
		if err != nil {
			return nil, fmt.Errorf("apidoc: %s: %w", s.name, err)
		}
		if err := m.add(s.name, raw); err != nil {
			return nil, fmt.Errorf("apidoc: %s: %w", s.name, err)
		}
		tags = append(tags, object{"name": s.name, "description": s.description})
	}
	description, err := markdown()
	if err != nil {
		return nil, err
	}
	return indent(object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "ChatApp API",
			"version":     "1.0.0",
			"description": description,
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":    []any{object{"url": "/"}},
		"tags":       tags,
		"paths":      m.paths,
		"components": m.components,
	})
}

type merger struct {
	paths      object
	components object
	operations map[string]string // operation id -> where
}

func (m *merger) add(service string, raw []byte) error {
	var doc struct {
		OpenAPI    string            `json:"openapi"`
		Paths      map[string]object `json:"paths"`
		Components map[string]object `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("not an OpenAPI document: %w", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		return fmt.Errorf("version %q, want 3.1", doc.OpenAPI)
	}
	for path, item := range doc.Paths {
		for method, operation := range item {
			if err := m.operation(service, method+" "+path, operation); err != nil {
				return err
			}
			if err := put(m.paths, path, method, operation); err != nil {
				return err
			}
		}
	}
	for kind, named := range doc.Components {
		for name, definition := range named {
			if err := put(m.components, kind, name, definition); err != nil {
				return err
			}
		}
	}
	return nil
}

// operation checks one operation and files it under its service's heading.
func (m *merger) operation(service, where string, value any) error {
	op, ok := value.(object)
	if !ok {
		return nil // "parameters", "summary": belongs to the path, not a method
	}
	if name, ok := op["operationId"].(string); ok {
		if other, taken := m.operations[name]; taken {
			return fmt.Errorf("operation id %q of %s is also that of %s", name, where, other)
		}
		m.operations[name] = where
	}
	op["tags"] = []any{service}
	return nil
}

// put sets into[outer][inner], unless something else is there.
func put(into object, outer, inner string, value any) error {
	group, ok := into[outer].(object)
	if !ok {
		group = object{}
		into[outer] = group
	}
	if there, ok := group[inner]; ok && !reflect.DeepEqual(there, value) {
		return fmt.Errorf("%s %s is defined differently by another service", outer, inner)
	}
	group[inner] = value
	return nil
}

func indent(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("apidoc: %w", err)
	}
	return b.Bytes(), nil
}
