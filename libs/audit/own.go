package audit

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chatapp/libs/authn"
	"chatapp/libs/db"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

// ActivityItem is one thing that the caller did, or that happened to the account:
// without an address and a place, because those are guesses that frighten people.
type ActivityItem struct {
	ID      id.ID     `json:"id" format:"uuid"`
	At      time.Time `json:"at"`
	Event   string    `json:"event" example:"login" doc:"A short name, such as login, password-changed, profile-changed or request-accepted; more may follow"`
	Device  string    `json:"device" example:"Firefox on Linux" doc:"Where it was done"`
	Current bool      `json:"current" doc:"In the session that asks"`
}

// ActivityPage is one page of them.
type ActivityPage struct {
	Items      []ActivityItem `json:"items" doc:"The newest first"`
	NextCursor *string        `json:"next_cursor" doc:"Pass as cursor for the next page; null on the last one"`
}

// OwnInput says which page of the list is wanted.
type OwnInput struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

// OwnOutput is the answer to it.
type OwnOutput struct{ Body ActivityPage }

// Own makes the handler of a route where people see what the log in d has about
// themselves, the newest first. Errors: invalid-cursor, unavailable.
func Own(d *db.DB) func(context.Context, *OwnInput) (*OwnOutput, error) {
	return func(ctx context.Context, in *OwnInput) (*OwnOutput, error) {
		before, err := decodePlace(in.Cursor)
		if err != nil {
			return nil, err
		}
		who := authn.From(ctx)
		rows, err := about(d.R.WithContext(ctx), who.UserID, before, in.Limit+1)
		if err != nil {
			return nil, err
		}
		out := &OwnOutput{ActivityPage{Items: make([]ActivityItem, 0, len(rows))}}
		if len(rows) > in.Limit {
			rows = rows[:in.Limit]
			last := rows[in.Limit-1]
			next := httpx.EncodeCursor(Place{At: last.At.UTC(), ID: last.ID})
			out.Body.NextCursor = &next
		}
		for _, r := range rows {
			out.Body.Items = append(out.Body.Items, ActivityItem{
				ID: r.ID, At: r.At.UTC(), Event: r.Event, Device: httpx.DeviceName(r.UserAgent),
				Current: r.SessionID != nil && *r.SessionID == who.SessionID,
			})
		}
		return out, nil
	}
}

// Place is behind which row a list in the order of time goes on.
type Place struct {
	At time.Time `json:"at"`
	ID id.ID     `json:"id"`
}

// Beginning is the place before all rows, for History.
func Beginning() Place { return Place{At: time.Unix(0, 0).UTC()} }

// History lists the rows about an account that come after a place, the oldest
// first, at most limit.
func History(tx *gorm.DB, account id.ID, after Place, limit int) (rows []Row, err error) {
	err = tx.Table("audit_log").Where("account_id = ?", account).Where("at > ? OR (at = ? AND id > ?)", after.At, after.At, after.ID).
		Order("at, id").Limit(limit).Find(&rows).Error
	return rows, err
}

// decodePlace reads a cursor; "" is the first page.
func decodePlace(cursor string) (*Place, error) {
	if cursor == "" {
		return nil, nil
	}
	var p Place
	if err := httpx.DecodeCursor(cursor, &p); err != nil {
		return nil, err
	}
	if p.At.IsZero() || p.ID.IsZero() {
		return nil, errs.New(errs.InvalidCursor, "The cursor is not one that this list gave out.")
	}
	return &p, nil
}

// about lists the rows about one account, the newest first, at most limit, and
// those before the place of a page.
func about(tx *gorm.DB, account id.ID, before *Place, limit int) (rows []Row, err error) {
	tx = tx.Table("audit_log").Where("account_id = ?", account)
	if before != nil {
		tx = tx.Where("at < ? OR (at = ? AND id < ?)", before.At, before.At, before.ID)
	}
	err = tx.Order("at DESC, id DESC").Limit(limit).Find(&rows).Error
	return rows, err
}
