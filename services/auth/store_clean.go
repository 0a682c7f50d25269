package auth

import (
	"context"
	"time"
)

// deleteBefore deletes the rows of table whose column is before a time, in
// small batches. The names are constants of this package, never input.
func (st *store) deleteBefore(ctx context.Context, table, key, column string, before time.Time) error {
	for {
		var keys [][]byte
		err := st.read(ctx).Table(table).Where(column+" < ?", before).Order(column).Limit(cleanBatch).Pluck(key, &keys).Error
		if err != nil || len(keys) == 0 {
			return err
		}
		// The condition again: a row may have been used meanwhile.
		sql := "DELETE FROM " + table + " WHERE " + key + " IN ? AND " + column + " < ?"
		if err := st.db.W.WithContext(ctx).Exec(sql, keys, before).Error; err != nil {
			return err
		}
		if len(keys) < cleanBatch {
			return nil
		}
	}
}
