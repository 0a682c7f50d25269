package users

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/errs"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

type pictureRow struct {
	PictureID id.ID `gorm:"primaryKey"`
	Size      int   `gorm:"primaryKey"`
	UserID    id.ID
	Bytes     []byte
}

func (pictureRow) TableName() string { return "pictures" }

// setPicture replaces a person's picture by another, or by none (Nil), and
// returns the event of it; none where there was none before either.
func (s store) setPicture(ctx context.Context, user, picture id.ID, sizes []rendition) (Person, []outbox.Row, error) {
	return s.update(ctx, user, func(tx *gorm.DB, p *Person) ([]outbox.Row, error) {
		if p.PictureID == picture {
			return nil, nil
		}
		if err := tx.Where("user_id = ?", user).Delete(&pictureRow{}).Error; err != nil {
			return nil, err
		}
		for _, r := range sizes {
			row := pictureRow{PictureID: picture, Size: r.Size, UserID: user, Bytes: r.Bytes}
			if err := tx.Create(&row).Error; err != nil {
				return nil, err
			}
		}
		p.PictureID = picture
		return nextVersion(tx, p)
	})
}

// picture returns a picture in one size. Error: not-found.
func (s store) picture(ctx context.Context, user, picture id.ID, size int) ([]byte, error) {
	var row pictureRow
	err := s.db.R.WithContext(ctx).Take(&row, "picture_id = ? AND size = ? AND user_id = ?", picture, size, user).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errs.New(errs.NotFound, "There is no such picture.")
	}
	return row.Bytes, domain(err)
}

type seenRow struct {
	UserID id.ID `gorm:"primaryKey"`
	SeenAt time.Time
}

func (seenRow) TableName() string { return "last_seen" }

// saw keeps that people, in the order of their ids, are connected at a moment.
func (s store) saw(ctx context.Context, people []id.ID, at time.Time) error {
	return domain(s.db.Tx(ctx, func(tx *gorm.DB) error {
		people, err := notGone(tx, people)
		if err != nil || len(people) == 0 {
			return err
		}
		rows := make([]seenRow, len(people))
		for i, user := range people {
			rows[i] = seenRow{UserID: user, SeenAt: at}
		}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}}, DoUpdates: clause.AssignmentColumns([]string{"seen_at"})}).
			Create(&rows).Error
	}))
}

// seenAt returns when a person was last connected, for that person; nil when that
// is not known.
func (s store) seenAt(ctx context.Context, user id.ID) (*time.Time, error) {
	var rows []seenRow
	err := s.db.R.WithContext(ctx).Where("user_id = ?", user).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, domain(err)
	}
	at := rows[0].SeenAt.UTC()
	return &at, nil
}

// lastSeen returns when a person was last connected, as far as another may know
// it: nil when either keeps that to themselves or blocked the other.
func (s store) lastSeen(ctx context.Context, caller, user id.ID) (*time.Time, error) {
	var rows []seenRow
	err := s.db.R.WithContext(ctx).Where("user_id = ?", user).
		Where("NOT EXISTS (SELECT 1 FROM profile_details d WHERE d.user_id IN (?, ?) AND d.hide_last_seen = 1)", caller, user).
		Where("NOT EXISTS (SELECT 1 FROM blocks b WHERE b.active = 1 AND ((b.blocker_id = ? AND b.blocked_id = ?) OR (b.blocker_id = ? AND b.blocked_id = ?)))",
			caller, user, user, caller).
		Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, domain(err)
	}
	at := rows[0].SeenAt.UTC().Truncate(time.Minute)
	return &at, nil
}
