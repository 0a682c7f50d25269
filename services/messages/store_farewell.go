package messages

import (
	"context"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// eraseBatch is how many messages one transaction erases.
const eraseBatch = 500

// closeFor notes that a person is gone, also for conversations that somebody
// opens later. The clock is held, as by whoever writes to a conversation of
// theirs: what is not written now never is.
func (s *store) closeFor(ctx context.Context, user id.ID) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.holdClocks(tx, []id.ID{user}); err != nil {
			return err
		}
		err := tx.Exec("INSERT INTO contact_policies (user_id, who, ask_first) VALUES (?, 0, 0)"+s.onDuplicate("user_id"), user).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE contact_policies SET who = ?, ask_first = 0 WHERE user_id = ?", fromGone, user).Error; err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM writers WHERE user_id = ?", user).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE members SET gate = ? WHERE user_id = ?", gateGone, user).Error
	})
}

// eraseIn overwrites what user wrote in a conversation with nothing. The rows
// stay: they are the numbers of the others' messages, too. An empty text is what
// marks a message as erased, for no other can be empty.
func (s *store) eraseIn(ctx context.Context, conversation, user id.ID) error {
	var last uint64
	for {
		var seqs []uint64
		err := s.db.R.WithContext(ctx).Raw(
			"SELECT seq FROM messages WHERE conversation_id = ? AND seq > ? AND sender_id = ? AND body <> '' ORDER BY seq LIMIT ?",
			conversation, last, user, eraseBatch).Scan(&seqs).Error
		if err != nil || len(seqs) == 0 {
			return db.Wrap(err)
		}
		last = seqs[len(seqs)-1]
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE messages SET body = '' WHERE conversation_id = ? AND sender_id = ? AND seq >= ? AND seq <= ?",
				conversation, user, seqs[0], last).Error
		})
		if err != nil {
			return err
		}
	}
}
