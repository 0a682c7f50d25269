package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"chatapp/libs/events"
	"chatapp/libs/platform/cluster"
)

// soon is how long before its end a certificate is mentioned.
const soon = 30 * 24 * time.Hour

// certificate looks at when the certificate of a connection ends.
func (e *examiner) certificate(what string, state *tls.ConnectionState, cure string) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return
	}
	e.validity(what, state.PeerCertificates[0].NotAfter, cure)
}

// validity judges the end of a certificate that is good now.
func (e *examiner) validity(what string, end time.Time, cure string) {
	if left := time.Until(end); left < soon {
		e.add("certificate of "+what, Warning, "it ends on "+end.Format(time.DateOnly), cure)
		return
	}
	e.add("certificate of "+what, OK, "good until "+end.Format(time.DateOnly), "")
}

// nats looks at the message bus.
func (e *examiner) nats(ctx context.Context) {
	if e.Config.NATSURL == "" {
		return // inside the process
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := cluster.ProbeNATS(within, e.Config, e.Identity)
	if err != nil {
		e.add("NATS", Failed, err.Error(), "start it, or correct CHAT_NATS_URL, CHAT_NATS_NKEY or CHAT_NATS_CA; meanwhile messages are stored, and pushed when it is back")
		return
	}
	e.add("NATS", OK, fmt.Sprintf("version %s answers in %v", p.Version, p.RTT.Round(10*time.Microsecond)), "")
	if old(p.Version) {
		e.add("NATS", Failed, p.Version+" is too old: it ignores settings that ChatApp needs", "use 2.10 or later")
	}
	e.certificate("NATS", p.TLS, "chatapp secrets --renew-certificates, and restart NATS")
	for name := range events.Streams {
		switch s, ok := p.Streams[name]; {
		case !ok:
			e.add("stream "+name, Failed, "there is none", "run 'chatapp setup-bus', or start a service with CHAT_SETUP=auto")
		case s.Replicas < e.Config.NATSReplicas:
			e.add("stream "+name, Warning, fmt.Sprintf("%d copies instead of %d", s.Replicas, e.Config.NATSReplicas), "run 'chatapp setup-bus' when all NATS servers are there")
		default:
			e.add("stream "+name, OK, fmt.Sprintf("%d messages, %d copies", s.Messages, s.Replicas), "")
		}
	}
}

func old(version string) bool {
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	return major < 2 || major == 2 && minor < 10
}

// publicURL looks at the installation as people reach it.
func (e *examiner) publicURL(ctx context.Context) {
	base := e.Config.PublicURL
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	res, err := do(within, client, base+"/.well-known/jwks.json", nil)
	if err != nil {
		if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			e.add("public URL answers", Failed, cert.Error(), "renew the certificate of "+base)
			return
		}
		if e.Config.Local() {
			return // said among the listeners
		}
		e.add("public URL answers", Failed, err.Error(), "does the name lead to your proxy, and does the proxy reach CHAT_LISTEN?")
		return
	}
	if res.status != http.StatusOK || !strings.Contains(res.body, `"keys"`) {
		e.add("public URL answers", Failed, fmt.Sprintf("%s answers %d, but it is not ChatApp, or auth is not behind it", base, res.status), "correct the routes of the proxy (docs/operations.md)")
		return
	}
	e.add("public URL answers", OK, base, "")
	e.certificate("the public URL", res.tls, "renew it at your proxy")
	e.upgrade(within, client, base)
}

// upgrade looks whether WebSockets pass the proxy. Without a token we refuse
// them: with 401 when the wish for a socket arrived here, else with 426.
func (e *examiner) upgrade(ctx context.Context, client *http.Client, base string) {
	res, err := do(ctx, client, base+"/api/v1/ws", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"MTIzNDU2Nzg5MDEyMzQ1Ng=="}, "Sec-Websocket-Protocol": {"chat.v1"}, "Origin": {base},
	})
	const cure = "let the proxy pass Upgrade and Connection for /api/v1/ws (docs/operations.md, \"Another gateway\")"
	switch {
	case err != nil:
		e.add("WebSocket", Failed, err.Error(), cure)
	case res.status == http.StatusUnauthorized:
		e.add("WebSocket", OK, "upgrades reach notify", "")
	case res.status == http.StatusForbidden:
		e.add("WebSocket", Failed, "the origin "+base+" is refused: the proxy changes the Origin or Host header", "pass both as they come, or set CHAT_ALLOWED_ORIGINS")
	default:
		e.add("WebSocket", Failed, fmt.Sprintf("the answer is %d: the wish for a socket does not reach notify", res.status), cure)
	}
}

// answer is what we look at in a response.
type answer struct {
	status int
	body   string // its first 4 KiB
	tls    *tls.ConnectionState
}

func do(ctx context.Context, client *http.Client, url string, header http.Header) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return answer{res.StatusCode, strings.TrimSpace(string(body)), res.TLS}, errors.Join(err, res.Body.Close())
}
