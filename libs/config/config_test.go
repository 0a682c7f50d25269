package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"chatapp/libs/config"
)

func TestDefaults(t *testing.T) {
	c := config.Default()
	if c.Listen != "localhost:8080" || c.AdminListen != "localhost:8081" || c.PublicURL != "http://localhost:8080" ||
		c.MessagesToLoad != 15 || c.EventRetention != 720*time.Hour || c.AccessTokenTTL != 10*time.Minute ||
		c.NATSReplicas != 1 || c.DataDir != "chatapp-data" || c.LoginRatePerIP != 20 || c.ShutdownGrace != 20*time.Second {
		t.Fatalf("%+v", c)
	}
}

func TestValuesAreRead(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(secret, []byte("from file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{
		"PATH=/bin", "CHATAPP_TEST_MARIADB=ours, but not a setting", "CHAT_LISTEN=:9000", "CHAT_ADMIN_LISTEN=off",
		"CHAT_TRUSTED_PROXIES=10.0.0.0/8, 127.0.0.1,", "CHAT_NATS_PASSWORD_FILE=" + secret, "CHAT_LOG_LEVEL=DEBUG",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "http://localhost:9000" || c.AdminListen != "" || c.NATSPassword != "from file " ||
		!reflect.DeepEqual(c.TrustedProxies, []string{"10.0.0.0/8", "127.0.0.1"}) || c.LogLevel.String() != "DEBUG" {
		t.Fatalf("%+v", c)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	cases := map[string]string{
		"CHAT_LITSEN=x":                                        "did you mean CHAT_LISTEN?",
		"CHAT_NATS_PASWORD_FILE=x":                             "did you mean CHAT_NATS_PASSWORD_FILE?",
		"CHAT_LISTEN=8080":                                     "CHAT_LISTEN: want host:port",
		"CHAT_EVENT_RETENTION=30 days":                         "CHAT_EVENT_RETENTION=\"30 days\" is not valid: want a duration",
		"CHAT_MESSAGE_SEARCH=yes":                              "CHAT_MESSAGE_SEARCH: want on or off",
		"CHAT_MESSAGES_TO_LOAD=0":                              "CHAT_MESSAGES_TO_LOAD: want 1 to 100",
		"CHAT_MESSAGES_TO_LOAD=many":                           "want a whole number",
		"CHAT_LOG_LEVEL=loud":                                  "want debug, info, warn or error",
		"CHAT_LOG_FORMAT=xml":                                  "want text or json",
		"CHAT_PUBLIC_URL=chat.example.org":                     "CHAT_PUBLIC_URL: want http(s)://",
		"CHAT_PUBLIC_URL=https://a.example/path":               "CHAT_PUBLIC_URL",
		"CHAT_DATABASE_URL=postgres://u:pw@h/db":               "CHAT_DATABASE_URL: want mysql://",
		"CHAT_SETUP=never":                                     "CHAT_SETUP: want auto or wait",
		"CHAT_ENCRYPTION_KEY=c2hvcnQ=":                         "CHAT_ENCRYPTION_KEY: want 32 random bytes in base64",
		"CHAT_NATS_REPLICAS=2":                                 "want 1, 3 or 5",
		"CHAT_TRUSTED_PROXIES=everybody":                       "\"everybody\" is neither",
		"CHAT_ALLOWED_ORIGINS=chat.example.org":                "is not an origin",
		"CHAT_ADMIN_PASSWORD_FILE=/does/not/exist":             "CHAT_ADMIN_PASSWORD_FILE: open /does/not/exist",
		`CHAT_OIDC_PROVIDERS=google`:                           "CHAT_OIDC_PROVIDERS: want a JSON list",
		`CHAT_OIDC_PROVIDERS=[{"id":"g","client_secret":"x"}]`: "secrets go into CHAT_OIDC_SECRETS",
		`CHAT_OIDC_PROVIDERS=[{"id":"g","name":"G","issuer":"http://g.example","client_id":"c"}]`:   "provider \"g\": \"issuer\": want https://",
		`CHAT_OIDC_PROVIDERS=[{"id":"G/","name":"G","issuer":"https://g.example","client_id":"c"}]`: "\"id\": want",
		`CHAT_OIDC_PROVIDERS=[{"id":"g","name":"G","issuer":"https://g.example","client_id":"c"}]`:  "the secret of provider \"g\" is missing",
		`CHAT_OIDC_SECRETS={"gogle":"x"}`:                  "there is no provider \"gogle\"",
		"CHAT_REFRESH_TTL=1m":                              "CHAT_REFRESH_TTL: must be longer",
		"CHAT_ADMIN_PASSWORD=p CHAT_ADMIN_PASSWORD_FILE=f": "both set",
	}
	for env, want := range cases {
		_, err := config.Load(strings.Split(env, " CHAT_ADMIN_PASSWORD_FILE"))
		if env == "CHAT_ADMIN_PASSWORD=p CHAT_ADMIN_PASSWORD_FILE=f" {
			_, err = config.Load([]string{"CHAT_ADMIN_PASSWORD=p", "CHAT_ADMIN_PASSWORD_FILE=f"})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", env, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw@h") {
			t.Errorf("%s: the error shows a password: %v", env, err)
		}
	}
}

func TestDescribeHidesSecretsAndDocumentsEveryKey(t *testing.T) {
	c, err := config.Load([]string{
		"CHAT_DATABASE_URL=mysql://u:topsecret@h:1/chat_{service}", "CHAT_NATS_URL=nats://a:topsecret@h:1,nats://b:topsecret@h:2",
		"CHAT_NATS_PASSWORD=topsecret", "CHAT_ADMIN_PASSWORD=topsecret", "CHAT_DATABASE_PASSWORD=topsecret",
	})
	if err != nil {
		t.Fatal(err)
	}
	list := config.Describe(c)
	if len(list) != reflect.TypeFor[config.Config]().NumField() {
		t.Fatalf("%d keys", len(list))
	}
	for _, s := range list {
		if !strings.HasPrefix(s.Key, "CHAT_") || len(s.Text) < 5 || !strings.HasSuffix(s.Text, ".") {
			t.Errorf("undocumented: %+v", s)
		}
		if !strings.Contains(config.Markdown(), "`"+s.Key+"`") {
			t.Errorf("%s is missing in the table", s.Key)
		}
	}
	text := config.Text(c)
	if strings.Contains(text, "topsecret") || !strings.Contains(text, "CHAT_DATABASE_URL=mysql://u:(hidden)@h:1/chat_{service}\n") ||
		!strings.Contains(text, "CHAT_NATS_URL=nats://a:(hidden)@h:1,nats://b:(hidden)@h:2\n") || !strings.Contains(text, "CHAT_ADMIN_PASSWORD=(hidden)\n") {
		t.Fatal(text)
	}
}
