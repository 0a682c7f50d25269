package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chatapp/libs/config"
	"chatapp/libs/httpx"
)

// Limits of the listener. There is no write timeout: WebSockets and event
// streams stay open. A request's body has bodyTimeout to arrive.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

// server is an http.Server that serves.
type server struct {
	http     *http.Server
	listener net.Listener
	ended    chan struct{}
}

// listen takes the address and serves on it at once.
func listen(address, key string, h http.Handler, log *slog.Logger) (*server, error) {
	l, err := net.Listen("tcp", address) //nolint:noctx // ends with the server
	if err != nil {
		return nil, explain(err, address, key)
	}
	s := &server{listener: l, ended: make(chan struct{})}
	s.http = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.With("part", "http").Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the listener failed", "address", address, "error", err)
		}
	}()
	return s, nil
}

// explain turns a listen error into one line with the cure.
func explain(err error, address, key string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("address %s is in use by another program: stop that one, or choose another with %s", address, key)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("address %s is not allowed for this user (ports below 1024 need a privilege): choose another with %s", address, key)
	default:
		return fmt.Errorf("cannot listen on %s (%w): choose another address with %s", address, err, key)
	}
}

func (s *server) addr() net.Addr { return s.listener.Addr() }

// shutdown stops accepting and waits for open requests until ctx ends; then it
// cuts them.
func (s *server) shutdown(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		s.close()
	}
	<-s.ended
}

func (s *server) close() {
	_ = s.http.Close() // the listener's error: it is closed in any case
	<-s.ended
}

// newMux puts each unit's handler on its routes. What nobody serves is a
// not-found problem, also below /api/ when the web unit takes all the rest.
func newMux(units []Unit, log *slog.Logger, metrics prometheus.Registerer) http.Handler {
	mux := http.NewServeMux()
	taken := map[string]bool{}
	for _, u := range units {
		h := u.Handler()
		for _, route := range u.Routes() {
			mux.Handle(route, h)
			taken[route] = true
		}
	}
	missing := httpx.New(httpx.Options{Service: "gateway", Title: "ChatApp", Log: log, Metrics: metrics}).Handler()
	for _, route := range []string{"/", "/api/"} {
		if !taken[route] {
			mux.Handle(route, missing)
		}
	}
	return mux
}

// strictTransport is shared by all answers: the slice is never written to.
var strictTransport = []string{httpx.StrictTransport}

// publicHandler adds what holds for every request of the public listener.
func publicHandler(c config.Config, next http.Handler) http.Handler {
	// Never for localhost: it would bind every other program there to TLS too.
	strict := c.HTTPS() && !c.Local()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strict {
			w.Header()["Strict-Transport-Security"] = strictTransport
		}
		if r.ContentLength != 0 && r.Method != http.MethodGet {
			// A client that sends its body drop by drop must not keep us.
			// Recorders in tests and HTTP/2 may not support it: then the
			// limits of the service are what is left.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// adminHandler serves health and metrics; never on the public listener.
func (r *process) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		why, _ := r.state.Load().(string)
		if why == "" {
			why = r.unready(req.Context())
		}
		if why != "" {
			answer(w, http.StatusServiceUnavailable, strings.ReplaceAll(why, "\n", " "))
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /", r.operated)
	return mux
}

// operated serves the admin pages of units, once they work.
func (r *process) operated(w http.ResponseWriter, req *http.Request) {
	if why, _ := r.state.Load().(string); why == "" {
		for _, u := range r.units {
			if o, ok := u.(Operated); ok && o.AdminRoutes()[req.URL.Path] != nil {
				o.AdminRoutes()[req.URL.Path].ServeHTTP(w, req)
				return
			}
		}
	}
	http.NotFound(w, req)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the prober may be gone
}
