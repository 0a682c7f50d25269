package harness

import (
	"context"
	"net"
	"path/filepath"
	"strings"
)

// StartCaddy starts the real gateway with the shipped Caddyfile, told by its
// environment where to listen and where the replicas are.
func StartCaddy(ctx context.Context, dir, logs, listen string, bases map[string][]string) (*Process, error) {
	server, err := tool(ctx, "caddy")
	if err != nil {
		return nil, err
	}
	root, err := Root()
	if err != nil {
		return nil, err
	}
	env := Env{
		"CHAT_GATEWAY_ADDRESS": "http://" + listen, "CHAT_GATEWAY_ADMIN": "off", "CHAT_GATEWAY_WEB_ROOT": filepath.Join(root, "web", "dist"),
		"XDG_DATA_HOME": dir, "XDG_CONFIG_HOME": dir,
	}
	for service, urls := range bases {
		env["CHAT_GATEWAY_"+strings.ToUpper(service)] = strings.ReplaceAll(strings.Join(urls, " "), "http://", "")
	}
	p := &Process{
		Name: "caddy", Path: server, Args: []string{"run", "--config", filepath.Join(root, "deploy", "gateway", "Caddyfile"), "--adapter", "caddyfile"},
		Env: env.list(), Log: filepath.Join(logs, "caddy.log"), Dir: dir,
		Up: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listen)
			if err == nil {
				err = conn.Close()
			}
			return err
		},
	}
	return p, p.Start(ctx)
}
