package messages

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
	"chatapp/libs/testkit"
)

// idle runs fn in a world whose service does nothing in the background, so that
// the test decides when an attempt begins.
func idle(t *testing.T, fn func(w *world)) {
	testkit.EachDB(t, Migrations, func(t *testing.T, d *db.DB) {
		deps, tokens := testkit.Deps(t, d)
		w := &world{t: t, deps: deps, tokens: tokens}
		w.svc = w.replica()
		w.ada, w.ben, w.eve = w.person("ada", "Ada Lovelace"), w.person("ben", "Ben"), w.person("eve", "Eve")
		fn(w)
	})
}

// replica is one more service that does nothing in the background.
func (w *world) replica() *Service {
	w.t.Helper()
	deps := w.deps
	deps.Metrics = nil
	svc, err := New(deps)
	must(w.t, err)
	svc.exports.renew = 5 * time.Millisecond
	return svc
}

type answerData func(context.Context, events.DataRequest) (any, error)

// answers plays another service until the test ends, or stop is called.
func (w *world) answers(subject string, handle answerData) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- w.deps.Bus.Serve(ctx, subject, strings.Split(subject, ".")[1], func(ctx context.Context, data []byte) (any, error) {
			var r events.DataRequest
			if err := json.Unmarshal(data, &r); err != nil || r.UserID == "" {
				return nil, errs.New(errs.NotFound, "There is no such account.")
			}
			return handle(ctx, r)
		})
	}()
	testkit.Eventually(w.t, 10*time.Second, func() bool {
		return errs.Is(w.deps.Bus.Request(w.t.Context(), subject, events.DataRequest{}, nil), errs.NotFound)
	})
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("serving %s: %v", subject, err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// account answers as auth does: an object, and lists over several pages.
func account(_ context.Context, r events.DataRequest) (any, error) {
	switch r.After {
	case "":
		return events.DataReply{Next: "2", Files: []events.DataFile{
			{Name: "account.json", JSON: raw(fmt.Sprintf(`{"id":%q,"username":"<ada>"}`, r.UserID))},
			{Name: "sessions.json", Items: []json.RawMessage{raw(`{"device":1}`)}},
		}}, nil
	case "2":
		return events.DataReply{Next: "3", Files: []events.DataFile{{Name: "activity.json", Items: []json.RawMessage{raw(`1`), raw(`2`)}}}}, nil
	}
	return events.DataReply{Files: []events.DataFile{{Name: "activity.json", Items: []json.RawMessage{raw(`3`)}}}}, nil
}

var picture = []byte{0xff, 0xd8, 1, 2, 3}

// profile answers as users does.
func profile(_ context.Context, r events.DataRequest) (any, error) {
	if r.After == "" {
		return events.DataReply{Next: "2", Files: []events.DataFile{{Name: "profile.json", JSON: raw(`{"status_text":"at sea"}`)}, {Name: "picture.jpg", Bytes: picture}}}, nil
	}
	return events.DataReply{Files: []events.DataFile{{Name: "blocks.json"}}}, nil
}

func (w *world) others() {
	w.t.Helper()
	w.answers(events.RPCAccountData, account)
	w.answers(events.RPCProfileData, profile)
}

func (w *world) ask(as actor, status int) (v exportView) {
	w.t.Helper()
	w.call(as, "POST", "/api/v1/data-exports", nil).Want(status).JSON(&v)
	return v
}

// asked is the newest export; the zero one for none.
func (w *world) asked(as actor) exportView {
	w.t.Helper()
	var page struct{ Export *exportView }
	w.call(as, "GET", "/api/v1/data-exports", nil).Want(200).JSON(&page)
	if page.Export == nil {
		return exportView{}
	}
	return *page.Export
}

func (w *world) becomes(as actor, state string) exportView {
	w.t.Helper()
	var v exportView
	testkit.Eventually(w.t, 30*time.Second, func() bool {
		v = w.asked(as)
		return v.State == state
	})
	return v
}

func filePath(v exportView) string { return "/api/v1/data-exports/" + v.ID + "/file" }

// download opens the file that a person gets.
func (w *world) download(as actor, v exportView) map[string][]byte {
	w.t.Helper()
	res := w.call(as, "GET", filePath(v), nil).Want(200)
	for name, want := range map[string]string{
		"Content-Type": "application/zip", "Content-Length": strconv.Itoa(len(res.Body)), "Cache-Control": "private, no-store",
		"Content-Disposition": `attachment; filename="chatapp-data.zip"`, "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header.Get(name); got != want {
			w.t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if uint64(len(res.Body)) != v.Size {
		w.t.Errorf("%d bytes of %d", len(res.Body), v.Size)
	}
	z, err := zip.NewReader(bytes.NewReader(res.Body), int64(len(res.Body)))
	must(w.t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		must(w.t, err)
		data, err := io.ReadAll(r) // checks the sum, too
		must(w.t, err)
		if _, twice := files[f.Name]; twice {
			w.t.Errorf("%s is there twice", f.Name)
		}
		if strings.HasSuffix(f.Name, ".json") && !json.Valid(data) {
			w.t.Errorf("%s is no JSON: %s", f.Name, data)
		}
		files[f.Name] = data
	}
	return files
}

func decode[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return v
}

func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// history is a whole conversation, as the API has it.
func (w *world) history(as actor, conversation string) (all []events.Message) {
	w.t.Helper()
	for after := uint64(0); ; {
		var page messagePage
		w.call(as, "GET", fmt.Sprintf("/api/v1/conversations/%s/messages?limit=100&after=%d", conversation, after), nil).Want(200).JSON(&page)
		all = append(all, page.Items...)
		if !page.HasNewer {
			return all
		}
		after = page.Items[len(page.Items)-1].Seq
	}
}

type conversationFile struct {
	Conversation exportedConversation
	Messages     []events.Message
}

// The file holds what the API shows this person, no more and no less: all
// conversations of all lists with every message, and what the others answer.
func TestDataExport(t *testing.T) {
	each(t, func(w *world) {
		w.others()
		zoe := w.person("zoe", "Zoë <b>")
		w.policy(w.ada, "everyone", true)
		w.post(w.ben, w.ada, "a request, left open")
		ignored := w.post(w.eve, w.ada, "a request, put aside")
		w.decide(w.ada, ignored.ConversationID, "ignore")
		long := w.post(w.ada, zoe, "Hello <Zoë> & all\n👩‍💻 \u2028")
		for i := range exportMessages + 5 {
			w.post(zoe, w.ada, fmt.Sprint(i, noise(2000)))
		}
		w.read(w.ada, long.ConversationID, 7)
		w.post(w.ada, w.ada, "my notes")
		w.post(w.ben, w.eve, "between Ben and Eve")
		var empty conversationView
		w.call(w.person("dan", "Dan"), "POST", "/api/v1/conversations", fields{"user_id": w.ada.id}).Want(200).JSON(&empty)
		w.call(w.ada, "POST", "/api/v1/reports", fields{"message_id": ignored.ID, "reason": "spam", "note": "pills"}).Want(201)
		w.block(w.ada, zoe, true, 1)

		v := w.ask(w.ada, 202)
		if v.State != "waiting" || v.Size != 0 || v.ExpiresAt != nil {
			w.t.Errorf("%+v", v)
		}
		v = w.becomes(w.ada, "ready")
		files := w.download(w.ada, v)

		total := uint64(0)
		shown := append(w.conversations(w.ada), w.listed(w.ada, "ignored")...)
		index := decode[[]exportedConversation](w.t, files["conversations.json"])
		if len(index) != 4 || len(shown) != 4 {
			w.t.Fatalf("%d conversations in the file, %d in the lists", len(index), len(shown))
		}
		byID := map[string]exportedConversation{}
		for _, c := range index {
			byID[c.ID] = c
		}
		for _, c := range shown {
			want := exportedConversation{
				ID: c.ID, File: "conversations/" + c.ID + ".json", Kind: c.Kind, With: c.Peer, Messages: c.LastSeq, ReadSeq: c.ReadSeq,
				Request: c.Request, Blocked: c.Blocked, CreatedAt: c.CreatedAt,
			}
			file := decode[conversationFile](w.t, files[want.File])
			if byID[c.ID] != want || file.Conversation != want {
				w.t.Errorf("in the index %+v\nin the file  %+v\nwant         %+v", byID[c.ID], file.Conversation, want)
			}
			if got, want := fmt.Sprint(file.Messages), fmt.Sprint(w.history(w.ada, c.ID)); got != want {
				w.t.Errorf("with %s: %.200s\nwant %.200s", c.Peer.Username, got, want)
			}
			total += c.LastSeq
			delete(files, want.File)
		}
		if v.Done != total || v.Total != total || total != exportMessages+9 {
			w.t.Errorf("%d of %d messages, there are %d", v.Done, v.Total, total)
		}
		if until := time.Until(*v.ExpiresAt); until < exportLife-time.Hour || until > exportLife {
			w.t.Errorf("until %v", v.ExpiresAt)
		}
		w.wantOwn(files)
		want := []string{fmt.Sprintf(`data-export-requested {"export":%q}`, v.ID), fmt.Sprintf(`data-export-downloaded {"export":%q}`, v.ID)}
		if got := w.audits(); len(got) < 2 || !slices.Equal(got[len(got)-2:], want) {
			w.t.Errorf("%q", got)
		}
		if n := count(w, "data_export_parts"); n < 2 {
			w.t.Errorf("%d pieces: the file is too small for this test", n)
		}
	})
}

// wantOwn checks the files besides those of the conversations.
func (w *world) wantOwn(files map[string][]byte) {
	w.t.Helper()
	for name, want := range map[string]string{
		"account.json":           fmt.Sprintf(`{"id":%q,"username":"<ada>"}`, w.ada.id),
		"sessions.json":          `[{"device":1}]`,
		"activity.json":          `[1,2,3]`,
		"profile.json":           `{"status_text":"at sea"}`,
		"blocks.json":            `[]`,
		"messages-settings.json": `{"contact_policy":{"ask_first":true,"who_may_write":"everyone"},"show_read_receipts":true}`,
		"conversations.json":     "", "reports.json": "", "messages-activity.json": "", "picture.jpg": "", "README.txt": "",
	} {
		data, there := files[name]
		if !there {
			w.t.Errorf("%s is missing", name)
		}
		if want != "" {
			got, err := json.Marshal(decode[any](w.t, data))
			must(w.t, err)
			expected, err := json.Marshal(decode[any](w.t, []byte(want)))
			must(w.t, err)
			if string(got) != string(expected) {
				w.t.Errorf("%s: %s, want %s", name, got, expected)
			}
		}
		delete(files, name)
	}
	if len(files) > 0 {
		w.t.Errorf("what else is there: %v", files)
	}
}

// Lists that are read in several pages are whole, whatever their order.
func TestDataExportOfLongLists(t *testing.T) {
	each(t, func(w *world) {
		w.others()
		const many = mydata.PageSize + 5
		var acts []audit.Row
		var batch []*write
		for i := range many {
			row := audit.NewRow(now().Add(-time.Duration(i/3)*time.Second), "x", auditor{Account: w.ada.id}, "{}") // the later made, the earlier
			acts = append(acts, row)
			other := id.New()
			_, err := w.svc.store.savePerson(w.t.Context(), other, events.ProfileChanged{UserID: other.String(), Username: fmt.Sprint("u", i), Version: 1})
			must(w.t, err)
			where, err := w.svc.direct.open(w.t.Context(), w.ada.id, other)
			must(w.t, err)
			batch = append(batch, &write{where: where, sender: w.ada.id, clientID: id.New(), body: "x"})
			must(w.t, w.deps.DB.W.Exec("INSERT INTO reports (id, state, reporter_id, user_id, body, reason, note, created_at, decision_note) VALUES (?, 0, ?, ?, '', 'spam', '', ?, '')",
				id.New(), w.ada.id, other, now()).Error)
		}
		must(w.t, audit.Insert(w.deps.DB.W, acts...))
		for chunk := range slices.Chunk(batch, maxBatch) {
			_, err := w.svc.store.commit(w.t.Context(), chunk)
			must(w.t, err)
		}
		w.ask(w.ada, 202)
		files := w.download(w.ada, w.becomes(w.ada, "ready"))
		read := decode[[]mydata.Act](w.t, files["messages-activity.json"])
		if len(read) != many+1 || !slices.IsSortedFunc(read, func(a, b mydata.Act) int { return a.At.Compare(b.At) }) {
			w.t.Errorf("%d acts of %d, or not in their order", len(read), many+1)
		}
		index := decode[[]exportedConversation](w.t, files["conversations.json"])
		reports := decode[[]exportedReport](w.t, files["reports.json"])
		different := map[string]bool{}
		for _, c := range index {
			different[c.ID] = true
		}
		for _, r := range reports {
			different[r.ID] = true
		}
		if len(index) != many || len(reports) != many || len(different) != 2*many {
			w.t.Errorf("%d conversations and %d reports, %d different, want %d of each", len(index), len(reports), len(different), many)
		}
	})
}

// What is one's own of reports and of the audit log is in the file, and nothing
// of what came of it.
func TestDataExportOfReports(t *testing.T) {
	each(t, func(w *world) {
		w.others()
		m := w.post(w.eve, w.ada, "buy pills")
		var r struct{ ID string }
		w.call(w.ada, "POST", "/api/v1/reports", fields{"message_id": m.ID, "reason": "spam", "note": "pills"}).Want(201).JSON(&r)
		w.call(w.ben, "POST", "/api/v1/reports", fields{"user_id": w.ada.id, "reason": "other", "note": "she is loud"}).Want(201)
		w.call(w.staff("moderator"), "POST", "/api/v1/moderation/reports/"+r.ID+"/close", fields{"decision": "suspended", "note": "third time"}).Want(200)
		w.ask(w.ada, 202)
		files := w.download(w.ada, w.becomes(w.ada, "ready"))
		reports := decode[[]exportedReport](w.t, files["reports.json"])
		if len(reports) != 1 || reports[0].ID != r.ID || reports[0].About.Username != "eve" || reports[0].MessageID != m.ID || reports[0].Note != "pills" {
			w.t.Errorf("%+v", reports)
		}
		acts := decode[[]mydata.Act](w.t, files["messages-activity.json"])
		if len(acts) != 2 || acts[0].Event != "reported" || acts[1].Event != "data-export-requested" || acts[1].IP == "" {
			w.t.Errorf("%+v", acts)
		}
		for name, data := range files {
			for _, secret := range []string{"third time", "suspended", "she is loud", "moderator\""} {
				if containsText(data, secret) {
					w.t.Errorf("%s holds %q", name, secret)
				}
			}
		}
	})
}

// A file is its owner's: to others it is not there. It can be withdrawn, is
// replaced by the next, and is no file before it is ready.
func TestDataExportIsTheOwners(t *testing.T) {
	idle(t, func(w *world) {
		w.others()
		v := w.ask(w.ada, 202)
		w.call(w.ada, "GET", filePath(v), nil).WantProblem(errs.Conflict)
		w.one(true)
		for _, path := range []string{filePath(v), filePath(exportView{ID: id.New().String()})} {
			w.call(w.ben, "GET", path, nil).WantProblem(errs.NotFound)
			w.call(w.ben, "DELETE", strings.TrimSuffix(path, "/file"), nil).WantProblem(errs.NotFound)
		}
		if got := w.asked(w.ben); got.ID != "" {
			w.t.Errorf("%+v", got)
		}
		w.download(w.ada, w.asked(w.ada))

		next := w.ask(w.ada, 202)
		w.call(w.ada, "GET", filePath(v), nil).WantProblem(errs.NotFound)
		if n := count(w, "data_export_parts"); n != 0 || next.ID == v.ID {
			w.t.Errorf("%d pieces are left of the old file", n)
		}
		w.one(true)
		w.call(w.ada, "DELETE", "/api/v1/data-exports/"+next.ID, nil).Want(204)
		w.call(w.ada, "DELETE", "/api/v1/data-exports/"+next.ID, nil).WantProblem(errs.NotFound)
		if got, n := w.asked(w.ada), count(w, "data_export_parts"); got.ID != "" || n != 0 {
			w.t.Errorf("%+v, %d pieces", got, n)
		}
		w.one(false)
	})
}

// one lets the service make one file, or find that there is none to make.
func (w *world) one(want bool) {
	w.t.Helper()
	if worked, err := w.svc.exports.one(w.t.Context()); err != nil || worked != want {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
}

// Whoever asks while one is under way gets that one, however many ask at once, and
// that does not count. The sixth of a day waits exactly until the first is a day old.
func TestDataExportsAreLimited(t *testing.T) {
	idle(t, func(w *world) {
		second := w.replica()
		var fresh atomic.Int64
		var ids sync.Map
		var wg sync.WaitGroup
		for i := range 10 {
			h := w.svc.Handler()
			if i%2 == 1 {
				h = second.Handler()
			}
			wg.Go(func() {
				var v exportView
				res := testkit.Call(w.t, h, "POST", "/api/v1/data-exports", w.ada.token, nil)
				if res.JSON(&v); res.Status == http.StatusAccepted {
					fresh.Add(1)
				}
				ids.Store(v.ID, true)
			})
		}
		wg.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if fresh.Load() != 1 || n != 1 {
			w.t.Fatalf("%d were new, %d ids", fresh.Load(), n)
		}
		for range exportsPerDay - 1 {
			w.call(w.ada, "DELETE", "/api/v1/data-exports/"+w.asked(w.ada).ID, nil).Want(204)
			w.ask(w.ada, 202)
		}
		w.ask(w.ada, 200)
		w.call(w.ada, "DELETE", "/api/v1/data-exports/"+w.asked(w.ada).ID, nil).Want(204)
		var first []id.ID
		must(w.t, w.deps.DB.R.Raw("SELECT id FROM audit_log WHERE event = ? AND account_id = ? ORDER BY id LIMIT 1", eventExportAsked, w.ada.id).Scan(&first).Error)
		age := func(d time.Duration) {
			w.t.Helper()
			must(w.t, w.deps.DB.W.Exec("UPDATE audit_log SET at = ? WHERE id = ?", now().Add(-d), first[0]).Error)
		}
		age(20 * time.Hour)
		res := w.call(w.ada, "POST", "/api/v1/data-exports", nil)
		res.WantProblem(errs.RateLimited)
		wait := res.Header.Get("Retry-After")
		if n, err := strconv.Atoi(wait); err != nil || n < 4*3600-60 || n > 4*3600+1 {
			w.t.Errorf("Retry-After: %q", wait)
		}
		w.ask(w.ben, 202) // others may
		age(24*time.Hour + time.Minute)
		w.ask(w.ada, 202)
	})
}

// What was left by a replica that died is done anew by the next one, once the
// lease is over and not before; one that stops in order leaves it at once.
func TestDataExportAfterACrash(t *testing.T) {
	idle(t, func(w *world) {
		w.answers(events.RPCProfileData, profile)
		w.post(w.ada, w.ben, "hello")
		v := w.ask(w.ada, 202)
		dead, ok, err := w.svc.store.claimExport(w.t.Context(), time.Hour) // and then it dies
		if err != nil || !ok {
			w.t.Fatal(ok, err)
		}
		for n := range 40 {
			must(w.t, w.svc.store.saveExportPart(w.t.Context(), dead, time.Hour, n, []byte("half a file")))
		}
		w.one(false)
		w.leaseIsOver()

		// The next one is told to stop in the middle.
		asked, free := make(chan struct{}), make(chan struct{})
		ctx, stop := context.WithCancel(w.t.Context())
		defer stop()
		end := w.answers(events.RPCAccountData, func(context.Context, events.DataRequest) (any, error) {
			close(asked)
			<-free
			return nil, errs.New(errs.Unavailable, "Not now.")
		})
		done := make(chan error, 1)
		go func() {
			_, err := w.svc.exports.one(ctx)
			done <- err
		}()
		<-asked
		if n := count(w, "data_export_parts"); n != 0 {
			w.t.Errorf("%d pieces of the attempt before", n)
		}
		stop()
		must(w.t, <-done)
		close(free)
		if got := w.asked(w.ada); got.State != "waiting" || got.ID != v.ID {
			w.t.Errorf("%+v", got)
		}
		end()
		w.answers(events.RPCAccountData, account)
		w.svc = w.replica()
		w.one(true)
		w.download(w.ada, w.asked(w.ada))
		if err := w.svc.store.saveExportPart(w.t.Context(), dead, time.Hour, 99, nil); err == nil {
			w.t.Error("the dead one writes")
		}
	})
}

// leaseIsOver is a minute later for whoever held an export.
func (w *world) leaseIsOver() {
	w.t.Helper()
	must(w.t, w.deps.DB.W.Exec("UPDATE data_exports SET lease_until = ?", now().Add(-time.Minute)).Error)
}
