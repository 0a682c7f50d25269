package audit

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chatapp/libs/id"
)

// eachWithDetail is each for a log that has the column detail.
func eachWithDetail(t *testing.T, fn func(b *book)) {
	t.Helper()
	tables := fstest.MapFS{}
	err := fs.WalkDir(schema(t), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		sql, err := fs.ReadFile(schema(t), path)
		at := bytes.Index(sql, []byte("user_agent"))
		end := at + bytes.Index(sql[at:], []byte("NOT NULL")) + len("NOT NULL")
		tables[path] = &fstest.MapFile{Data: []byte(string(sql[:end]) + ", detail TEXT NOT NULL" + string(sql[end:]))}
		return err
	})
	if err != nil || len(tables) != 2 {
		t.Fatalf("%d dialects, %v", len(tables), err)
	}
	eachOf(t, true, tables, fn)
}

// The hashes of rows without a detail are what they were before there were any:
// what was sealed once stays sound. The numbers were reckoned by another program.
func TestHashesAreForEver(t *testing.T) {
	ids := make([]id.ID, 3)
	for i := range ids {
		v, err := id.Parse(fmt.Sprintf("01890000-0000-7000-8000-00000000000%d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = v
	}
	at, detail := time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC), `{"user":"x"}`
	for want, r := range map[string]Row{
		"1d66f49abdb1c6589199e976f2221244fcd8776a7a6eb70abd646ca04191b44a": {
			ID: ids[0], At: at, Event: "login", AccountID: &ids[1], SessionID: &ids[2], IP: "192.0.2.1", UserAgent: "Firefox; 🦊",
		},
		"61e90e4a843445dee07e9af9bd3f9db99c533adbf865d6b4a6733b6816e451c5": {ID: ids[0], At: at, Event: "login-failed", IP: "192.0.2.1"},
		"cb51c6bd3651e3ab648101523c6bf9883c5ad16495ca61c02be7184b7b641aa5": {
			ID: ids[0], At: at, Event: "reported", AccountID: &ids[1], SessionID: &ids[2], IP: "192.0.2.1", Detail: &detail,
		},
	} {
		if got := r.hash().String(); got != want {
			t.Errorf("%s: %s, want %s", r.Event, got, want)
		}
	}
}

// What a row says besides who and when is sealed with it.
func TestDetailIsSealed(t *testing.T) {
	const row = 4 // in seal 2
	for name, do := range map[string]func(b *book){
		"another": func(b *book) { b.exec("UPDATE audit_log SET detail = '{}' WHERE id = ?", b.rows[row].ID) },
		"none":    func(b *book) { b.exec("UPDATE audit_log SET detail = '' WHERE id = ?", b.rows[row].ID) },
		"exchanged": func(b *book) {
			b.exec("UPDATE audit_log SET detail = ? WHERE id = ?", *b.rows[row].Detail, b.rows[row+1].ID)
			b.exec("UPDATE audit_log SET detail = ? WHERE id = ?", *b.rows[row+1].Detail, b.rows[row].ID)
		},
		"moved to the agent": func(b *book) {
			b.exec("UPDATE audit_log SET user_agent = ?, detail = '' WHERE id = ?", b.rows[row].UserAgent+*b.rows[row].Detail, b.rows[row].ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachWithDetail(t, func(b *book) {
				b.sound()
				do(b)
				if name == "exchanged" { // the two have no order that is sure
					b.finds("of seal 2")
					return
				}
				b.finds(fmt.Sprintf("row %s of seal 2", b.rows[row].ID))
			})
		})
	}
	t.Run("with its hash", func(t *testing.T) {
		eachWithDetail(t, func(b *book) {
			b.sound()
			r, none := b.rows[row], "{}"
			r.Detail = &none
			h := r.hash()
			b.exec("UPDATE audit_log SET detail = '{}' WHERE id = ?", r.ID)
			b.exec("UPDATE audit_seal_rows SET row_hash = ? WHERE row_id = ?", h[:], r.ID)
			b.finds("seal 2 of")
		})
	})
}

// An exported detail is to the letter what was sealed: whoever has the copy can
// reckon its hash.
func TestDetailIsExported(t *testing.T) {
	eachWithDetail(t, func(b *book) {
		b.sound()
		for i, e := range b.export(Span{}) {
			back := Row{ID: e.ID, At: e.At, Event: e.Event, AccountID: e.AccountID, SessionID: e.SessionID, IP: e.IP, UserAgent: e.UserAgent, Detail: e.Detail}
			if e.Detail == nil || *e.Detail != *b.rows[i].Detail || e.Hash != back.hash().String() {
				b.t.Errorf("entry %d: %+v", i, e)
			}
		}
	})
}

// What a client says of itself is cut to what the columns hold, nobody is no
// account, and a row written by a db.Insert is the same.
func TestNewRow(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Microsecond)
	r := NewRow(at, "x", By{IP: strings.Repeat("1", 60), UserAgent: "\xff" + strings.Repeat("é", 200)}, "{}")
	if r.AccountID != nil || r.SessionID != nil || len(r.IP) != 45 || r.UserAgent != strings.Repeat("é", 127) || *r.Detail != "{}" {
		t.Errorf("%+v", r)
	}
	if values := r.Values(); len(values) != len(Columns) || values[3] != nil || values[7] != "{}" {
		t.Errorf("%v", values)
	}
	by := By{Account: id.New(), Session: id.New()}
	if r := NewRow(at, "x", by, "{}"); *r.AccountID != by.Account || *r.SessionID != by.Session || r.Values()[3] != by.Account || r.Values()[4] != by.Session {
		t.Errorf("%+v", r)
	}
}
