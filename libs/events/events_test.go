package events

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

const (
	ada  = "01a2092b-0000-7000-8000-00000000000a"
	conv = "01a2092b-0000-7000-8000-0000000000c0"
)

// Append is json.Marshal by hand and must not differ from it.
func TestAppend(t *testing.T) {
	committed := Committed{Epoch: "0123456789abcdef", Changes: []Change{
		{Type: TypeMessageCreated, Time: at, Data: json.RawMessage(`{"body":"x"}`), Logs: []LogPlace{{ada, 1}, {conv, 18446744073709551615}}},
		{Type: TypeConversationRead, Time: at.Truncate(time.Second), Data: json.RawMessage(`{}`), Logs: []LogPlace{{ada, 2}}},
	}}
	want, err := json.Marshal(committed)
	if got := committed.Append([]byte("x")); err != nil || string(got) != "x"+string(want) {
		t.Errorf("%s, want %s, %v", got, want, err)
	}

	for _, when := range []time.Time{at, at.Truncate(time.Second), at.In(time.FixedZone("", 3600))} {
		for _, data := range []string{`{}`, `{"body":"\u003cb\u003e \"x\" 👋"}`} {
			e := Entry{Cursor: "0123456789abcdef-42", Seq: 18446744073709551615, Type: TypeMessageCreated, Time: when, Data: json.RawMessage(data)}
			want, err := json.Marshal(e)
			if got := e.Append([]byte("x")); err != nil || string(got) != "x"+string(want) {
				t.Errorf("%s, want %s, %v", got, want, err)
			}
		}
	}
}

// Each golden file is what some process may still be sending or storing:
// append to this list and to testdata, never change what is there.
var golden = map[string]any{
	"registered.json":      &Registered{UserID: ada, Username: "ada", DisplayName: "Ada Lovelace", CreatedAt: at},
	"deleted.json":         &Deleted{UserID: ada, Erase: true, At: at},
	"session_revoked.json": &SessionRevoked{UserID: ada, SessionID: conv, Reason: "signed-out", At: at},
	"mail_requested.json": &MailRequested{
		Kind: "reset-password", UserID: ada, To: "ada@example.org", Name: "Ada Lovelace", Token: "secret", Device: "Firefox on Linux", ExpiresAt: &at, At: at,
	},
	"profile_changed.json": &ProfileChanged{UserID: ada, Username: "ada", DisplayName: "Ada Lovelace", Version: 3},
	"block_changed.json":   &BlockChanged{UserID: ada, BlockedID: conv, Blocked: true, Version: 3},
	"profile_changed.picture.json": &ProfileChanged{
		UserID: ada, Username: "ada", DisplayName: "Ada Lovelace", StatusText: "At sea", PictureID: conv, Version: 4,
	},
	"privacy_changed.json":   &PrivacyChanged{UserID: ada, ShowReadReceipts: true, Version: 3},
	"seen.json":              &Seen{UserIDs: []string{ada, conv}},
	"message.created.json":   &Message{ID: ada, ConversationID: conv, Seq: 7, SenderID: ada, ClientID: conv, Body: "Hello, \"Ben\" 👋", CreatedAt: at},
	"conversation.read.json": &ConversationRead{ConversationID: conv, UserID: ada, ReadSeq: 7},
	"message.erased.json":    &MessageErased{ConversationID: conv, Seq: 7, MessageID: ada},
	"logged.json": &Entry{
		Cursor: "0123456789abcdef-42", Seq: 42, Type: TypeConversationRead, Time: at,
		Data: json.RawMessage(`{"conversation_id":"` + conv + `","user_id":"` + ada + `","read_seq":7}`),
	},
	"committed.json": &Committed{Epoch: "0123456789abcdef", Changes: []Change{{
		Type: TypeConversationRead, Time: at, Data: json.RawMessage(`{"conversation_id":"` + conv + `","user_id":"` + ada + `","read_seq":7}`),
		Logs: []LogPlace{{UserID: ada, Seq: 42}},
	}}},
	"person_changed.json": &PersonChanged{UserID: ada, Tell: []string{ada, conv}},
	"typing.json":         &Typing{ConversationID: conv, UserID: ada},
}

// A golden file decodes to the value and the value encodes to the file: a
// renamed, retyped or removed field fails here. CHATAPP_GOLDEN=new writes the
// files that are missing, and only those.
func TestGolden(t *testing.T) {
	for name, want := range golden {
		path := filepath.Join("testdata", name)
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetIndent("", "  ")
		if err := enc.Encode(want); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) && os.Getenv("CHATAPP_GOLDEN") == "new" {
			data, err = text.Bytes(), os.WriteFile(path, text.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatalf("%v (a new event type? CHATAPP_GOLDEN=new go test ./libs/events)", err)
		}
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(got); err != nil {
			t.Errorf("%s: a field that was sent is not read any more: %v", name, err)
		}
		if !bytes.Equal(compact(t, text.Bytes()), compact(t, data)) {
			t.Errorf("%s changed:\n%s\nwas\n%s", name, text.Bytes(), data)
		}
	}
}

// Every golden file belongs to a type: none was dropped with its test.
func TestNoGoldenFileIsOrphaned(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if golden[f.Name()] == nil {
			t.Errorf("testdata/%s has no type any more", f.Name())
		}
	}
}

func TestSubjectsBelongToTheirStreams(t *testing.T) {
	if got := Subject(ServiceMessages, NameLogged, ada); got != "chat.messages.v1.logged."+ada {
		t.Error(got)
	}
	for stream, subjects := range Streams {
		if len(subjects) != 1 {
			t.Errorf("%s: %v", stream, subjects)
		}
	}
}

func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
