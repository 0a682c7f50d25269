package compose

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"chatapp/libs/config"
	"chatapp/libs/topology"
)

// example is .env.example: the value shown by key, in two parts.
func example(t *testing.T) (used, elsewhere map[string]string) {
	t.Helper()
	used, elsewhere = map[string]string{}, map[string]string{}
	mine, others, ok := strings.Cut(read(t, ".env.example"), "# --- not here ")
	if !ok {
		t.Fatal(".env.example: no part called 'not here'")
	}
	for text, into := range map[string]map[string]string{mine: used, others: elsewhere} {
		for _, m := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(text, -1) {
			into[m[1]] = m[2]
		}
	}
	return used, elsewhere
}

// authAlone are the settings that no other service gets.
var authAlone = []string{"CHAT_CONFIRM_EMAIL", "CHAT_SIGN_UP", "CHAT_DELETED_MESSAGES", "CHAT_SMTP_URL", "CHAT_SMTP_PASSWORD", "CHAT_MAIL_FROM", "CHAT_OIDC_PROVIDERS", "CHAT_OIDC_SECRETS"}

// shown are values of .env.example that are not the default of libs/config, but
// the one of docker-compose.yml.
var shown = []string{"CHAT_LOG_FORMAT", "CHAT_TRUSTED_PROXIES"}

func TestEnvExampleHasEveryKey(t *testing.T) {
	used, elsewhere := example(t)
	for _, s := range config.Describe(config.Config{}) {
		value, ok := used[s.Key]
		if !ok {
			value, ok = elsewhere[s.Key]
		}
		if !ok {
			t.Errorf(".env.example lacks %s", s.Key)
		} else if value != s.Default && !slices.Contains(shown, s.Key) {
			t.Errorf(".env.example: %s=%s, the default is %q", s.Key, value, s.Default)
		}
	}
	known := config.Describe(config.Config{})
	for key := range elsewhere {
		if !slices.ContainsFunc(known, func(s config.Setting) bool { return s.Key == key }) {
			t.Errorf(".env.example: %s is no key", key)
		}
	}
}

// What .env may set arrives, and what it may not set does not; every variable
// of docker-compose.yml is in .env.example.
func TestSettingsArrive(t *testing.T) {
	used, elsewhere := example(t)
	var env []string
	for key := range used {
		env = append(env, key+"=12345")
	}
	for key := range elsewhere {
		env = append(env, key+"=never")
	}
	services := load(t, env...).Services
	for _, name := range topology.Services() {
		for key := range used {
			value := services[name].Environment[key]
			if (strings.HasPrefix(key, "CHAT_") || strings.HasPrefix(key, "OTEL_")) && (value == nil || *value != "12345") {
				if name != topology.Auth && slices.Contains(authAlone, key) {
					continue
				}
				t.Errorf("%s does not reach %s", key, name)
			}
		}
		for key, value := range services[name].Environment {
			if value != nil && *value == "never" {
				t.Errorf("%s reaches %s: it belongs to the first part of .env.example", key, name)
			}
		}
	}
	for _, m := range regexp.MustCompile(`\$\{([A-Z0-9_]+)`).FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		if _, ok := used[m[1]]; !ok {
			t.Errorf(".env.example lacks %s of docker-compose.yml", m[1])
		}
	}
}
