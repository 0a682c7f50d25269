package auth

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/db"
	"chatapp/libs/id"
)

// The rows of the table settings.
const (
	settingSignUp        = "sign_up"
	settingAnnouncement  = "announcement"
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
	err = tx.Where("name IN ?", []string{settingSignUp, settingAnnouncement}).Find(&rows).Error
	for _, r := range rows {
		switch {
		case r.Name == settingSignUp:
			found.SignUp = r.Value
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
	text := "sign-up " + s.SignUp
	if s.Announcement != nil {
		text += ", announcement: " + s.Announcement.Text
	}
	return db.Fit(text, 500)
}
