package apidoc

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page is the document as HTML, rendered once.
var page = sync.OnceValues(func() ([]byte, error) {
	raw, err := Document()
	if err != nil {
		return nil, err
	}
	return render(raw)
})

// pagePolicy allows the page its own style sheet, by hash, and nothing else.
func pagePolicy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// The parts of an OpenAPI document that the page shows.
type (
	document struct {
		Info  struct{ Title, Version string }
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]json.RawMessage

		Components struct{ Schemas map[string]schema }
	}
	operation struct {
		OperationID string
		Summary     string
		Description string
		Tags        []string
		Parameters  []struct {
			Name, In, Description string
			Required              bool
			Schema                schema
		}
		RequestBody *struct{ Content map[string]media }
		Responses   map[string]struct {
			Description string
			Content     map[string]media
		}
		Security []map[string][]string

		Method, Path string
	}
	media  struct{ Schema schema }
	schema struct {
		Ref         string `json:"$ref"`
		Type        any
		Format      string
		Description string
		Properties  map[string]schema
		Required    []string
		Items       *schema
		Enum        []any
		Minimum     *float64
		Maximum     *float64
		MinLength   *int
		MaxLength   *int
		Default     any
	}
)

// group is a service and its operations, in the order of their paths.
type group struct {
	Name, Description string
	Operations        []operation
}

func render(raw []byte) ([]byte, error) {
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("apidoc: page: %w", err)
	}
	groups, err := doc.groups()
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"prose": code}).Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("apidoc: page: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Title": doc.Info.Title, "Version": doc.Info.Version, "Document": DocumentPath,
		"Style": template.CSS(pageCSS), "Sections": prose(), "Groups": groups, "Schemas": doc.Components.Schemas,
	})
	if err != nil {
		return nil, fmt.Errorf("apidoc: page: %w", err)
	}
	return b.Bytes(), nil
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (d document) groups() ([]group, error) {
	byTag := map[string][]operation{}
	for path, item := range d.Paths {
		for _, method := range methods {
			raw, ok := item[strings.ToLower(method)]
			if !ok {
				continue
			}
			op := operation{Method: method, Path: path}
			if err := json.Unmarshal(raw, &op); err != nil {
				return nil, fmt.Errorf("apidoc: %s %s: %w", method, path, err)
			}
			tag := ""
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], op)
		}
	}
	var groups []group
	for _, tag := range d.Tags {
		ops := byTag[tag.Name]
		delete(byTag, tag.Name)
		slices.SortFunc(ops, func(a, b operation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), slices.Index(methods, a.Method)-slices.Index(methods, b.Method))
		})
		groups = append(groups, group{tag.Name, tag.Description, ops})
	}
	for tag := range byTag {
		return nil, fmt.Errorf("apidoc: operations under %q, which is no service's heading", tag)
	}
	return groups, nil
}

// Locked reports whether the operation needs a token.
func (o operation) Locked() bool { return len(o.Security) > 0 }

// ID is the operation's anchor.
func (o operation) ID() string { return cmp.Or(o.OperationID, o.Method+o.Path) }

// Body is the request body's schema, nil without one.
func (o operation) Body() *schema {
	if o.RequestBody == nil {
		return nil
	}
	for _, m := range o.RequestBody.Content {
		return &m.Schema
	}
	return nil
}

// Answers lists the responses by status.
func (o operation) Answers() []answer {
	var all []answer
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		a := answer{Status: status, Description: o.Responses[status].Description}
		for _, m := range o.Responses[status].Content {
			a.Schema = &m.Schema
		}
		all = append(all, a)
	}
	return all
}

type answer struct {
	Status, Description string
	Schema              *schema
}

// Name is the name of the schema that s refers to, "" when it is spelled out.
func (s schema) Name() string {
	return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
}

// Kind is the schema's type in words: "string (uuid)", "array of", "string or null".
func (s schema) Kind() string {
	var names []string
	switch t := s.Type.(type) {
	case string:
		names = append(names, t)
	case []any:
		for _, name := range t {
			names = append(names, fmt.Sprint(name))
		}
	}
	kind := strings.Join(names, " or ")
	if s.Format != "" {
		kind += " (" + s.Format + ")"
	}
	if s.Items != nil {
		kind += " of"
	}
	return kind
}

// Limits are the schema's bounds in words.
func (s schema) Limits() string {
	var parts []string
	add := func(format string, v any) { parts = append(parts, fmt.Sprintf(format, v)) }
	if s.Minimum != nil {
		add("at least %v", *s.Minimum)
	}
	if s.Maximum != nil {
		add("at most %v", *s.Maximum)
	}
	if s.MinLength != nil {
		add("at least %d characters", *s.MinLength)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if len(s.Enum) > 0 {
		add("one of %v", s.Enum)
	}
	if s.Default != nil {
		add("default %v", s.Default)
	}
	return strings.Join(parts, ", ")
}

// Needs reports whether property must be there.
func (s schema) Needs(property string) bool { return slices.Contains(s.Required, property) }

// code renders prose: what stands in backticks becomes <code>.
func code(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		text := template.HTMLEscapeString(part)
		if i%2 == 1 {
			text = "<code>" + text + "</code>"
		}
		b.WriteString(text)
	}
	return template.HTML(b.String())
}
