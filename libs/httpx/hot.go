package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// Hot is what a route needs to be served without reflection: Decode reads a
// body that is plainly right and reports false for every other one, Encode says
// how to answer.
type Hot[I, O any] struct {
	Decode func(body []byte, in *I) bool
	Encode func(out *O) (status int, etag string, body any)
}

// RegisterHot is Register for a route that a busy server lives from. A body
// that hot.Decode does not take goes the ordinary way: what is right and what is
// answered to what is wrong is decided in one place, and the document is made
// from it. I must have no parameters besides the body.
func RegisterHot[I, O any](s *Server, op huma.Operation, hot Hot[I, O], handle func(context.Context, *I) (*O, error)) {
	serve := func(ctx huma.Context, next func(huma.Context)) {
		address := ctx.URL()
		if accept := ctx.Header("Accept"); address.RawQuery != "" || (accept != "" && accept != "*/*" && accept != "application/json") {
			next(ctx)
			return
		}
		buffer := bodies.Get().(*bytes.Buffer)
		defer bodies.Put(buffer)
		buffer.Reset()
		_, err := buffer.ReadFrom(io.LimitReader(ctx.BodyReader(), s.maxBody))
		var in I
		if err != nil || !hot.Decode(buffer.Bytes(), &in) {
			next(replayed{ctx, io.MultiReader(bytes.NewReader(bytes.Clone(buffer.Bytes())), failing{err, ctx.BodyReader()})})
			return
		}
		out, err := handle(ctx.Context(), &in)
		if err != nil {
			p := s.problem(ctx.Context(), err)
			_ = huma.WriteErr(s.API, ctx, p.Status, p.Detail, p) // the client has gone
			return
		}
		status, etag, body := hot.Encode(out)
		ctx.SetHeader("Content-Type", "application/json")
		if etag != "" {
			ctx.SetHeader("ETag", etag)
		}
		buffer.Reset()
		encoder := json.NewEncoder(buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			panic(err) // plain structs
		}
		ctx.SetStatus(status)
		_, _ = ctx.BodyWriter().Write(buffer.Bytes()) // the client has gone
	}
	op.Middlewares = append(op.Middlewares, serve)
	Register(s, op, handle)
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// replayed is a request whose body was read and is there again.
type replayed struct {
	humaContext
	body io.Reader
}

type humaContext = huma.Context // its name is also that of one of its methods

// BodyReader implements huma.Context.
func (r replayed) BodyReader() io.Reader { return r.body }

// failing is the rest of a body: the error that reading it met, or what follows.
type failing struct {
	err  error
	rest io.Reader
}

// Read implements io.Reader.
func (f failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.rest.Read(p)
}

// FlatStrings reads a JSON object whose values all are strings and calls field
// with each; it reports false when the body is anything else, not as strict as
// every body must be, names a field twice, or field reports false. It decides
// nothing but that a body is plainly right.
func FlatStrings(body []byte, field func(name, value string) bool) bool {
	if !utf8.Valid(body) {
		return false
	}
	s := scanner{rest: body}
	if !s.take('{') {
		return false
	}
	var seen []string
	for {
		name, ok := s.str()
		if !ok || slices.Contains(seen, name) || !s.take(':') {
			return false
		}
		seen = append(seen, name)
		value, ok := s.str()
		if !ok || !field(name, value) {
			return false
		}
		if s.take(',') {
			continue
		}
		return s.take('}') && len(s.space()) == 0
	}
}

// scanner reads JSON tokens.
type scanner struct{ rest []byte }

func (s *scanner) space() []byte {
	s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
	return s.rest
}

func (s *scanner) take(c byte) bool {
	if rest := s.space(); len(rest) == 0 || rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// str reads one string.
func (s *scanner) str() (string, bool) {
	rest := s.space()
	if len(rest) == 0 || rest[0] != '"' {
		return "", false
	}
	plain := true
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			s.rest = rest[i+1:]
			if plain {
				return string(rest[1:i]), true
			}
			var text string
			return text, !loneSurrogate(rest[:i+1]) && json.Unmarshal(rest[:i+1], &text) == nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}
