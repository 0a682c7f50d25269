package notify

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"chatapp/libs/httpx"
)

// The routes of this service.
const (
	routeSocket = "/api/v1/ws"
	routeStream = "/api/v1/events/stream"
)

// routes puts the two raw handlers into the shell and their description into
// the OpenAPI document.
func routes(s *httpx.Server, socket, stream http.HandlerFunc) {
	s.Engine.GET(routeSocket, gin.WrapF(socket))
	s.Engine.GET(routeStream, gin.WrapF(stream))
	s.API.OpenAPI().AddOperation(socketOperation())
	s.API.OpenAPI().AddOperation(streamOperation())
}

func socketOperation() *huma.Operation {
	return &huma.Operation{
		OperationID: "connect", Method: http.MethodGet, Path: routeSocket, Tags: []string{"events"},
		Summary: "Events as they happen (WebSocket)",
		Description: "Offer the subprotocols `chat.v1` and `bearer.<access token>`, or `chat.v1` with an Authorization header. " +
			"The first frame is `{\"type\":\"hello\",\"cursor\":\"<last cursor, or empty for from now>\",\"payload\":\"full\"|\"id\"}`; " +
			"the server answers `welcome` with the position events start after, then every missed event in order, then live ones, " +
			"each as `{\"type\":\"event\",\"event\":Entry}`. After `resync` load the snapshot it names: the events between are not coming. " +
			"Further frames from the server: `typing`, `person`, `error`; from the client: `typing`, `ack`, `presence`, `reauth`. " +
			"Close codes: 1012 restart (reason `retry_after_ms=<n>`), 1009 frame over 64 KiB, 4400 bad frame or no hello within 5 s, " +
			"4401 session ended or token expired, 4403 reauth with another user's token, 4408 reading too slowly, 4429 more than 20 frames a second.",
		Security:  httpx.Bearer,
		Responses: responses("101", "Switching to WebSocket.", "400", "401", "403", "426", "429", "503"),
	}
}

func streamOperation() *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: routeStream, Tags: []string{"events"},
		Summary: "Events as they happen (server-sent events)",
		Description: "The same events as the WebSocket's: `id` is the cursor, `event` the type, `data` the Entry. " +
			"`event: resync` says that the position is gone: load the snapshot it names. Ends when the access token expires or the session ends.",
		Security: httpx.Bearer,
		Parameters: []*huma.Param{
			{Name: "after", In: "query", Schema: text, Description: "Cursor of the last event seen; empty: from now."},
			{Name: "payload", In: "query", Description: "Whether new messages come whole or as their ids.", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"full", "id"}}},
			{Name: "Last-Event-ID", In: "header", Schema: text, Description: "Wins over after; sent by EventSource."},
		},
		Responses: responses("200", "The stream.", "400", "401", "403", "429", "503"),
	}
}

func responses(ok, meaning string, problems ...string) map[string]*huma.Response {
	r := map[string]*huma.Response{ok: {Description: meaning}}
	if ok == "200" {
		r[ok].Content = map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	for _, status := range problems {
		r[status] = &huma.Response{
			Description: "Problem (RFC 9457).",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Type: huma.TypeObject}}},
		}
	}
	return r
}
