package users

import (
	"context"

	"gorm.io/gorm"

	"chatapp/libs/audit"
	"chatapp/libs/id"
)

// What the audit log records: which parts of a profile were changed and never to
// what, and whom somebody blocked.
const (
	eventProfileChanged = "profile-changed"
	eventPictureSet     = "picture-set"
	eventPictureRemoved = "picture-removed"
	eventPrivacyChanged = "privacy-changed"
	eventBlocked        = "person-blocked"
	eventUnblocked      = "person-unblocked"
)

// by is user, as the request that ctx belongs to shows them.
func by(ctx context.Context, user id.ID) audit.By {
	b := audit.Caller(ctx)
	b.Account = user
	return b
}

// noteChanges records in the audit log what somebody changed of themselves.
func noteChanges(tx *gorm.DB, who audit.By, before, after Person) error {
	var rows []audit.Row
	add := func(event string, detail any) {
		rows = append(rows, audit.NewRow(now(), event, who, audit.Detail(detail)))
	}
	if parts := changed([]part{
		{"display_name", before.DisplayName != after.DisplayName},
		{"status_text", before.StatusText != after.StatusText},
		{"language", before.Language != after.Language},
		{"time_zone", before.TimeZone != after.TimeZone},
	}); len(parts) > 0 {
		add(eventProfileChanged, map[string][]string{"fields": parts})
	}
	switch {
	case before.PictureID == after.PictureID:
	case after.PictureID.IsZero():
		add(eventPictureRemoved, struct{}{})
	default:
		add(eventPictureSet, struct{}{})
	}
	if parts := changed([]part{
		{"listed", before.Privacy.Unlisted != after.Privacy.Unlisted},
		{"show_last_seen", before.Privacy.HideLastSeen != after.Privacy.HideLastSeen},
		{"show_read_receipts", before.Privacy.HideReceipts != after.Privacy.HideReceipts},
	}); len(parts) > 0 {
		add(eventPrivacyChanged, map[string][]string{"fields": parts})
	}
	return audit.Insert(tx, rows...)
}

// part is one field, by its name in the API, and whether it is another now.
type part struct {
	name    string
	changed bool
}

func changed(parts []part) (names []string) {
	for _, p := range parts {
		if p.changed {
			names = append(names, p.name)
		}
	}
	return names
}

// noteBlock records that somebody blocked another person, or no longer does.
func noteBlock(tx *gorm.DB, who audit.By, r blockRow) error {
	event := eventUnblocked
	if r.Active {
		event = eventBlocked
	}
	return audit.Insert(tx, audit.NewRow(r.ChangedAt, event, who, audit.Detail(map[string]string{"user": r.BlockedID.String()})))
}
