package auth

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

type invitationRow struct {
	ID        id.ID  `gorm:"column:id;primaryKey"`
	TokenHash []byte `gorm:"column:token_hash"`
	Note      string `gorm:"column:note"`
	MaxUses   int    `gorm:"column:max_uses"`
	Uses      int    `gorm:"column:uses"`
	MadeBy    string `gorm:"column:made_by"`
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TableName implements gorm's Tabler.
func (invitationRow) TableName() string { return "invitations" }

func (r invitationRow) invitation() Invitation {
	return Invitation{
		ID: r.ID, Note: r.Note, MaxUses: r.MaxUses, Uses: r.Uses, MadeBy: r.MadeBy,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}
}

// invite stores an invitation. Error: conflict when there are too many.
func (st *store) invite(ctx context.Context, by Actor, in Invitation, hash tokenHash) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&invitationRow{}).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxInvitations {
			return errs.New(errs.Conflict, "There are 500 invitations: withdraw some first.")
		}
		row := invitationRow{
			ID: in.ID, TokenHash: hash[:], Note: in.Note, MaxUses: in.MaxUses, MadeBy: in.MadeBy,
			CreatedAt: in.CreatedAt, ExpiresAt: in.ExpiresAt,
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return noteIn(tx, by, in.CreatedAt, eventInvited, id.Nil, in.Note)
	})
}

func (st *store) invitations(ctx context.Context) ([]Invitation, error) {
	var rows []invitationRow
	if err := st.read(ctx).Order("created_at DESC, id").Limit(maxInvitations).Find(&rows).Error; err != nil {
		return nil, err
	}
	list := make([]Invitation, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.invitation())
	}
	return list, nil
}

// withdraw deletes an invitation. Error: not-found.
func (st *store) withdraw(ctx context.Context, by Actor, invitation id.ID, now time.Time) error {
	return st.db.Tx(ctx, func(tx *gorm.DB) error {
		var row invitationRow
		err := st.db.ForUpdate(tx).Where("id = ?", invitation).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return errs.New(errs.NotFound, "There is no such invitation.")
		}
		if err != nil {
			return err
		}
		if err := tx.Where("id = ?", invitation).Delete(&invitationRow{}).Error; err != nil {
			return err
		}
		return noteIn(tx, by, now, eventUninvited, id.Nil, row.Note)
	})
}

// invitationGood looks whether an invitation can be used, before anything
// expensive is done for a made-up one. Error: token-invalid.
func (st *store) invitationGood(ctx context.Context, hash tokenHash, now time.Time) error {
	var n int64
	err := st.read(ctx).Model(&invitationRow{}).
		Where("token_hash = ? AND uses < max_uses AND expires_at > ?", hash[:], now).Count(&n).Error
	if err == nil && n == 0 {
		return errInvitation()
	}
	return err
}

// useInvitation takes one of its uses; of those who want the last one at the
// same time one gets it. nil is no invitation. Error: token-invalid.
func useInvitation(tx *gorm.DB, hash *tokenHash, now time.Time) error {
	if hash == nil {
		return nil
	}
	used := tx.Model(&invitationRow{}).Where("token_hash = ? AND uses < max_uses AND expires_at > ?", hash[:], now).
		UpdateColumns(map[string]any{"uses": gorm.Expr("uses + 1")})
	if used.Error == nil && used.RowsAffected != 1 {
		return errInvitation()
	}
	return used.Error
}
