package notify

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/limit"
)

// The subprotocols a client offers: the protocol, and its token, which is never
// echoed. A token in the address would end up in logs.
const (
	subprotocol  = "chat.v1"
	bearerPrefix = "bearer."
)

// The buffers are small because client frames are, and the write buffer is
// borrowed only while a frame is written.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 5 * time.Second,
	ReadBufferSize:   256,
	WriteBufferSize:  1024,
	WriteBufferPool:  &sync.Pool{},
	Subprotocols:     []string{subprotocol},
	CheckOrigin:      func(*http.Request) bool { return true }, // shake has checked it
	Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
		httpx.WriteProblem(w, r, errs.Wrap(errs.InvalidParameter, "The WebSocket handshake is not valid.", reason))
	},
}

// serveSocket answers GET /api/v1/ws.
func (h *hub) serveSocket(w http.ResponseWriter, r *http.Request) {
	who, token, err := h.shake(r)
	if err = h.admit(r.Context(), w.Header(), limit.Connect, who, err); err != nil {
		h.refuse(w, r, err)
		return
	}
	f, err := h.reserve(who.UserID)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	cw := &corking{ResponseWriter: w}
	conn, err := upgrader.Upgrade(cw, r, http.Header{"X-Request-Id": {w.Header().Get("X-Request-Id")}})
	if err != nil { // and answered
		h.release(f)
		return
	}
	s := newSocket(f, who, conn, cw.conn)
	f.attach(&s.client)
	go s.read() // the server's goroutine and its buffers are let go
	h.lookAgain(r.Context(), &s.client, token)
}

// lookAgain ends a connection whose session, or this node, ended during the
// handshake: from attach on a connection is found by whoever ends it.
func (h *hub) lookAgain(ctx context.Context, c *client, token string) {
	if _, err := h.verifier.Verify(ctx, token); errs.Is(err, errs.Unauthenticated) {
		c.end(closeSession, "the session ended")
	}
	if h.ready() != nil {
		c.restart()
	}
}

// refuse answers a handshake with a problem.
func (h *hub) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.metrics.refuse(err)
	if errs.Is(err, errs.UpgradeRequired) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	httpx.WriteProblem(w, r, err)
}

// shake checks everything there is to check before the upgrade and says whose
// connection it will be, with the token that proves it.
func (h *hub) shake(r *http.Request) (authn.Identity, string, error) {
	if !websocket.IsWebSocketUpgrade(r) || r.Header.Get("Sec-WebSocket-Version") != "13" {
		return authn.Identity{}, "", errs.New(errs.UpgradeRequired, "This address speaks WebSocket, version 13.")
	}
	if err := h.origins.check(r); err != nil {
		return authn.Identity{}, "", err
	}
	if err := h.ready(); err != nil {
		return authn.Identity{}, "", err
	}
	offered, token := false, bearer(r)
	for _, p := range websocket.Subprotocols(r) {
		if p == subprotocol {
			offered = true
		} else if t, ok := strings.CutPrefix(p, bearerPrefix); ok && token == "" {
			token = t
		}
	}
	if !offered {
		return authn.Identity{}, "", errs.New(errs.InvalidParameter, `Offer the subprotocol "chat.v1".`)
	}
	who, err := h.verifier.Verify(r.Context(), token)
	return who, token, err
}

// bearer returns the token of the Authorization header, "" without one.
func bearer(r *http.Request) string { return httpx.BearerToken(r.Header.Get("Authorization")) }

// origins are the web origins whose pages may connect, besides those of the
// host the request went to. Lower case, "scheme://host[:port]".
type origins map[string]bool

func newOrigins(publicURL string, allowed []string) origins {
	o := origins{}
	for _, origin := range append([]string{publicURL}, allowed...) {
		o[strings.ToLower(strings.TrimRight(origin, "/"))] = true
	}
	return o
}

var errOrigin = errs.New(errs.OriginNotAllowed, "Pages of this origin may not connect. The operator can allow it with CHAT_ALLOWED_ORIGINS.")

// check refuses pages of foreign origins. Programs send no Origin; they are
// told from a browser by their Authorization header, which a page cannot set
// on a WebSocket.
func (o origins) check(r *http.Request) error {
	values := r.Header.Values("Origin")
	if len(values) == 0 && bearer(r) != "" {
		return nil
	}
	if len(values) != 1 {
		return errOrigin
	}
	u, err := url.Parse(values[0])
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errOrigin // also "null"
	}
	if o[strings.ToLower(values[0])] || strings.EqualFold(u.Host, r.Host) {
		return nil
	}
	return errOrigin
}
