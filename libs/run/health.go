package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/config"
)

// readyTimeout bounds how long a unit may think about whether it is ready.
const readyTimeout = 2 * time.Second

// readiness shows what /readyz says, unit by unit. That the bus is away does not
// make a unit unready: messages are taken and saved, and pushes follow.
func readiness(u Unit) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chat_ready", Help: "1 while the unit is able to serve.", ConstLabels: prometheus.Labels{"service": u.Name()},
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		if u.Ready(ctx) != nil {
			return 0
		}
		return 1
	})
}

// Healthcheck asks the ChatApp on this machine whether it is ready, over its
// admin listener; nil when it is. For container images without a shell.
func Healthcheck(ctx context.Context, cfg config.Config) error {
	if cfg.AdminListen == "" {
		return errors.New("CHAT_ADMIN_LISTEN is off: there is nobody to ask")
	}
	host, port, err := net.SplitHostPort(cfg.AdminListen)
	if err != nil {
		return fmt.Errorf("CHAT_ADMIN_LISTEN: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no ChatApp answers on %s: %w", cfg.AdminListen, errors.Unwrap(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", strings.TrimSpace(string(body)))
	}
	return nil
}
