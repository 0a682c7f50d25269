package messages

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"chatapp/libs/id"
)

// What the audit log records.
const (
	eventReported       = "reported"
	eventReportClosed   = "report-closed"
	eventMessagesSearch = "messages-searched"
	eventExportAsked    = "data-export-requested"
	eventExportTaken    = "data-export-downloaded"
)

// auditor is who does something that the audit log records.
type auditor struct {
	account, session id.ID
	ip, userAgent    string
}

// auditRow is one line of the audit log. Rows are only ever inserted.
type auditRow struct {
	at     time.Time
	event  string
	by     auditor
	detail string // JSON
}

// audit is the one way into the audit log; tx is the transaction of what is
// recorded, so that neither is there without the other.
func (s *store) audit(tx *gorm.DB, r auditRow) error {
	return tx.Exec("INSERT INTO audit_log (id, at, event, account_id, session_id, ip, user_agent, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		id.New(), r.at, r.event, r.by.account, r.by.session, fit(r.by.ip, 45), fit(r.by.userAgent, 255), r.detail).Error
}

// pastAct is a line of the audit log, read by whom it is about.
type pastAct struct {
	ID            id.ID
	At            time.Time
	Event         string
	IP, UserAgent string
}

// auditBy returns the next lines about what somebody did, the oldest first.
func (s *store) auditBy(ctx context.Context, account id.ID, after searchPosition, limit int) (list []pastAct, err error) {
	err = s.db.R.WithContext(ctx).Raw(
		"SELECT id, at, event, ip, user_agent FROM audit_log WHERE account_id = ? AND (at > ? OR (at = ? AND id > ?)) ORDER BY at, id LIMIT ?",
		account, after.At, after.At, after.ID, limit).Scan(&list).Error
	return list, err
}

// fit makes text fit a column of n bytes.
func fit(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
