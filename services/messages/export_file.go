package messages

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
)

const exportMessages = 200 // read at once, of up to 32 KB each

// archive is one attempt at a person's file. It is written from front to back:
// what it holds in memory is a page of messages, a piece of the file and a few
// hundred bytes for each conversation.
type archive struct {
	*exporter
	ctx      context.Context // of the attempt
	of       dataExport
	at       time.Time
	zip      *zip.Writer
	progress *progress
	plan     []planned
	list     *openList // the file that is open
}

// planned is a conversation as it was when the file was begun: what is written
// later is not in it, so that all that is said about numbers agrees.
type planned struct {
	id   id.ID
	last uint64
}

// write writes the whole file to w. What others have to say comes first: when
// they cannot be asked, nothing was done for nothing.
func (x *exporter) write(ctx context.Context, e dataExport, w io.Writer, p *progress) error {
	at, err := x.store.clock(x.store.db.R.WithContext(ctx))
	if err != nil {
		return err
	}
	a := &archive{exporter: x, ctx: ctx, of: e, at: at.Truncate(time.Second), zip: zip.NewWriter(w), progress: p}
	for _, step := range []func() error{
		a.readme,
		func() error { return a.foreign(events.RPCAccountData, reasonAccount) },
		func() error { return a.foreign(events.RPCProfileData, reasonProfile) },
		a.settings, a.reports,
		func() error { return a.paged(mydata.Activity("messages-activity.json", x.store.db)) },
		a.index, a.conversations,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return a.zip.Close()
}

// create begins the next file; the one before is complete.
func (a *archive) create(name string, method uint16) (io.Writer, error) {
	return a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: a.at})
}

func (a *archive) readme() error {
	w, err := a.create("README.txt", zip.Deflate)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.ReplaceAll(exportReadme, "{time}", a.at.Format("2 January 2006, 15:04 UTC")))
	return err
}

// object writes a file of one JSON value.
func (a *archive) object(name string, v any) error {
	w, err := a.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	data, err := plainJSON(v, "  ")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	return err
}

// openList is a JSON array that is written item by item, one a line.
type openList struct {
	w    io.Writer
	name string
	tail string
	n    int
}

// begin begins a file that ends in a list; head stands before it, tail after it.
func (a *archive) begin(name, head, tail string) error {
	w, err := a.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	a.list = &openList{w: w, name: name, tail: tail}
	_, err = io.WriteString(w, head)
	return err
}

func (a *archive) add(v any) error {
	data, err := plainJSON(v, "")
	if err != nil {
		return err
	}
	separator := ",\n"
	if a.list.n == 0 {
		separator = "\n"
	}
	a.list.n++
	_, err = io.WriteString(a.list.w, separator+string(data))
	return err
}

// end completes the list that is open, if one is.
func (a *archive) end() error {
	if a.list == nil {
		return nil
	}
	_, err := io.WriteString(a.list.w, "\n"+a.list.tail+"\n")
	a.list = nil
	return err
}

// plainJSON is JSON for people: < and & stay what they are.
func plainJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// foreign writes what another service keeps of the person. Error: a failure with
// the reason.
func (a *archive) foreign(subject, reason string) error {
	for after := ""; ; {
		var page events.DataReply
		if err := a.bus.Request(a.ctx, subject, events.DataRequest{UserID: a.of.UserID.String(), After: after}, &page); err != nil {
			return &failure{reason: reason, cause: err}
		}
		for _, f := range page.Files {
			if err := a.file(f); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return a.end()
		}
		if page.Next == after {
			return &failure{reason: reason, cause: errors.New("the answer to " + subject + " does not go on")}
		}
		after = page.Next
	}
}

func (a *archive) file(f events.DataFile) error {
	if a.list != nil && (a.list.name != f.Name || f.JSON != nil || f.Bytes != nil) {
		if err := a.end(); err != nil {
			return err
		}
	}
	switch {
	case f.JSON != nil:
		return a.object(f.Name, f.JSON)
	case f.Bytes != nil:
		w, err := a.create(f.Name, zip.Store) // a picture is compressed already
		if err == nil {
			_, err = w.Write(f.Bytes)
		}
		return err
	case a.list == nil:
		if err := a.begin(f.Name, "[", "]"); err != nil {
			return err
		}
	}
	for _, item := range f.Items {
		if err := a.add(item); err != nil {
			return err
		}
	}
	return nil
}

// settings is what this service keeps of what the person wants.
func (a *archive) settings() error {
	p, err := a.store.policy(a.ctx, a.of.UserID)
	if err != nil {
		return err
	}
	hidden, err := quiet(a.store.db.R.WithContext(a.ctx), []id.ID{a.of.UserID})
	if err != nil {
		return err
	}
	return a.object("messages-settings.json", map[string]any{"contact_policy": p.view(), "show_read_receipts": !hidden})
}

// exportedReport is a report as who made it knows it: not what came of it, which
// is the moderators' and the other person's business.
type exportedReport struct {
	ID        string     `json:"id"`
	About     personView `json:"about"`
	MessageID string     `json:"message_id,omitempty"`
	Reason    string     `json:"reason"`
	Note      string     `json:"note"`
	CreatedAt time.Time  `json:"created_at"`
}

func (a *archive) reports() error {
	return a.paged(mydata.List{File: "reports.json", Rows: func(ctx context.Context, user id.ID, after audit.Place, limit int) ([]mydata.Row, error) {
		list, err := a.store.reportsBy(ctx, user, after.ID, limit)
		return mydata.Rows(list, err, func(f filed) mydata.Row {
			v := f.view()
			item := exportedReport{ID: v.ID, About: v.Person, MessageID: v.MessageID, Reason: v.Reason, Note: v.Note, CreatedAt: v.CreatedAt}
			return mydata.Row{Place: audit.Place{ID: f.id}, Item: item}
		})
	}})
}

// paged writes a file that is a list.
func (a *archive) paged(l mydata.List) error {
	if err := a.begin(l.File, "[", "]"); err != nil {
		return err
	}
	for after := audit.Beginning(); ; {
		rows, err := l.Rows(a.ctx, a.of.UserID, after, mydata.PageSize)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := a.add(r.Item); err != nil {
				return err
			}
			after = r.Place
		}
		if len(rows) < mydata.PageSize {
			return a.end()
		}
	}
}

// exportedConversation is a conversation in the index, and at the head of its own
// file.
type exportedConversation struct {
	ID        string     `json:"id"`
	File      string     `json:"file"`
	Kind      string     `json:"kind"`
	With      personView `json:"with"`
	Messages  uint64     `json:"messages"`
	ReadSeq   uint64     `json:"read_seq"`
	Request   string     `json:"request"`
	Blocked   bool       `json:"blocked"`
	CreatedAt time.Time  `json:"created_at"`
}

func (c Conversation) exported() exportedConversation {
	v := c.view()
	return exportedConversation{
		ID: v.ID, File: "conversations/" + v.ID + ".json", Kind: v.Kind, With: v.Peer, Messages: c.LastSeq,
		ReadSeq: min(c.ReadSeq, c.LastSeq), Request: v.Request, Blocked: v.Blocked, CreatedAt: v.CreatedAt,
	}
}

// index lists the conversations that the person has in one of the lists of the
// API, and plans their files.
func (a *archive) index() error {
	return a.paged(mydata.List{File: "conversations.json", Rows: func(ctx context.Context, user id.ID, after audit.Place, limit int) ([]mydata.Row, error) {
		list, err := a.store.conversationsFrom(ctx, user, after.ID, limit)
		return mydata.Rows(list, err, func(c Conversation) mydata.Row {
			a.plan = append(a.plan, planned{c.ID, c.LastSeq})
			a.progress.total.Add(c.LastSeq)
			return mydata.Row{Place: audit.Place{ID: c.ID}, Item: c.exported()}
		})
	}})
}

func (a *archive) conversations() error {
	for _, p := range a.plan {
		if err := a.conversation(p); err != nil {
			return err
		}
	}
	return nil
}

// conversation writes the messages of one conversation, as GET has them.
func (a *archive) conversation(p planned) error {
	c, err := a.store.conversation(a.ctx, a.of.UserID, p.id)
	if err != nil {
		return err
	}
	c.LastSeq = p.last
	entry := c.exported()
	head, err := plainJSON(entry, "")
	if err != nil {
		return err
	}
	if err := a.begin(entry.File, fmt.Sprintf("{\"conversation\": %s,\n\"messages\": [", head), "]}"); err != nil {
		return err
	}
	for last := uint64(0); last < p.last; {
		at := PageInput{After: seqParam{Value: last, IsSet: true}, Limit: int(min(exportMessages, p.last-last))}
		page, err := a.store.messages(a.ctx, p.id, at)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return fmt.Errorf("messages: conversation %s ends at %d, not at %d", p.id, last, p.last)
		}
		for _, m := range page {
			if err := a.add(m.wire()); err != nil {
				return err
			}
		}
		last = page[len(page)-1].Seq
		a.progress.done.Add(uint64(len(page)))
	}
	return a.end()
}
