package users

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// bury puts the profile of nobody in the place of a person's, whether there was
// one or not, and returns the event of it; none when that happened before. Who
// blocked whom stays: the one who is left may still look it up.
func (s store) bury(ctx context.Context, user id.ID, at time.Time) (rows []outbox.Row, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		rows = nil
		// The row first, then its lock, as in setBlock. Version 0 is of this
		// transaction alone.
		blank := profileRow{UserID: user, DisplayName: goneName, CreatedAt: at}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&blank).Error; err != nil {
			return err
		}
		if err := s.db.ForUpdate(tx).Take(&profileRow{}, "user_id = ?", user).Error; err != nil {
			return err
		}
		p, err := take(withDetails(tx), user)
		if err != nil || p.gone() {
			return err
		}
		if err := emptyOf(tx, user); err != nil {
			return err
		}
		p = Person{
			Profile: Profile{UserID: user, Username: goneUsername(user), DisplayName: goneName, Version: p.Version, CreatedAt: p.CreatedAt},
			Privacy: Privacy{Unlisted: true, HideLastSeen: true, HideReceipts: p.Privacy.HideReceipts, Version: p.Privacy.Version},
		}
		if err := saveDetails(tx, p); err != nil {
			return err
		}
		if err := tx.Model(&profileRow{}).Where("user_id = ?", user).Update("username", p.Username).Error; err != nil {
			return err
		}
		if rows, err = nextVersion(tx, &p); err != nil {
			return err
		}
		return outbox.Insert(tx, rows)
	})
	return rows, domain(err)
}

// emptyOf removes what a person is found and known by.
func emptyOf(tx *gorm.DB, user id.ID) error {
	for _, rows := range []any{&termRow{}, &pictureRow{}, &seenRow{}} {
		if err := tx.Where("user_id = ?", user).Delete(rows).Error; err != nil {
			return err
		}
	}
	return nil
}

// notGone leaves those out who deleted their account: word of a last connection
// comes after the end.
func notGone(tx *gorm.DB, people []id.ID) ([]id.ID, error) {
	names := make([]string, len(people))
	for i, user := range people {
		names[i] = goneUsername(user)
	}
	var dead []id.ID
	err := tx.Model(&profileRow{}).Where("username IN ? AND user_id IN ?", names, people).Pluck("user_id", &dead).Error
	if err != nil || len(dead) == 0 {
		return people, err
	}
	return slices.DeleteFunc(slices.Clone(people), func(user id.ID) bool { return slices.Contains(dead, user) }), nil
}
