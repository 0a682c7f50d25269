package messages

import (
	"context"

	"gorm.io/gorm"

	"chatapp/libs/id"
)

// receiptsPage is how many conversations are read at once to be settled.
const receiptsPage = 200

// saveReceipts keeps the newest version of whether a person hides how far they
// have read; false when a newer one is known. Whoever opens a conversation with
// them at the same time holds their clock too: either they see this, or the
// conversation is there when this has ended.
func (s *store) saveReceipts(ctx context.Context, user id.ID, hidden bool, version uint64) (bool, error) {
	insert := "INSERT INTO receipts (user_id, hidden, version) VALUES (?, 0, 0)" + s.onDuplicate("user_id")
	newest := false
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, []id.ID{user}); err != nil {
			return err
		}
		if err := tx.Exec(insert, user).Error; err != nil {
			return err
		}
		err := tx.Exec("UPDATE receipts SET hidden = ?, version = ? WHERE user_id = ? AND version < ?", hidden, version, user, version).Error
		if err != nil {
			return err
		}
		var known uint64
		if err := tx.Raw("SELECT version FROM receipts WHERE user_id = ?", user).Scan(&known).Error; err != nil {
			return err
		}
		newest = known == version // also when it comes again: the last time may have been cut short
		return nil
	})
	return newest, err
}

// conversationsOf returns the next conversations of a user in the order of their
// ids, with their members.
func (s *store) conversationsOf(ctx context.Context, user, after id.ID) ([]membership, error) {
	rows, err := s.db.R.WithContext(ctx).Raw(
		"SELECT m.conversation_id, m.user_id FROM members m JOIN (SELECT conversation_id FROM members WHERE user_id = ? AND conversation_id > ? ORDER BY conversation_id LIMIT ?) mine "+
			"ON mine.conversation_id = m.conversation_id ORDER BY m.conversation_id, m.user_id", user, after, receiptsPage).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []membership
	for rows.Next() {
		var conversation, member id.ID
		if err := rows.Scan(&conversation, &member); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].id != conversation {
			list = append(list, membership{id: conversation})
		}
		last := &list[len(list)-1]
		last.members = append(last.members, member)
	}
	return list, rows.Err()
}

// settleReceipts brings a conversation in line with what its members want. It
// holds their clocks, so that no read mark moves meanwhile.
func (s *store) settleReceipts(ctx context.Context, where membership) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, where.members); err != nil {
			return err
		}
		return applyBlocks(tx, where.id, where.members)
	})
}

// quiet reports whether one of the members hides how far they have read: then
// none of them learns it of another.
func quiet(tx *gorm.DB, members []id.ID) (bool, error) {
	var n int
	err := tx.Raw("SELECT COUNT(*) FROM receipts WHERE hidden = 1 AND user_id "+in(len(members)), anys(members)...).Scan(&n).Error
	return n > 0, err
}
