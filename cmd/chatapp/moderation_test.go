package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatapp/internal/client"
)

// Beside a running ChatApp: how long messages are kept is said and changed by
// command, and the console sees the same.
func TestRetentionBesideARunningChatApp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	env := []string{"CHAT_DATA_DIR=" + dir}
	a := startApp(t, dir)
	retention := func(args ...string) string {
		t.Helper()
		r := runProgram(t, env, "", append([]string{"admin", "retention"}, args...)...)
		if r.code != 0 {
			t.Fatalf("%v: %+v", args, r)
		}
		return strings.TrimSpace(r.out)
	}
	boss := client.New(client.At(a.url))
	signUp(t, boss, "boss-1")
	runProgram(t, env, "", "admin", "role", "boss-1", "admin")
	if err := boss.Login(t.Context(), "boss-1"); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Days          int
		TakesEffectAt *time.Time `json:"takes_effect_at"`
	}
	look := func() {
		t.Helper()
		seen.TakesEffectAt = nil
		if err := boss.JSON(t.Context(), "GET", "/api/v1/moderation/retention", nil, &seen); err != nil {
			t.Fatal(err)
		}
	}
	if out := retention(); out != "messages are kept for ever" {
		t.Error(out)
	}
	wantError(t, runProgram(t, env, "", "admin", "retention", "--days", "30"), "up to 0 texts", "--yes")
	if look(); seen.Days != 0 {
		t.Errorf("%+v", seen)
	}
	if out := retention("--days", "30", "--yes"); !strings.HasPrefix(out, "messages are kept for 30 days\nfrom ") || !strings.HasSuffix(out, "until then for ever") {
		t.Error(out)
	}
	if look(); seen.Days != 30 || seen.TakesEffectAt == nil {
		t.Errorf("%+v", seen)
	}
	if out := retention("--forever"); out != "messages are kept for ever" {
		t.Error(out)
	}
	if look(); seen.Days != 0 || seen.TakesEffectAt != nil {
		t.Errorf("%+v", seen)
	}
	wantError(t, runProgram(t, env, "", "admin", "retention", "--days", "4000"), "3650")
	wantError(t, runProgram(t, env, "", "admin", "retention", "--days", "3", "--forever"), "not both")
}

func signUp(t *testing.T, c *client.Client, name string) {
	t.Helper()
	if err := c.Register(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// A moderator removes a message: the sockets of both people hear of it, once and
// in order, whoever was away hears of it on coming back, and wherever it is read
// again it has no text.
func TestRemovalReachesEveryDevice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	a := startApp(t, dir)
	site := client.At(a.url)
	ada, ben, mona := client.New(site), client.New(site), client.New(site)
	signUp(t, ada, "ada-1")
	signUp(t, ben, "ben-1")
	signUp(t, mona, "mona-1")
	runProgram(t, []string{"CHAT_DATA_DIR=" + dir}, "", "admin", "role", "mona-1", "moderator")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(mona.Login(ctx, "mona-1"))
	connect := func(c *client.Client, o client.Options) *client.Device {
		t.Helper()
		d, err := c.Connect(ctx, o)
		must(err)
		t.Cleanup(d.Close)
		return d
	}
	devices := []*client.Device{connect(ada, client.Options{}), connect(ben, client.Options{}), connect(ben, client.Options{Payload: "id"})}
	m, _, err := ada.Post(ctx, ben.ID(), client.NewID(), "not for everybody")
	must(err)
	must(devices[1].WaitMessages(ctx, 1))
	away := devices[1].View().Entries[0].Cursor // what somebody knew who left here

	var report struct{ ID string }
	must(ben.JSON(ctx, "POST", "/api/v1/reports", map[string]string{"message_id": m.ID, "reason": "illegal"}, &report))
	must(mona.JSON(ctx, "POST", "/api/v1/moderation/reports/"+report.ID+"/close", map[string]string{"decision": "removed"}, nil))
	after, _, err := ben.Post(ctx, ada.ID(), client.NewID(), "what was that?")
	must(err)

	erased := func(e client.Entry) bool {
		var data struct {
			ConversationID string `json:"conversation_id"`
			MessageID      string `json:"message_id"`
			Seq            uint64
		}
		return e.Type == "message.erased" && json.Unmarshal(e.Data, &data) == nil &&
			data.ConversationID == m.ConversationID && data.MessageID == m.ID && data.Seq == m.Seq
	}
	devices = append(devices, connect(ben, client.Options{Cursor: away}))
	for i, d := range devices {
		must(d.Wait(ctx, "the message after", func(v client.View) bool {
			return slices.ContainsFunc(v.Messages, func(m client.Message) bool { return m.ID == after.ID })
		}))
		v := d.View()
		found := slices.IndexFunc(v.Entries, erased)
		if found < 0 || found != len(v.Entries)-2 || len(v.Faults) > 0 || v.Resyncs > 0 || slices.ContainsFunc(v.Entries[found+1:], erased) {
			t.Errorf("device %d saw %+v", i, v)
		}
	}
	for _, c := range []*client.Client{ada, ben} {
		page, err := c.Page(ctx, m.ConversationID, 0, 15)
		must(err)
		if len(page.Items) != 2 || page.Items[0].Body != "" || page.Items[1].Body != "what was that?" {
			t.Errorf("%+v", page.Items)
		}
		all, _, err := c.Events(ctx, "")
		must(err)
		if len(all) != 3 || !erased(all[1]) {
			t.Errorf("%+v", all)
		}
		if first, ok := all[0].Message(); !ok || first.Body != "" {
			t.Errorf("the log still says %+v", first)
		}
	}
}
