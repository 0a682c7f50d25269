// Package config is every setting of ChatApp, read once from CHAT_* variables.
//
// Each key has a default that works on a newcomer's machine. Secrets may also
// be given as files (KEY_FILE). A CHAT_* variable nobody knows is an error that
// names the nearest key: a typing mistake must not silently mean "default".
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config holds the effective values. The tags are the documentation: env is
// the key, desc the sentence shown by `chatapp config --markdown` and README;
// secret values may come from KEY_FILE and are never shown.
type Config struct {
	Listen           string        `env:"CHAT_LISTEN" envDefault:"localhost:8080" desc:"Address of the web UI and the API."`
	AdminListen      string        `env:"CHAT_ADMIN_LISTEN" envDefault:"localhost:8081" desc:"Address of /healthz, /readyz and /metrics; never expose it. off: not served."`
	PublicURL        string        `env:"CHAT_PUBLIC_URL" desc:"URL people open, e.g. https://chat.example.org; decides about Secure cookies. Empty: http://localhost and the port of CHAT_LISTEN."`
	DataDir          string        `env:"CHAT_DATA_DIR" envDefault:"chatapp-data" desc:"Directory of the embedded database and event store; made when missing, never reset."`
	DatabaseURL      string        `env:"CHAT_DATABASE_URL" desc:"mysql://user[:password]@host:port/chat_{service}; {service} is replaced in user and schema. Empty: SQLite in the data directory."`
	DatabasePassword string        `env:"CHAT_DATABASE_PASSWORD" secret:"true" desc:"Password for CHAT_DATABASE_URL when the URL holds none."`
	EncryptionKey    string        `env:"CHAT_ENCRYPTION_KEY" secret:"true" desc:"Encrypts signing keys and the seeds of apps for codes in the database of auth: 32 random bytes in base64 (chatapp secrets makes them). Several, separated by spaces or lines: the first encrypts, all decrypt. The all-in-one makes one in the data directory."`
	NATSURL          string        `env:"CHAT_NATS_URL" desc:"nats://host:port, several separated by commas. Empty: an embedded NATS without a TCP port."`
	NATSUser         string        `env:"CHAT_NATS_USER" desc:"User for CHAT_NATS_URL."`
	NATSPassword     string        `env:"CHAT_NATS_PASSWORD" secret:"true" desc:"Password for CHAT_NATS_URL."`
	DatabaseCA       string        `env:"CHAT_DATABASE_CA" desc:"PEM file of the authority that signed the database's certificate; with it the connection must be TLS."`
	NATSNKey         string        `env:"CHAT_NATS_NKEY" secret:"true" desc:"NKey seed (SU...) for CHAT_NATS_URL, instead of user and password."`
	NATSCA           string        `env:"CHAT_NATS_CA" desc:"PEM file of the authority that signed the certificates of NATS; with it the connection must be TLS."`
	NATSReplicas     int           `env:"CHAT_NATS_REPLICAS" envDefault:"1" desc:"Copies of each stream: 1, 3 or 5."`
	Setup            string        `env:"CHAT_SETUP" envDefault:"auto" desc:"auto: make schemas, streams and consumers at the start. wait: wait until jobs with more rights (migrate, setup-bus) have made them."`
	LogLevel         slog.Level    `env:"CHAT_LOG_LEVEL" envDefault:"info" desc:"debug, info, warn or error."`
	LogFormat        string        `env:"CHAT_LOG_FORMAT" envDefault:"text" desc:"text or json."`
	MessagesToLoad   int           `env:"CHAT_MESSAGES_TO_LOAD" envDefault:"15" desc:"Messages loaded when a conversation is opened, 1 to 100."`
	EventRetention   time.Duration `env:"CHAT_EVENT_RETENTION" envDefault:"720h" desc:"How long a client may be away and still catch up without a full reload."`
	MessageSearch    string        `env:"CHAT_MESSAGE_SEARCH" envDefault:"off" desc:"on: administrators may look into messages, giving a reason, which is recorded with the search. off: nobody may."`
	AccessTokenTTL   time.Duration `env:"CHAT_ACCESS_TOKEN_TTL" envDefault:"10m" desc:"Life of an access token, 10s to 1h."`
	RefreshTTL       time.Duration `env:"CHAT_REFRESH_TTL" envDefault:"720h" desc:"Days without a visit after which one must sign in again."`
	TrustedProxies   []string      `env:"CHAT_TRUSTED_PROXIES" desc:"Addresses or networks (CIDR) whose X-Forwarded-For is believed, separated by commas."`
	AllowedOrigins   []string      `env:"CHAT_ALLOWED_ORIGINS" desc:"Further origins that may open the WebSocket, besides the public URL and the request's own host."`
	LoginRatePerIP   int           `env:"CHAT_LOGIN_RATE_PER_IP" envDefault:"20" desc:"Sign-in attempts per minute and address."`
	RateLimit        string        `env:"CHAT_RATE_LIMIT" envDefault:"on" desc:"on or off: limits on requests, by account and, without a valid token, by network. Off does not concern sign-ins and mails."`
	RatePerAccount   int           `env:"CHAT_RATE_PER_ACCOUNT" envDefault:"100" desc:"Reading requests per second and account, four times as many at once; half as many that write, a tenth that search. Each replica counts for itself."`
	RatePerIP        int           `env:"CHAT_RATE_PER_IP" envDefault:"50" desc:"Requests without a valid token per second and network (IPv6: /64), four times as many at once."`
	RateContacts     int           `env:"CHAT_RATE_NEW_CONVERSATIONS" envDefault:"30" desc:"Conversations with new people that one account may begin per minute."`
	ConfirmEmail     string        `env:"CHAT_CONFIRM_EMAIL" envDefault:"optional" desc:"required: an account needs an e-mail address and works when its link was opened. optional: neither."`
	SignUp           string        `env:"CHAT_SIGN_UP" envDefault:"open" desc:"Who may sign up, until an administrator decides otherwise: open (everybody), invite (with an invitation) or closed (nobody)."`
	DeletedMessages  string        `env:"CHAT_DELETED_MESSAGES" envDefault:"keep" desc:"What becomes of the messages of somebody who deletes the account: keep (they stay with the other side, under the name Deleted user) or erase (their text is overwritten)."`
	SMTPURL          string        `env:"CHAT_SMTP_URL" desc:"Mail server: smtp://user@host:587 (STARTTLS) or smtps://user@host:465. Empty: no mails; on localhost they are shown at /inbox of CHAT_ADMIN_LISTEN."`
	SMTPPassword     string        `env:"CHAT_SMTP_PASSWORD" secret:"true" desc:"Password for CHAT_SMTP_URL."`
	MailFrom         string        `env:"CHAT_MAIL_FROM" desc:"Sender of mails, e.g. ChatApp <chat@example.org>; needed with CHAT_SMTP_URL."`
	OIDCProviders    string        `env:"CHAT_OIDC_PROVIDERS" desc:"Providers to sign in with (OpenID Connect), a JSON list: [{\"id\":\"google\",\"name\":\"Google\",\"issuer\":\"https://accounts.google.com\",\"client_id\":\"...\"}]. Register <public URL>/api/v1/auth/oidc/<id>/callback there."`
	OIDCSecrets      string        `env:"CHAT_OIDC_SECRETS" secret:"true" desc:"Client secrets of CHAT_OIDC_PROVIDERS, a JSON object: {\"google\":\"...\"}."`
	AdminUsername    string        `env:"CHAT_ADMIN_USERNAME" desc:"For 'chatapp admin create'."`
	AdminPassword    string        `env:"CHAT_ADMIN_PASSWORD" secret:"true" desc:"For 'chatapp admin create'."`
	ShutdownGrace    time.Duration `env:"CHAT_SHUTDOWN_GRACE" envDefault:"20s" desc:"How long open requests may take to end at shutdown."`
}

// The values of CHAT_DELETED_MESSAGES.
const (
	MessagesKept   = "keep"
	MessagesErased = "erase"
)

// The values of CHAT_SETUP.
const (
	SetupAuto = "auto"
	SetupWait = "wait"
)

// Default returns the configuration of an empty environment.
func Default() Config {
	c, err := Load(nil)
	if err != nil {
		panic(err) // the defaults are constants: a test covers them
	}
	return c
}

// Load reads environ ("KEY=value" lines, as os.Environ gives) and checks every
// value; an empty one means the default. The error, one line per problem, is written for the operator and
// never holds a secret.
func Load(environ []string) (Config, error) {
	vars := map[string]string{}
	for _, line := range environ {
		key, value, ok := strings.Cut(line, "=")
		if ok && strings.HasPrefix(key, "CHAT_") {
			vars[key] = value
		}
	}
	if err := readSecrets(vars); err != nil {
		return Config{}, err
	}
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: vars, FuncMap: map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[slog.Level](): parseLevel,
	}})
	if err != nil {
		return Config{}, tidy(err, vars)
	}
	c.finish()
	return c, c.check()
}

func parseLevel(s string) (any, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return nil, errors.New("want debug, info, warn or error")
	}
	return l, nil
}

// finish fills what depends on other keys and drops empty list items.
func (c *Config) finish() {
	if c.PublicURL == "" {
		_, port, err := net.SplitHostPort(c.Listen)
		if err == nil {
			c.PublicURL = "http://localhost:" + port
		}
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.AdminListen == "off" {
		c.AdminListen = ""
	}
	c.TrustedProxies = compact(c.TrustedProxies)
	c.AllowedOrigins = compact(c.AllowedOrigins)
}

func compact(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (c *Config) check() error {
	var all error
	bad := func(ok bool, key, want string) {
		if !ok {
			all = errors.Join(all, fmt.Errorf("%s: %s", key, want))
		}
	}
	bad(hostPort(c.Listen), "CHAT_LISTEN", "want host:port, for example localhost:8080 or :8080")
	bad(c.AdminListen == "" || hostPort(c.AdminListen), "CHAT_ADMIN_LISTEN", "want host:port, for example localhost:8081, or off")
	u, err := url.Parse(c.PublicURL)
	bad(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.RawQuery == "",
		"CHAT_PUBLIC_URL", "want http(s)://host[:port] without a path")
	bad(c.DataDir != "", "CHAT_DATA_DIR", "must not be empty")
	bad(c.DatabaseURL == "" || strings.HasPrefix(c.DatabaseURL, "mysql://"), "CHAT_DATABASE_URL", "want mysql://user[:password]@host:port/chat_{service}")
	bad(c.NATSReplicas == 1 || c.NATSReplicas == 3 || c.NATSReplicas == 5, "CHAT_NATS_REPLICAS", "want 1, 3 or 5")
	bad(c.NATSNKey == "" || c.NATSUser == "", "CHAT_NATS_NKEY", "give either this or CHAT_NATS_USER, not both")
	bad(c.Setup == SetupAuto || c.Setup == SetupWait, "CHAT_SETUP", "want auto or wait")
	bad(c.LogFormat == "text" || c.LogFormat == "json", "CHAT_LOG_FORMAT", "want text or json")
	bad(c.MessagesToLoad >= 1 && c.MessagesToLoad <= 100, "CHAT_MESSAGES_TO_LOAD", "want 1 to 100")
	bad(c.EventRetention >= time.Hour, "CHAT_EVENT_RETENTION", "want at least 1h")
	bad(c.MessageSearch == "on" || c.MessageSearch == "off", "CHAT_MESSAGE_SEARCH", "want on or off")
	bad(c.AccessTokenTTL >= 10*time.Second && c.AccessTokenTTL <= time.Hour, "CHAT_ACCESS_TOKEN_TTL", "want 10s to 1h")
	bad(c.RefreshTTL > c.AccessTokenTTL, "CHAT_REFRESH_TTL", "must be longer than CHAT_ACCESS_TOKEN_TTL")
	c.checkRates(bad)
	bad(c.ConfirmEmail == "required" || c.ConfirmEmail == "optional", "CHAT_CONFIRM_EMAIL", "want required or optional")
	bad(c.SignUp == "open" || c.SignUp == "invite" || c.SignUp == "closed", "CHAT_SIGN_UP", "want open, invite or closed")
	bad(c.DeletedMessages == MessagesKept || c.DeletedMessages == MessagesErased, "CHAT_DELETED_MESSAGES", "want keep or erase")
	c.checkMail(bad)
	_, err = c.OIDC()
	all = errors.Join(all, err)
	_, err = c.EncryptionKeys()
	all = errors.Join(all, err)
	bad(c.ShutdownGrace >= 0, "CHAT_SHUTDOWN_GRACE", "must not be negative")
	for _, p := range c.TrustedProxies {
		_, _, err := net.ParseCIDR(p)
		bad(err == nil || net.ParseIP(p) != nil, "CHAT_TRUSTED_PROXIES", fmt.Sprintf("%q is neither an address nor a network such as 10.0.0.0/8", p))
	}
	for _, o := range c.AllowedOrigins {
		u, err := url.Parse(o)
		bad(err == nil && u.Scheme != "" && u.Host != "" && u.Path == "", "CHAT_ALLOWED_ORIGINS", fmt.Sprintf("%q is not an origin such as https://chat.example.org", o))
	}
	return all
}

// checkRates checks the limits on requests.
func (c *Config) checkRates(bad func(ok bool, key, want string)) {
	bad(c.LoginRatePerIP >= 1, "CHAT_LOGIN_RATE_PER_IP", "want at least 1")
	bad(c.RateLimit == "on" || c.RateLimit == "off", "CHAT_RATE_LIMIT", "want on or off")
	bad(c.RatePerAccount >= 1, "CHAT_RATE_PER_ACCOUNT", "want at least 1")
	bad(c.RatePerIP >= 1, "CHAT_RATE_PER_IP", "want at least 1")
	bad(c.RateContacts >= 1, "CHAT_RATE_NEW_CONVERSATIONS", "want at least 1")
}

// checkMail checks what belongs to sending mails.
func (c *Config) checkMail(bad func(ok bool, key, want string)) {
	from, err := mail.ParseAddress(c.MailFrom)
	bad(c.MailFrom == "" || err == nil && from.Address != "", "CHAT_MAIL_FROM", "want an address such as ChatApp <chat@example.org>")
	if c.SMTPURL == "" {
		return
	}
	u, err := url.Parse(c.SMTPURL)
	bad(err == nil && (u.Scheme == "smtp" || u.Scheme == "smtps") && u.Hostname() != "" && u.Path == "", "CHAT_SMTP_URL",
		"want smtp://user@host:587 or smtps://user@host:465")
	bad(c.MailFrom != "", "CHAT_MAIL_FROM", "is needed with CHAT_SMTP_URL: who the mails are from")
}

// SearchesMessages reports whether administrators may look into messages.
func (c Config) SearchesMessages() bool { return c.MessageSearch == "on" }

// HTTPS reports whether people open this installation over TLS.
func (c *Config) HTTPS() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// Local reports whether people open this installation on the machine it runs on.
func (c *Config) Local() bool {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && port != ""
}
