package messages

import (
	"context"

	"gorm.io/gorm"

	"chatapp/libs/id"
)

// holdClocks makes the clocks of users where they have none, and locks them, in
// the order of their ids as every transaction does: until it ends, nobody writes
// to a conversation of theirs.
func (s *store) holdClocks(tx *gorm.DB, users []id.ID) error {
	for _, user := range unique(append([]id.ID(nil), users...)) {
		err := tx.Exec("INSERT INTO user_clocks (user_id, last_seq, trimmed_seq) VALUES (?, 0, 0)"+s.onDuplicate("user_id"), user).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// saveBlock keeps the newest version of a block, in whatever order they come,
// and brings the conversation of the two in line with it.
func (s *store) saveBlock(ctx context.Context, b block) error {
	pair := []id.ID{b.by, b.of}
	insert := "INSERT INTO blocks (blocker_id, blocked_id, active, version) VALUES (?, ?, 0, 0)" + s.onDuplicate("blocker_id")
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		// Whoever opens their conversation at the same time holds the clocks too:
		// one of the two sees what the other did.
		if err := s.holdClocks(tx, pair); err != nil {
			return err
		}
		if err := tx.Exec(insert, b.by, b.of).Error; err != nil {
			return err
		}
		done := tx.Exec("UPDATE blocks SET active = ?, version = ? WHERE blocker_id = ? AND blocked_id = ? AND version < ?",
			b.active, b.version, b.by, b.of, b.version)
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error // known, or older than what is known
		}
		var conversations []id.ID
		err := tx.Raw("SELECT id FROM conversations WHERE direct_key = ?", directKey(b.by, b.of)).Scan(&conversations).Error
		if err != nil || len(conversations) == 0 {
			return err
		}
		return applyBlocks(tx, conversations[0], pair)
	})
}

// applyBlocks writes into the members of a conversation what blocks and receipts
// say of them. While one blocks the other, or hides how far they have read, each
// sees the other's read mark where it was.
func applyBlocks(tx *gorm.DB, conversation id.ID, members []id.ID) error {
	if len(members) < 2 {
		return nil
	}
	var blockers []id.ID
	err := tx.Raw("SELECT blocker_id FROM blocks WHERE active = 1 AND ((blocker_id = ? AND blocked_id = ?) OR (blocker_id = ? AND blocked_id = ?))",
		members[0], members[1], members[1], members[0]).Scan(&blockers).Error
	if err != nil {
		return err
	}
	hidden, err := quiet(tx, members)
	if err != nil {
		return err
	}
	shown := "NULL"
	if hidden || len(blockers) > 0 {
		shown = "COALESCE(shown_seq, read_seq)"
	}
	err = tx.Exec("UPDATE members SET blocked = 0, shown_seq = "+shown+" WHERE conversation_id = ?", conversation).Error
	if err != nil || len(blockers) == 0 {
		return err
	}
	return tx.Exec("UPDATE members SET blocked = 1 WHERE conversation_id = ? AND user_id "+in(len(blockers)),
		append([]any{conversation}, anys(blockers)...)...).Error
}

// silent reports whether one member of a conversation blocked the other, or has
// not accepted the request of the other.
func (s *store) silent(ctx context.Context, conversation id.ID) (bool, error) {
	var n int
	err := s.db.R.WithContext(ctx).Raw("SELECT COUNT(*) FROM members WHERE conversation_id = ? AND (blocked = 1 OR (gate & 3) > 0)", conversation).Scan(&n).Error
	return n > 0, err
}
