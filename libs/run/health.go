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

	"chatapp/libs/config"
)

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
