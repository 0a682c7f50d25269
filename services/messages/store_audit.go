package messages

import (
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
	eventRetention      = "retention-changed"
)

// auditor is who does something that the audit log records; the zero one is the
// operator at the command line.
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
	var account, session *id.ID // NULL: at the command line
	if !r.by.account.IsZero() {
		account, session = &r.by.account, &r.by.session
	}
	return tx.Exec("INSERT INTO audit_log (id, at, event, account_id, session_id, ip, user_agent, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		id.New(), r.at, r.event, account, session, fit(r.by.ip, 45), fit(r.by.userAgent, 255), r.detail).Error
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
