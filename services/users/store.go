package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// now is the one way to make a stored time: both databases keep microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

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

// create stores the first version of a profile, its search terms and its
// event, and returns the event. Creating again what exists changes nothing, is
// no error and has no rows.
func (s store) create(ctx context.Context, p Profile) ([]outbox.Row, error) {
	rows, err := changedRows(p)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		row := profileRow{UserID: p.UserID, Username: p.Username, DisplayName: p.DisplayName, Version: p.Version, CreatedAt: p.CreatedAt}
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

// page is a place in the directory: after this person, in username order.
type page struct {
	Username string `json:"u"`
	UserID   id.ID  `json:"i"`
}

// directory returns up to limit people other than the caller and those apart
// from them, in username order from after on (nil = from the start), as wanted. It
// is one statement whatever comes out.
func (s store) directory(ctx context.Context, caller id.ID, want search, after *page, limit int) ([]Profile, error) {
	q := s.people(ctx)
	for _, w := range want.words {
		// Whoever has a term that begins with w. 0xff never occurs in UTF-8, so
		// it closes the range of everything that begins so.
		q = q.Where("profiles.user_id IN (SELECT user_id FROM search_terms WHERE term >= ? AND term < ?)",
			[]byte(w), append([]byte(w), 0xff))
	}
	q = q.Where("(COALESCE(d.unlisted, 0) = 0 OR profiles.username = ?)", want.username)
	people, err := profiles(apart(from(q, after), caller).Limit(limit + 1))
	// "user_id <> ?" would lure MariaDB away from the index in order.
	people = slices.DeleteFunc(people, func(p Profile) bool { return p.UserID == caller })
	return people[:min(limit, len(people))], err
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
	return eventRows(events.NameProfileChanged, p.UserID, fmt.Sprintf("profile-%s-%d", p.UserID, p.Version), p.changed())
}

// privacyRows tells the others of what they must keep to themselves.
func privacyRows(p Person) ([]outbox.Row, error) {
	return eventRows(events.NamePrivacyChanged, p.UserID, fmt.Sprintf("privacy-%s-%d", p.UserID, p.Privacy.Version), events.PrivacyChanged{
		UserID: p.UserID.String(), ShowReadReceipts: !p.Privacy.HideReceipts, Version: p.Privacy.Version,
	})
}

func eventRows(name string, user id.ID, msgID string, event any) ([]outbox.Row, error) {
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("users: %s event: %w", name, err)
	}
	return []outbox.Row{{
		ID:        id.New(),
		Subject:   events.Subject(events.ServiceUsers, name, user.String()),
		MsgID:     msgID,
		Type:      name,
		Payload:   payload,
		CreatedAt: now(),
	}}, nil
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
