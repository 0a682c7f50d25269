package users

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// detailsRow is what a person added to their profile. There is none until they
// did, which is the same as the zero row.
type detailsRow struct {
	UserID         id.ID `gorm:"primaryKey"`
	StatusText     string
	Language       string
	TimeZone       string
	PictureID      *id.ID
	Unlisted       bool
	HideLastSeen   bool
	HideReceipts   bool
	PrivacyVersion uint64
}

func (detailsRow) TableName() string { return "profile_details" }

// personRow is a row of people.
type personRow struct {
	UserID         id.ID
	Username       string
	DisplayName    string
	Version        uint64
	CreatedAt      time.Time
	StatusText     *string
	Language       *string
	TimeZone       *string
	PictureID      id.ID
	Unlisted       *bool
	HideLastSeen   *bool
	HideReceipts   *bool
	PrivacyVersion *uint64
}

// people begins a question about profiles with their details, d.
func (s store) people(ctx context.Context) *gorm.DB { return withDetails(s.db.R.WithContext(ctx)) }

func withDetails(q *gorm.DB) *gorm.DB {
	return q.Table("profiles").
		Select("profiles.user_id, profiles.username, profiles.display_name, profiles.version, profiles.created_at, " +
			"d.status_text, d.language, d.time_zone, d.picture_id, d.unlisted, d.hide_last_seen, d.hide_receipts, d.privacy_version").
		Joins("LEFT JOIN profile_details d ON d.user_id = profiles.user_id")
}

func (r personRow) person() Person {
	return Person{
		Profile: Profile{
			UserID: r.UserID, Username: r.Username, DisplayName: r.DisplayName, Version: r.Version, CreatedAt: r.CreatedAt.UTC(),
			StatusText: value(r.StatusText), PictureID: r.PictureID,
		},
		Language: value(r.Language), TimeZone: value(r.TimeZone),
		Privacy: Privacy{
			Unlisted: value(r.Unlisted), HideLastSeen: value(r.HideLastSeen), HideReceipts: value(r.HideReceipts),
			Version: value(r.PrivacyVersion),
		},
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// profiles reads a list of people in username order.
func profiles(q *gorm.DB) ([]Profile, error) {
	var rows []personRow
	if err := q.Order("profiles.username, profiles.user_id").Find(&rows).Error; err != nil {
		return nil, domain(err)
	}
	people := make([]Profile, len(rows))
	for i, row := range rows {
		people[i] = row.person().Profile
	}
	return people, nil
}

// find returns one person.
func (s store) find(ctx context.Context, user id.ID) (Person, error) {
	p, err := take(s.people(ctx), user)
	return p, domain(err)
}

func take(q *gorm.DB, user id.ID) (Person, error) {
	var row personRow
	err := q.Take(&row, "profiles.user_id = ?", user).Error
	return row.person(), err
}

// named returns those of users that there are, in username order.
func (s store) named(ctx context.Context, users []id.ID) ([]Profile, error) {
	return profiles(s.people(ctx).Where("profiles.user_id IN ?", users))
}

// update changes a person under a lock, and notes it in the audit log. alter says
// in place what becomes of them and returns the events of that, none where nothing
// changed.
func (s store) update(ctx context.Context, user id.ID, alter func(*gorm.DB, *Person) ([]outbox.Row, error)) (Person, []outbox.Row, error) {
	var p Person
	var rows []outbox.Row
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, rows = Person{}, nil
		if err := s.db.ForUpdate(tx).Take(&profileRow{}, "user_id = ?", user).Error; err != nil {
			return err
		}
		var err error
		if p, err = take(withDetails(tx), user); err != nil {
			return err
		}
		if p.gone() { // a token of theirs may live a moment longer
			return gorm.ErrRecordNotFound
		}
		before := p
		if rows, err = alter(tx, &p); err != nil || p == before {
			return err
		}
		if err := saveDetails(tx, p); err != nil {
			return err
		}
		if err := noteChanges(tx, by(ctx, user), before, p); err != nil {
			return err
		}
		return outbox.Insert(tx, rows)
	})
	return p, rows, domain(err)
}

func saveDetails(tx *gorm.DB, p Person) error {
	row := detailsRow{
		UserID: p.UserID, StatusText: p.StatusText, Language: p.Language, TimeZone: p.TimeZone,
		Unlisted: p.Privacy.Unlisted, HideLastSeen: p.Privacy.HideLastSeen, HideReceipts: p.Privacy.HideReceipts,
		PrivacyVersion: p.Privacy.Version,
	}
	if !p.PictureID.IsZero() {
		row.PictureID = &p.PictureID
	}
	return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}}, UpdateAll: true}).Create(&row).Error
}

// change changes a person's profile, in one transaction with its search terms and
// its event. What is so already changes nothing and has no rows.
func (s store) change(ctx context.Context, user id.ID, c change) (Person, []outbox.Row, error) {
	return s.update(ctx, user, func(tx *gorm.DB, p *Person) ([]outbox.Row, error) {
		name := p.DisplayName
		public, _ := c.apply(p)
		if !public {
			return nil, nil
		}
		if p.DisplayName != name {
			if err := saveTerms(tx, p.Profile); err != nil {
				return nil, err
			}
		}
		return nextVersion(tx, p)
	})
}

// nextVersion counts a change that everybody may see and returns its event.
func nextVersion(tx *gorm.DB, p *Person) ([]outbox.Row, error) {
	p.Version++
	err := tx.Model(&profileRow{}).Where("user_id = ?", p.UserID).
		Updates(map[string]any{"display_name": p.DisplayName, "version": p.Version}).Error
	if err != nil {
		return nil, err
	}
	return changedRows(p.Profile)
}

func saveTerms(tx *gorm.DB, p Profile) error {
	if err := tx.Where("user_id = ?", p.UserID).Delete(&termRow{}).Error; err != nil {
		return err
	}
	return insertTerms(tx, p)
}

// setPrivacy keeps what a person wants and returns the event of it; none where it
// was so before.
func (s store) setPrivacy(ctx context.Context, user id.ID, want Privacy) (Person, []outbox.Row, error) {
	return s.update(ctx, user, func(_ *gorm.DB, p *Person) ([]outbox.Row, error) {
		want.Version = p.Privacy.Version
		if want == p.Privacy {
			return nil, nil
		}
		want.Version++
		p.Privacy = want
		return privacyRows(*p)
	})
}
