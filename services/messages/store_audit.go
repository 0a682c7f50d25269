package messages

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/audit"
	"chatapp/libs/id"
)

// What the audit log records.
const (
	eventReported        = "reported"
	eventReportClosed    = "report-closed"
	eventMessagesSearch  = "messages-searched"
	eventPolicyChanged   = "contact-policy-changed"
	eventRequestAccepted = "request-accepted" // also by an answer to it
	eventRequestIgnored  = "request-ignored"
	eventRetention       = "retention-changed"
	eventExportAsked     = "data-export-requested"
	eventExportTaken     = "data-export-downloaded"
)

// auditor is who does something that the audit log records; the zero one is the
// operator at the command line.
type auditor = audit.By

func auditorOf(ctx context.Context) auditor { return audit.Caller(ctx) }

// auditRow is one line of the audit log. Rows are only ever inserted.
type auditRow struct {
	at     time.Time
	event  string
	by     auditor
	detail string // JSON
}

func (r auditRow) sealed() audit.Row { return audit.NewRow(r.at, r.event, r.by, r.detail) }

// audit is the one way into the audit log, besides that of a batch of messages;
// tx is the transaction of what is recorded, so that neither is there without the
// other.
func (s *store) audit(tx *gorm.DB, r auditRow) error { return audit.Insert(tx, r.sealed()) }

// detail is what an audit row says besides who and when.
func detail(v map[string]string) string { return audit.Detail(v) }

// note records in the audit log what the writer of w did to a request.
func (u *unit) note(w *write, event string) {
	other := id.Nil
	for _, user := range w.where.members {
		if user != w.sender {
			other = user
		}
	}
	what := detail(map[string]string{"conversation": w.where.id.String(), "user": other.String()})
	u.audits = append(u.audits, auditRow{at: u.at, event: event, by: w.by, detail: what})
}
