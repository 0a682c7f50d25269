package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/id"
)

// The rows of the table settings.
const (
	settingSignUp        = "sign_up"
	settingAnnouncement  = "announcement"
	settingSecondStep    = "second_step"
	lockOfAdministrators = "administrators" // holds nothing; see lockAdministrators
)

type settingRow struct {
	Name      string `gorm:"column:name;primaryKey"`
	Value     string `gorm:"column:value"`
	ChangedAt time.Time
}

// TableName implements gorm's Tabler.
func (settingRow) TableName() string { return "settings" }

// settings reads what administrators decided; SignUp is "" when nobody did.
func (st *store) settings(ctx context.Context) (Settings, error) { return settingsOf(st.read(ctx)) }

func settingsOf(tx *gorm.DB) (found Settings, err error) {
	var rows []settingRow
	found.SecondStep = secondStepOptional
	err = tx.Where("name IN ?", []string{settingSignUp, settingAnnouncement, settingSecondStep}).Find(&rows).Error
	for _, r := range rows {
		switch {
		case r.Name == settingSignUp:
			found.SignUp = r.Value
		case r.Name == settingSecondStep:
			found.SecondStep = r.Value
		case r.Value != "":
			found.Announcement = &Announcement{}
			if err := json.Unmarshal([]byte(r.Value), found.Announcement); err != nil {
				return found, err
			}
		}
	}
	return found, err
}

// setSettings stores them, and says in the audit log what is different. An
// announcement that stays as it was keeps its id.
func (st *store) setSettings(ctx context.Context, by Actor, want Settings, now time.Time) (Settings, error) {
	err := st.db.Tx(ctx, func(tx *gorm.DB) error {
		old, err := settingsOf(tx)
		if err != nil {
			return err
		}
		if a, b := old.Announcement, want.Announcement; a != nil && b != nil && a.Text == b.Text && a.Level == b.Level {
			b.ID = a.ID
		}
		want.SecondStep = cmp.Or(want.SecondStep, old.SecondStep)
		if err := mayDemand(tx, by, old.SecondStep, want.SecondStep); err != nil {
			return err
		}
		text := ""
		if want.Announcement != nil {
			data, err := json.Marshal(want.Announcement)
			if err != nil {
				return err
			}
			text = string(data)
		}
		rows := []settingRow{
			{Name: settingAnnouncement, Value: text, ChangedAt: now},
			{Name: settingSignUp, Value: want.SignUp, ChangedAt: now},
			{Name: settingSecondStep, Value: want.SecondStep, ChangedAt: now},
		}
		err = tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.AssignmentColumns([]string{"value", "changed_at"}),
		}).Create(&rows).Error
		if err != nil {
			return err
		}
		return noteIn(tx, by, now, eventSettingsChanged, id.Nil, described(want))
	})
	return want, err
}

// described is what the audit log says about settings.
func described(s Settings) string {
	text := "sign-up " + s.SignUp + ", second step " + s.SecondStep
	if s.Announcement != nil {
		text += ", announcement: " + s.Announcement.Text
	}
	return db.Fit(text, 500)
}

// mayDemand lets those alone demand a second step of others who have one, so
// that at least they can go on, and have seen what it asks for. The operator at
// the command line can always take it back. Error: conflict.
func mayDemand(tx *gorm.DB, by Actor, old, want string) error {
	if want == old || want == secondStepOptional || by.operator() {
		return nil
	}
	f, err := factorsOf(tx, by.ID)
	if err == nil && !f.on() {
		err = errs.New(errs.Conflict, "Set up two-step sign-in for yourself first, then ask it of others.")
	}
	return err
}

// demanded says whether somebody of that role must have a second step.
func demanded(tx *gorm.DB, role string) (bool, error) {
	var rows []settingRow
	err := tx.Where("name = ?", settingSecondStep).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return false, err
	}
	switch rows[0].Value {
	case secondStepEverybody:
		return true, nil
	case secondStepStaff:
		return authn.Includes(role, authn.RoleModerator), nil
	}
	return false, nil
}

// mustEnrol says whether acc needs a second step and has none.
func mustEnrol(tx *gorm.DB, acc Account) (bool, error) {
	needed, err := demanded(tx, acc.Role)
	if err != nil || !needed {
		return false, err
	}
	f, err := factorsOf(tx, acc.ID)
	return !f.on(), err
}

// withoutSecondStep counts the accounts of these roles that have none.
func (st *store) withoutSecondStep(ctx context.Context, roles []string) (int64, error) {
	var n int64
	err := st.read(ctx).Model(&accountRow{}).Where("role IN ?", roles).
		Where("NOT EXISTS (SELECT 1 FROM totp_factors WHERE totp_factors.account_id = accounts.id AND activated_at IS NOT NULL)").
		Where("NOT EXISTS (SELECT 1 FROM passkeys WHERE passkeys.account_id = accounts.id)").Count(&n).Error
	return n, err
}
