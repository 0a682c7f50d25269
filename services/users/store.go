package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/db"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/outbox"
)

// store holds every SQL statement of the service. Its methods return domain
// errors: not-found, unavailable when the database cannot be reached.
type store struct{ db *db.DB }

type profileRow struct {
	UserID      id.ID `gorm:"primaryKey"`
	Username    string
	DisplayName string
	Version     uint64
	CreatedAt   time.Time
}

func (profileRow) TableName() string { return "profiles" }

type termRow struct {
	UserID id.ID  `gorm:"primaryKey"`
	Term   []byte `gorm:"primaryKey"`
}

func (termRow) TableName() string { return "search_terms" }

// find returns one profile.
func (s store) find(ctx context.Context, user id.ID) (Profile, error) {
	var row profileRow
	err := s.db.R.WithContext(ctx).Take(&row, "user_id = ?", user).Error
	return row.profile(), domain(err)
}

// create stores the first version of a profile, its search terms and its
// event, and returns the event. Creating again what exists changes nothing, is
// no error and has no rows.
func (s store) create(ctx context.Context, p Profile) ([]outbox.Row, error) {
	rows, err := changedRows(p)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		row := profileRow(p)
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := insertTerms(tx, p); err != nil {
			return err
		}
		return outbox.Insert(tx, rows)
	})
	if db.IsDuplicate(err) {
		return nil, nil
	}
	if err != nil {
		return nil, domain(err)
	}
	return rows, nil
}

// rename gives a profile another display name, in one transaction with its
// search terms and its event. The same name again changes nothing and has no
// rows.
func (s store) rename(ctx context.Context, user id.ID, name string) (Profile, []outbox.Row, error) {
	var p Profile
	var rows []outbox.Row
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, rows = Profile{}, nil
		var row profileRow
		if err := s.db.ForUpdate(tx).Take(&row, "user_id = ?", user).Error; err != nil {
			return err
		}
		p = row.profile()
		if p.DisplayName == name {
			return nil
		}
		p.DisplayName, p.Version = name, p.Version+1
		return s.saveName(tx, p, &rows)
	})
	return p, rows, domain(err)
}

func (s store) saveName(tx *gorm.DB, p Profile, rows *[]outbox.Row) error {
	err := tx.Model(&profileRow{}).Where("user_id = ?", p.UserID).
		Updates(map[string]any{"display_name": p.DisplayName, "version": p.Version}).Error
	if err != nil {
		return err
	}
	if err := tx.Where("user_id = ?", p.UserID).Delete(&termRow{}).Error; err != nil {
		return err
	}
	if err := insertTerms(tx, p); err != nil {
		return err
	}
	changed, err := changedRows(p)
	if err != nil {
		return err
	}
	if err := outbox.Insert(tx, changed); err != nil {
		return err
	}
	*rows = changed
	return nil
}

// page is a place in the directory: after this person, in username order.
type page struct {
	Username string `json:"u"`
	UserID   id.ID  `json:"i"`
}

// directory returns up to limit people other than the caller and those apart
// from them, in username order from after on (nil = from the start), each
// matching every word; no words match everybody. It is one statement whatever comes out.
func (s store) directory(ctx context.Context, caller id.ID, words []string, after *page, limit int) ([]Profile, error) {
	q := s.db.R.WithContext(ctx)
	for _, w := range words {
		// Whoever has a term that begins with w. 0xff never occurs in UTF-8, so
		// it closes the range of everything that begins so.
		q = q.Where("user_id IN (SELECT user_id FROM search_terms WHERE term >= ? AND term < ?)",
			[]byte(w), append([]byte(w), 0xff))
	}
	var rows []profileRow
	if err := apart(from(q, after), caller).Order("username, user_id").Limit(limit + 1).Find(&rows).Error; err != nil {
		return nil, domain(err)
	}
	people := make([]Profile, 0, len(rows))
	for _, row := range rows {
		// "user_id <> ?" would lure MariaDB away from the index in order.
		if row.UserID != caller {
			people = append(people, row.profile())
		}
	}
	return people[:min(limit, len(people))], nil
}

func insertTerms(tx *gorm.DB, p Profile) error {
	var rows []termRow
	for _, term := range searchTerms(p.Username, p.DisplayName) {
		rows = append(rows, termRow{UserID: p.UserID, Term: []byte(term)})
	}
	return tx.Create(&rows).Error
}

// changedRows is the outbox's copy of a profile's state. The version in the
// message id makes the broker drop a second publish of the same change.
func changedRows(p Profile) ([]outbox.Row, error) {
	payload, err := json.Marshal(p.changed())
	if err != nil {
		return nil, fmt.Errorf("users: profile event: %w", err)
	}
	return []outbox.Row{{
		ID:        id.New(),
		Subject:   events.Subject(events.ServiceUsers, events.NameProfileChanged, p.UserID.String()),
		MsgID:     fmt.Sprintf("profile-%s-%d", p.UserID, p.Version),
		Type:      events.NameProfileChanged,
		Payload:   payload,
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}}, nil
}

func (r profileRow) profile() Profile {
	r.CreatedAt = r.CreatedAt.UTC()
	return Profile(r)
}

// domain turns gorm's "no row" into ours; what libs/db made of an unreachable
// database passes through.
func domain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return noSuchPerson()
	default:
		return fmt.Errorf("users: %w", err)
	}
}
