package audit

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// Row is one line of audit_log. Detail is nil in a log without that column.
type Row struct {
	ID        id.ID     `gorm:"column:id;primaryKey"`
	At        time.Time `gorm:"column:at"`
	Event     string    `gorm:"column:event"`
	AccountID *id.ID    `gorm:"column:account_id"`
	SessionID *id.ID    `gorm:"column:session_id"`
	IP        string    `gorm:"column:ip"`
	UserAgent string    `gorm:"column:user_agent"`
	Detail    *string   `gorm:"column:detail"`
}

// By is who does something; the zero value is the service itself.
type By struct {
	Account, Session id.ID
	IP, UserAgent    string
}

// Caller is who sent the request that ctx belongs to.
func Caller(ctx context.Context) By {
	who := authn.From(ctx)
	return By{Account: who.UserID, Session: who.SessionID, IP: httpx.ClientIP(ctx), UserAgent: httpx.UserAgent(ctx)}
}

// Detail writes what a row says besides who and when as JSON: names and ids,
// never what people wrote. It panics for what is no JSON.
func Detail(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// NewRow makes a row of a log with details.
func NewRow(at time.Time, event string, by By, detail string) Row {
	return Row{
		ID: id.New(), At: at, Event: event, AccountID: known(by.Account), SessionID: known(by.Session),
		IP: db.Fit(by.IP, 45), UserAgent: db.Fit(by.UserAgent, 255), Detail: &detail,
	}
}

func known(v id.ID) *id.ID {
	if v.IsZero() {
		return nil
	}
	return &v
}

// Insert adds rows to the log; tx is the transaction of what they are about, so
// that neither is there without the other.
func Insert(tx *gorm.DB, rows ...Row) error {
	for _, r := range rows {
		columns, values := Columns, r.Values()
		if r.Detail == nil {
			columns, values = columns[:len(columns)-1], values[:len(values)-1]
		}
		places := strings.Repeat(", ?", len(columns))[2:]
		if err := tx.Exec("INSERT INTO audit_log ("+strings.Join(columns, ", ")+") VALUES ("+places+")", values...).Error; err != nil {
			return err
		}
	}
	return nil
}

// Columns and Values write a row of a log with details by a db.Insert into the
// table "audit_log" instead.
var Columns = []string{"id", "at", "event", "account_id", "session_id", "ip", "user_agent", "detail"}

// Values are the row's values in the order of Columns.
func (r Row) Values() []any {
	list := []any{r.ID, r.At, r.Event, nil, nil, r.IP, r.UserAgent, nil}
	if r.AccountID != nil {
		list[3] = *r.AccountID
	}
	if r.SessionID != nil {
		list[4] = *r.SessionID
	}
	if r.Detail != nil {
		list[7] = *r.Detail
	}
	return list
}
