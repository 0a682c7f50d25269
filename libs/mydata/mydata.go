// Package mydata is how a service answers with what it keeps of a person, for
// that person to download: some whole files, and then lists, a page at a time,
// each with the oldest first. The services auth and users answer so over the bus;
// messages, which asks them and writes the file, reads its own lists the same way.
package mydata

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// PageSize is how many rows of a list are read at once: with the longest texts
// they fit into a message of the bus.
const PageSize = 300

// Row is one item of a list, and its place in the order of the list.
type Row struct {
	Place audit.Place
	Item  any
}

// List is one list of a person's data. Rows returns what comes after a place, at
// most limit; a list that is in the order of ids has places without a time.
type List struct {
	File string
	Rows func(ctx context.Context, user id.ID, after audit.Place, limit int) ([]Row, error)
}

// Rows makes the rows of a list from what a store returned.
func Rows[T any](list []T, err error, row func(T) Row) ([]Row, error) {
	rows := make([]Row, 0, len(list))
	for _, v := range list {
		rows = append(rows, row(v))
	}
	return rows, err
}

// JSON is a whole file of one value.
func JSON(name string, v any) (events.DataFile, error) {
	data, err := json.Marshal(v)
	return events.DataFile{Name: name, JSON: data}, err
}

// next is what DataReply.Next says: which list goes on, and after which row.
type next struct {
	File  string      `json:"f"`
	After audit.Place `json:"a"`
}

// Answer answers a DataRequest: the first page has the whole files, and each page
// after it a piece of a list. Errors: not-found (the person), invalid-cursor, what
// whole and the lists return.
func Answer(ctx context.Context, request []byte, whole func(context.Context, id.ID) ([]events.DataFile, error), lists ...List) (reply events.DataReply, err error) {
	var r events.DataRequest
	if err := json.Unmarshal(request, &r); err != nil {
		return reply, errs.Wrap(errs.InvalidBody, "not a request for data", err)
	}
	user, err := id.Parse(r.UserID)
	if err != nil {
		return reply, errs.New(errs.NotFound, "There is no such person.")
	}
	if r.After == "" {
		reply.Files, err = whole(ctx, user)
		reply.Next = httpx.EncodeCursor(next{lists[0].File, audit.Beginning()})
		return reply, err
	}
	var at next
	if err := httpx.DecodeCursor(r.After, &at); err != nil {
		return reply, err
	}
	n := slices.IndexFunc(lists, func(l List) bool { return l.File == at.File })
	if n < 0 {
		return reply, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
	}
	rows, err := lists[n].Rows(ctx, user, at.After, PageSize)
	if err != nil {
		return reply, err
	}
	items := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		if items[i], err = json.Marshal(row.Item); err != nil {
			return reply, err
		}
	}
	reply.Files = []events.DataFile{{Name: at.File, Items: items}}
	switch {
	case len(rows) == PageSize:
		reply.Next = httpx.EncodeCursor(next{at.File, rows[len(rows)-1].Place})
	case n+1 < len(lists):
		reply.Next = httpx.EncodeCursor(next{lists[n+1].File, audit.Beginning()})
	}
	return reply, nil
}

// Act is a line of an audit log, as who did it downloads it.
type Act struct {
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	IP        string    `json:"ip"`
	UserAgent string    `json:"user_agent"`
}

// Activity is the list of what the audit log in d says that a person did.
func Activity(file string, d *db.DB) List {
	return List{File: file, Rows: func(ctx context.Context, user id.ID, after audit.Place, limit int) ([]Row, error) {
		list, err := audit.History(d.R.WithContext(ctx), user, after, limit)
		return Rows(list, err, func(r audit.Row) Row {
			at := r.At.UTC()
			return Row{audit.Place{At: at, ID: r.ID}, Act{At: at, Event: r.Event, IP: r.IP, UserAgent: r.UserAgent}}
		})
	}}
}
