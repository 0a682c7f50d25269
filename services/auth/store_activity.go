package auth

import (
	"context"

	"chatapp/libs/id"
)

// auditOf lists the audit rows of one account, the newest first, at most limit,
// and those before the place of a page.
func (st *store) auditOf(ctx context.Context, account id.ID, before *place, limit int) ([]auditRow, error) {
	q := st.read(ctx).Where("account_id = ?", account)
	if before != nil {
		q = q.Where("at < ? OR (at = ? AND id < ?)", before.At, before.At, before.ID)
	}
	var rows []auditRow
	err := q.Order("at DESC, id DESC").Limit(limit).Find(&rows).Error
	return rows, err
}
