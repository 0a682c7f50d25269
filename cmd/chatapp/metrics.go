package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"chatapp/libs/config"
	"chatapp/libs/obs"
	"chatapp/libs/platform/embedded"
	"chatapp/libs/run"
)

type metricsCommand struct{}

// Run prints the table of all metrics, as a program that really runs registered
// them: it starts one on a directory that is thrown away.
func (metricsCommand) Run(ctx context.Context, p program) error {
	dir, err := os.MkdirTemp("", "chatapp-metrics-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // only a copy of nothing is left otherwise
	cfg, err := config.Load([]string{"CHAT_DATA_DIR=" + dir, "CHAT_LISTEN=127.0.0.1:0", "CHAT_ADMIN_LISTEN=off"})
	if err != nil {
		return err
	}
	cfg.EncryptionKey = config.NewEncryptionKey()
	log := obs.NewLog(p.errs, slog.LevelWarn, "text")
	platform, err := embedded.New(cfg, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	registry := obs.NewRegistry()
	var table string
	err = run.Main(ctx, run.Process{
		Config: cfg, Log: log, Platform: platform, Metrics: registry,
		Started: func(net.Addr, net.Addr) { table = describe(registry); stop() },
	}, services())
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, table)
	return err
}

// described is how a prometheus.Desc shows what it describes.
var described = regexp.MustCompile(`^Desc\{fqName: "(chat_\w+)", help: "(.*?)", (?:unit: "[^"]*", )?constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// describe is a Markdown table of the chat_* metrics in registry.
func describe(registry *prometheus.Registry) string {
	descs := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(descs)
		close(descs)
	}()
	rows := map[string]string{}
	for d := range descs {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			continue // of the Go runtime or the process
		}
		labels := []string{}
		for _, l := range strings.Split(m[3]+","+m[4], ",") {
			if name, _, _ := strings.Cut(l, "="); name != "" {
				labels = append(labels, "`"+name+"`")
			}
		}
		rows[m[1]] = fmt.Sprintf("| `%s` | %s | %s |\n", m[1], strings.Join(labels, ", "), m[2])
	}
	lines := []string{}
	for _, row := range rows {
		lines = append(lines, row)
	}
	slices.Sort(lines)
	return "| metric | labels | meaning |\n|---|---|---|\n" + strings.Join(lines, "")
}
