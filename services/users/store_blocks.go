package users

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type blockRow struct {
	BlockerID id.ID `gorm:"primaryKey"`
	BlockedID id.ID `gorm:"primaryKey"`
	Active    bool
	Version   uint64
	ChangedAt time.Time
}

func (blockRow) TableName() string { return "blocks" }

// setBlock sets whether blocker blocks other, in one transaction with its event
// and its audit row, and returns the event; no rows when it was so before.
func (s store) setBlock(ctx context.Context, blocker, other id.ID, active bool) ([]outbox.Row, error) {
	var rows []outbox.Row
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		rows = nil
		row := blockRow{BlockerID: blocker, BlockedID: other, ChangedAt: now()}
		// The row first, then its lock: two who set it at once follow each other.
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
		if err := s.db.ForUpdate(tx).Take(&row, "blocker_id = ? AND blocked_id = ?", blocker, other).Error; err != nil {
			return err
		}
		if row.Active == active {
			return nil
		}
		if active {
			if err := roomForBlock(tx, blocker); err != nil {
				return err
			}
		}
		row.Active, row.Version, row.ChangedAt = active, row.Version+1, now()
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		if err := noteBlock(tx, by(ctx, blocker), row); err != nil {
			return err
		}
		event, err := row.event()
		if err != nil {
			return err
		}
		rows = []outbox.Row{event}
		return outbox.Insert(tx, rows)
	})
	if err != nil {
		return nil, domain(err)
	}
	return rows, nil
}

func roomForBlock(tx *gorm.DB, blocker id.ID) error {
	var n int64
	if err := tx.Model(&blockRow{}).Where("blocker_id = ? AND active = 1", blocker).Count(&n).Error; err != nil {
		return err
	}
	if n >= maxBlocks {
		return errs.New(errs.Conflict, fmt.Sprintf("You have blocked %d people, which is the most. Unblock somebody first.", maxBlocks))
	}
	return nil
}

func (r blockRow) event() (outbox.Row, error) {
	payload, err := json.Marshal(events.BlockChanged{
		UserID: r.BlockerID.String(), BlockedID: r.BlockedID.String(), Blocked: r.Active, Version: r.Version,
	})
	if err != nil {
		return outbox.Row{}, fmt.Errorf("users: block event: %w", err)
	}
	return outbox.Row{
		ID:        id.New(),
		Subject:   events.Subject(events.ServiceUsers, events.NameBlockChanged, r.BlockerID.String()),
		MsgID:     fmt.Sprintf("block-%s-%s-%d", r.BlockerID, r.BlockedID, r.Version),
		Type:      events.NameBlockChanged,
		Payload:   payload,
		CreatedAt: r.ChangedAt,
	}, nil
}

// blocked returns up to limit of the people whom blocker blocks, in username
// order from after on (nil = from the start).
func (s store) blocked(ctx context.Context, blocker id.ID, after *page, limit int) ([]Profile, error) {
	q := s.people(ctx).
		Where("profiles.user_id IN (SELECT blocked_id FROM blocks WHERE blocker_id = ? AND active = 1)", blocker)
	return profiles(from(q, after).Limit(limit))
}

// blockedPerson is somebody who is blocked, and since when.
type blockedPerson struct {
	BlockedID             id.ID
	Username, DisplayName string
	ChangedAt             time.Time
}

// blocksFrom returns the next people whom blocker blocks, in the order of their ids.
func (s store) blocksFrom(ctx context.Context, blocker, after id.ID, limit int) (rows []blockedPerson, err error) {
	err = s.db.R.WithContext(ctx).Table("blocks").
		Select("blocks.blocked_id, blocks.changed_at, COALESCE(p.username, '') AS username, COALESCE(p.display_name, '') AS display_name").
		Joins("LEFT JOIN profiles p ON p.user_id = blocks.blocked_id").
		Where("blocks.blocker_id = ? AND blocks.blocked_id > ? AND blocks.active = 1", blocker, after).
		Order("blocks.blocked_id").Limit(limit).Scan(&rows).Error
	return rows, domain(err)
}

// from begins a list that is in username order after a place in it.
func from(q *gorm.DB, after *page) *gorm.DB {
	if after == nil {
		return q
	}
	return q.Where("profiles.username >= ? AND (profiles.username > ? OR profiles.user_id > ?)", after.Username, after.Username, after.UserID)
}

// apart leaves those out who blocked the caller or whom the caller blocked: two
// look-ups by primary key for each person.
func apart(q *gorm.DB, caller id.ID) *gorm.DB {
	return q.
		Where("NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = ? AND b.blocked_id = profiles.user_id AND b.active = 1)", caller).
		Where("NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = profiles.user_id AND b.blocked_id = ? AND b.active = 1)", caller)
}
