package auth

import (
	"context"
	"time"

	sealing "chatapp/libs/audit"
	"chatapp/libs/id"
)

// sessionsFrom returns the next sessions of an account, live and ended, the
// oldest first.
func (st *store) sessionsFrom(ctx context.Context, account id.ID, after sealing.Place, limit int) (rows []sessionRow, err error) {
	err = st.read(ctx).Where("account_id = ? AND (created_at > ? OR (created_at = ? AND id > ?))", account, after.At, after.At, after.ID).
		Order("created_at, id").Limit(limit).Find(&rows).Error
	return rows, err
}

// pastEvent is a line of the audit log. ByOther: it is what an administrator or a
// moderator did, or what followed from it at the same moment, such as the end of a
// session, whose row has the address of who caused it, too.
type pastEvent struct {
	Note    auditRow `gorm:"embedded"`
	ByOther bool
}

// eventsFrom returns the next audit rows of an account, the oldest first.
func (st *store) eventsFrom(ctx context.Context, account id.ID, after sealing.Place, limit int) (rows []pastEvent, err error) {
	const byOther = "EXISTS (SELECT 1 FROM audit_log d JOIN audit_actors a ON a.audit_id = d.id WHERE d.account_id = audit_log.account_id AND d.at = audit_log.at)"
	err = st.read(ctx).Table("audit_log").Select("audit_log.*, "+byOther+" AS by_other").
		Where("account_id = ? AND (at > ? OR (at = ? AND id > ?))", account, after.At, after.At, after.ID).
		Order("at, id").Limit(limit).Scan(&rows).Error
	return rows, err
}

// passwordChanged is when the password was set; nil when there is none.
func (st *store) passwordChanged(ctx context.Context, account id.ID) (*time.Time, error) {
	var rows []credentialRow
	err := st.read(ctx).Where("account_id = ?", account).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	at := rows[0].ChangedAt.UTC()
	return &at, nil
}
